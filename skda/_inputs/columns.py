"""Columns of frames by name."""

from __future__ import annotations

from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names

from .._typing import Rows
from .naming import naming

__all__ = ["column_names", "match_columns", "reorder_columns"]


def column_names(rows: Rows, name: str) -> Any:
    """Return the names of a frame's columns, None for other rows and for names that are numbers.

    Messages, about names that occur twice or have several types, call the rows `name`.
    """
    with naming(name):
        return _get_feature_names(rows)


def reorder_columns(
    rows: Rows, like: Rows, name: str = "X_target", like_name: str = "X_source"
) -> Rows:
    """Return `rows` with its columns in the order of `like`, if both are frames of equal names.

    Otherwise the result is `rows` itself; scikit-learn's own checks find the other differences.
    Frames are those of pandas, polars or another library whose names scikit-learn reads.

    >>> import pandas as pd
    >>> rows = pd.DataFrame([[1, 2]], columns=["b", "a"])
    >>> reorder_columns(rows, like=pd.DataFrame(columns=["a", "b"])).columns.tolist()
    ['a', 'b']
    """
    wanted, found = column_names(like, like_name), column_names(rows, name)
    return _in_order(rows, wanted, found)


def match_columns(rows: Rows, estimator: Any, name: str = "X") -> Rows:
    """Return `rows` with its columns in the order of the estimator's fit, if names are equal."""
    wanted = _fitted_names(estimator)
    return rows if wanted is None else _in_order(rows, wanted, column_names(rows, name))


def _in_order(rows: Rows, wanted: Any, found: Any) -> Rows:
    if found is None or wanted is None or list(found) == list(wanted):
        return rows
    if sorted(found) != sorted(wanted) or len(set(wanted)) < len(wanted):
        return rows
    return _safe_indexing(rows, list(wanted), axis=1)


def _fitted_names(estimator: Any) -> Any:
    """Return the names that an estimator, or the first step of a Pipeline, saw in its fit."""
    if not isinstance(estimator, Pipeline):
        return getattr(estimator, "feature_names_in_", None)
    steps = (step for _, step in estimator.steps if step not in (None, "passthrough"))
    return _fitted_names(next(steps, None))
