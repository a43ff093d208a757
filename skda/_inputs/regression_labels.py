"""Checks of the labels of a regression, with messages that name the parameter."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import assert_all_finite

from .host import as_host_array, refuse_dates
from .naming import naming
from .validation import check_length

__all__ = ["check_source_numbers", "check_target_numbers"]


def check_source_numbers(
    who: str, y: Any, n_rows: int, known: tuple[int, ...] | None = None
) -> np.ndarray:
    """Check `y_source` and return float64 of shape (n_rows,) or (n_rows, n_outputs).

    With `known`, the shape of a row's labels must be this one.
    """
    if y is None:
        raise ValueError(
            f"{who} requires y to be passed, but the target y is None: pass the numbers of each "
            "row of X_source as y_source."
        )
    y_source = _numbers(y, "y_source")
    check_length(y_source, n_rows, "y_source", "X_source")
    with np.errstate(over="ignore", invalid="ignore"):
        assert_all_finite(y_source, input_name="y_source")
    if known is not None and y_source.shape[1:] != known:
        raise ValueError(
            f"y_source has labels of shape {y_source.shape}, but {who} was fitted on those of "
            f"shape (n_rows{''.join(f', {n}' for n in known) or ','})."
        )
    return y_source


def check_target_numbers(y: Any, n_rows: int, shape: tuple[int, ...]) -> np.ndarray:
    """Check `y_target` and return it like `y_source`, NaN in all outputs of an unlabelled row."""
    y_target = _numbers(y, "y_target")
    check_length(y_target, n_rows, "y_target", "X_target")
    if y_target[:1].size != np.prod(shape, dtype=int):
        raise ValueError(
            f"y_target has labels of shape {y_target.shape}, but y_source has "
            f"{np.prod(shape, dtype=int)} numbers for each row. Pass as many, or NaN for all of "
            "them where a row is unlabelled."
        )
    missing = np.isnan(y_target.reshape(n_rows, -1))
    partly = np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1))
    if len(partly):
        raise ValueError(
            f"y_target has rows, such as number {partly[0]}, with some of their numbers. Mark an "
            "unlabelled row by NaN in all of its outputs."
        )
    return y_target.reshape(n_rows, *shape)


def _numbers(y: Any, name: str) -> np.ndarray:
    """Return labels as float64, of one or two axes; NaN may be among them."""
    given = as_host_array(y, name)
    refuse_dates(given if hasattr(given, "dtypes") else np.asarray(given), name)
    with np.errstate(over="ignore", invalid="ignore"), naming(name):  # sums of large ones
        array: np.ndarray = check_array(
            given,
            dtype=np.float64,
            ensure_2d=False,
            allow_nd=True,
            ensure_all_finite="allow-nan",
            ensure_min_samples=0,
            ensure_min_features=0,
            input_name=name,
        )
    if array.ndim not in (1, 2) or array[:1].size == 0:
        raise ValueError(
            f"{name} must have the shape (n_rows,) or (n_rows, n_outputs). Got {array.shape}."
        )
    return array
