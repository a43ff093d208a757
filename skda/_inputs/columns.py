"""Columns of frames by name."""

from __future__ import annotations

from typing import Any

from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names

from .._typing import Rows
from .validation import naming

__all__ = ["column_names", "reorder_columns"]


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
    if found is None or wanted is None or list(found) == list(wanted):
        return rows
    if sorted(found) != sorted(wanted) or len(set(wanted)) < len(wanted):
        return rows
    return _safe_indexing(rows, list(wanted), axis=1)
