"""Results that are written into a user's array, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .memmap import MappedPages

__all__ = ["write_parts"]


def write_parts(
    parts: Iterable[np.ndarray], out: Any, n_rows: int, labels: np.ndarray | None = None
) -> np.ndarray:
    """Write the results of all rows into `out`, part by part, and return it.

    Where the results are labels, `labels` are all possible ones.
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(
            "The 'out' parameter must be a numpy array, for instance a memory map. "
            f"Got {type(out).__name__} instead."
        )
    if not out.flags.writeable:
        raise ValueError(
            "The 'out' parameter must be an array that can be written to. Got one that is "
            "read-only; open a memory map with mode='r+' or 'w+'."
        )
    start, pages = 0, MappedPages(out)
    for part in parts:
        if start == 0:
            _check_shape(out, (n_rows, *part.shape[1:]))
            _check_dtype(out.dtype, part.dtype, labels)
        out[start : start + len(part)] = part
        start += len(part)
        pages.touch(1, part.nbytes)
    return out


def _check_shape(out: np.ndarray, shape: tuple[int, ...]) -> None:
    if out.shape != shape:
        raise ValueError(
            f"The 'out' parameter must have the shape of the result, {shape}. "
            f"Got shape {out.shape} instead."
        )


def _check_dtype(dtype: np.dtype, of_result: np.dtype, labels: np.ndarray | None) -> None:
    if labels is None:
        # numpy casts numbers to strings, too, of which it cuts off what does not fit
        fits = dtype.kind in "fcO" and np.can_cast(of_result, dtype, "same_kind")
        what = f"{of_result}, as the result has"
    else:
        fits, what = _holds(dtype, labels), "all labels of 'classes_'"
    if not fits:
        raise ValueError(
            f"The 'out' parameter must have a dtype that can hold {what}. Got {dtype} instead."
        )


def _holds(dtype: np.dtype, labels: np.ndarray) -> bool:
    """Say whether the labels are the same in an array of this dtype."""
    try:
        with np.errstate(all="ignore"):
            cast = labels.astype(dtype)
            back = cast.astype(labels.dtype)
    except (TypeError, ValueError):
        return False
    same = np.array_equal(back, labels)
    return same and (labels.dtype.kind not in "biuf" or np.array_equal(cast, labels))
