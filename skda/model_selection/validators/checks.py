"""Checks of what a validator is given: labels, predictions, columns and options."""

from __future__ import annotations

from collections.abc import Callable, Set
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets

from ..._inputs.array_checks import check_probabilities, check_same_length
from ..._inputs.class_labels import class_vector
from ..._inputs.naming import naming
from .._typing import Labels

__all__ = [
    "check_columns",
    "check_known",
    "check_option",
    "check_pair",
    "check_predictions",
    "check_type",
    "is_positive_int",
    "penalties_of",
]


def check_pair(y_source: ArrayLike, predictions_source: ArrayLike) -> tuple[Labels, Labels]:
    """Return true and predicted labels of the same rows as vectors.

    Raises ValueError for missing labels, for numbers that are no classes, and for strings beside
    numbers, which are never equal.
    """
    if isinstance(y_source, np.ndarray) and isinstance(predictions_source, np.ndarray):
        kinds = y_source.dtype.kind, predictions_source.dtype.kind
        alike = y_source.ndim == 1 and y_source.shape == predictions_source.shape
        if kinds[0] == kinds[1] and kinds[0] in "biuU" and alike and len(y_source):
            # nothing is left to check, which takes a tenth of the time of a search
            return y_source, predictions_source
    labels = class_vector(y_source, "y_source")
    predicted = check_predictions(predictions_source, "predictions_source")
    check_same_length(y_source=labels, predictions_source=predicted)
    if len(labels) == 0:
        raise ValueError("y_source is empty: it has no labels. Pass at least one row.")
    check_type(labels, predicted, "y_source", "predictions_source")
    return labels, predicted


def check_predictions(predictions: ArrayLike, name: str) -> Labels:
    """Return predicted labels as a vector; probabilities and missing labels are a ValueError."""
    with naming(name):  # of a ragged list
        shape = tuple(np.shape(predictions))
    if len(shape) != 1 and shape[1:] != (1,):
        raise ValueError(
            f"{name} must hold one label a row, in shape (n_rows,). Got shape {shape}: pass the "
            "output of predict, not of predict_proba."
        )
    labels = class_vector(predictions, name)
    if labels.dtype.kind == "f":  # two probabilities or numbers are hardly ever equal
        with naming(name):
            check_classification_targets(labels)
    return labels


def check_columns(
    classes: ArrayLike, proba: ArrayLike, name: str = "proba"
) -> tuple[Labels, NDArray[np.float64]]:
    """Return the label of each column, and class probabilities with as many columns."""
    checked, labels = check_probabilities(proba, name), class_vector(classes, "classes")
    check_same_length(classes=labels, **{f"columns_of_{name}": checked.T})
    if len(np.unique(labels)) < len(labels):
        raise ValueError(
            "classes must name each column once, as the classes_ of the classifier does. Got "
            f"{labels.tolist()}."
        )
    return labels, checked


def check_known(labels: Labels, classes: Labels, name: str) -> None:
    """Raise ValueError where no label is one of `classes`: the columns are those of other classes.

    With some unknown labels it is none: the model errs on a class that its training rows lack.
    """
    check_type(labels, classes, name, "classes")
    if not np.isin(labels, classes).any():
        raise ValueError(
            f"{name} holds none of the labels in classes, {classes.tolist()}. Got the labels "
            f"{np.unique(labels).tolist()}: pass the classes_ of the classifier as classes."
        )


def check_type(one: Labels, other: Labels, name: str, other_name: str) -> None:
    """Raise ValueError where labels are strings and other labels numbers."""
    types = ["numbers" if each.dtype.kind in "biufc" else "strings" for each in (one, other)]
    if types[0] != types[1]:
        raise ValueError(
            f"{name} holds {types[0]} and {other_name} holds {types[1]}, which are never equal. "
            "Give both the labels that the classifier was trained with."
        )


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
