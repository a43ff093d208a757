"""Columns of frames by name."""

from __future__ import annotations

from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _get_feature_names

from .._typing import Rows


def reorder_columns(rows: Rows, like: Rows) -> Rows:
    """Return `rows` with its columns in the order of `like`, if both are frames of equal names.

    Otherwise the result is `rows` itself; scikit-learn's own checks find the other differences.
    Frames are those of pandas, polars or another library whose names scikit-learn reads.

    >>> import pandas as pd
    >>> rows = pd.DataFrame([[1, 2]], columns=["b", "a"])
    >>> reorder_columns(rows, like=pd.DataFrame(columns=["a", "b"])).columns.tolist()
    ['a', 'b']
    """
    found, wanted = _get_feature_names(rows), _get_feature_names(like)
    if found is None or wanted is None or list(found) == list(wanted):
        return rows
    if sorted(found) != sorted(wanted) or len(set(wanted)) < len(wanted):
        return rows
    return _safe_indexing(rows, list(wanted), axis=1)
