"""Allowed values of the validators' options, checked before a model is trained."""

from __future__ import annotations

from collections.abc import Callable, Set
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["check_option", "is_positive_int", "penalties_of"]

SCORES = ("entropy", "confidence")


def penalties_of(C: Any) -> NDArray[np.float64]:
    """Return one or several inverse penalties as a vector."""
    return np.atleast_1d(np.asarray(sorted(C) if isinstance(C, Set) else C, dtype=np.float64))


def is_positive_int(value: Any, least: int = 1) -> bool:
    """Say whether a value is an integer, of any library, of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        return False
    return int(value) >= least


def _is_between(value: Any, low: float, high: float) -> bool:
    return isinstance(value, Real) and low < float(value) < high


def _are_penalties(C: Any) -> bool:
    try:
        penalties = penalties_of(C)
    except (TypeError, ValueError):
        return False
    return penalties.ndim == 1 and penalties.size > 0 and bool((penalties > 0).all())


_ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "C": (_are_penalties, "a float in the range (0, inf], or several"),
    "clip": (
        lambda v: v is None or (isinstance(v, Real) and float(v) > 0),
        "None or a number above 0",
    ),
    "cv": (lambda v: is_positive_int(v, 2), "an int in the range [2, inf)"),
    "loss": (lambda v: v in ("zero_one", "log"), "'zero_one' or 'log'"),
    "mix_weight": (lambda v: _is_between(v, 0.5, 1), "in the range (0.5, 1)"),
    "random_state": (
        lambda v: isinstance(v, Integral) and int(v) >= 0,
        "an int in the range [0, inf)",
    ),
    "score": (lambda v: v in SCORES, f"one of {SCORES}"),
    "temperature": (lambda v: isinstance(v, Real) and float(v) > 0, "a number above 0"),
    "test_size": (lambda v: _is_between(v, 0, 1), "a float in the range (0, 1)"),
}


def check_option(name: str, value: Any) -> None:
    """Raise ValueError for a value that an option does not take; options without limits pass."""
    fits, allowed = _ALLOWED.get(name, (lambda _: True, ""))
    if not fits(value):
        raise ValueError(f"{name} must be {allowed}. Got {value!r} instead.")
