"""Columns far from zero with small differences, which float32 would lose."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis

from .._inputs.memmap import MappedPages

__all__ = [
    "as_table",
    "centred",
    "check_single_precision",
    "find_centre",
    "has_large_numbers",
    "in_blocks",
    "refuse_large_integers",
]

LARGEST_EXACT = 2**24  # float32 holds all integers up to it
_BLOCK_BYTES = 1 << 24
_ROUNDED = 2**-10  # standard deviations that rounding to float32 may move a value
_LOST = 0.1  # standard deviations of such a move that are worth a warning
_FAR = 4  # standard deviations from zero at which integers are times or counts, not ids


class Spread(NamedTuple):
    """What the values of each column are, in arrays that broadcast to a row."""

    mean: Any
    std: Any
    size: Any  # largest absolute value
    error: Any  # largest change by rounding to float32

    def rounded(self, by: float) -> Any:
        """Return which columns rounding moves by more than so many standard deviations."""
        varies = self.std > 1e-12 * np.abs(self.mean)  # more than rounding in float64
        return varies & np.isfinite(self.error) & (self.error > by * self.std)


def as_table(X: Any) -> np.ndarray | None:
    """Return rows in memory, or a memory map, as an array of numbers; None for anything else."""
    try:
        table = X.to_numpy() if hasattr(X, "to_numpy") else X
        table = np.asarray(table) if isinstance(table, (list, tuple)) else table
        if isinstance(table, np.ndarray) and table.dtype == object:
            table = table.astype(np.float64)
    except (TypeError, ValueError):
        return None  # for check_array to refuse
    if not isinstance(table, np.ndarray) or table.ndim < 2 or table.size == 0:
        return None
    return table if table.dtype.kind in "fiu" else None


def has_large_numbers(matrix: Any) -> bool:
    """Say whether a sparse matrix has numbers so large that float32 may lose differences."""
    if not sparse.issparse(matrix) or matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        return False
    values = matrix.tocsr().data
    return bool(values.size and np.abs(values).max() > 1e4)


def in_blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows in blocks, and give the pages of a memory map back."""
    row_bytes = array[:1].nbytes
    step = max(1, _BLOCK_BYTES // max(1, row_bytes))
    pages = MappedPages(array)
    for start in range(0, len(array), step):
        block = np.asarray(array[start : start + step])  # no memmap itself
        yield block
        pages.touch(len(block), row_bytes)


def _spread(table: np.ndarray, centre: Any = None) -> Spread:
    over = (0, *range(2, table.ndim))
    shift = np.asarray(table[:1], dtype=np.float64).mean(axis=over, keepdims=True)
    total = square = size = error = np.zeros_like(shift)
    with np.errstate(over="ignore", invalid="ignore"):
        for block in in_blocks(table):
            values = np.asarray(centred(block, centre), dtype=np.float64)
            rounded = values.astype(np.float32)
            size = np.maximum(size, np.abs(values).max(axis=over, keepdims=True))
            error = np.maximum(error, np.abs(values - rounded).max(axis=over, keepdims=True))
            values = block - shift
            total = total + values.sum(axis=over, keepdims=True)
            square = square + np.square(values).sum(axis=over, keepdims=True)
        mean = total / (table.size / shift.size)
        std = np.sqrt(np.maximum(0, square / (table.size / shift.size) - mean**2))
    return Spread(*(column[0] for column in (shift + mean, std, size, error)))


def _spread_of_sparse(matrix: Any) -> Spread:
    """Return the `Spread` of a sparse matrix, zeros included."""
    values = matrix.tocsc().astype(np.float64)
    mean, variance = mean_variance_axis(values, axis=0)
    size = abs(values).max(axis=0).toarray().ravel()
    rounded = values.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        rounded.data = np.abs(values.data - values.data.astype(np.float32))
    return Spread(mean, np.sqrt(variance), size, rounded.max(axis=0).toarray().ravel())


def find_centre(table: Any, name: str) -> np.ndarray | None:
    """Return what to subtract from each column, or from each channel, before the cast to float32.

    The table is an array (n, n_columns, ...), a sparse matrix or None. The centre, float64 of shape
    (n_columns, 1, ...), is the mean of columns that rounding would move by a thousandth of their
    standard deviation, and of integers that float32 does not hold; 0 for the others. It is None if
    all are 0. Raises ValueError if such integers lie around zero, as ids do.
    """
    if table is None or table.dtype.itemsize < (4 if table.dtype.kind in "iu" else 8):
        return None
    spread = _spread_of_sparse(table) if sparse.issparse(table) else _spread(table)
    if table.dtype.kind == "f":
        centre = np.where(spread.rounded(_ROUNDED), spread.mean, 0.0)
    else:
        far = np.abs(spread.mean) >= _FAR * spread.std
        large = spread.size > LARGEST_EXACT
        if (large & ~far).any():
            raise ValueError(_large_integers(name))
        centre = np.where(large, np.rint(spread.mean), 0.0)
    return centre if centre.any() else None


def centred(rows: Any, centre: Any) -> Any:
    """Subtract the centre from dense rows; return sparse rows unchanged."""
    if centre is None or sparse.issparse(rows):
        return rows
    if rows.dtype.kind in "iu" and rows.dtype != np.uint64:
        return rows.astype(np.int64) - centre.astype(np.int64)  # exact
    return rows.astype(np.float64) - centre


def check_single_precision(table: np.ndarray | None, name: str, centre: Any = None) -> None:
    """Raise or warn where float32 cannot hold the differences of a table's columns."""
    if table is None:
        return
    if table.dtype.kind in "iu":
        kept = table if centre is None else table[:, centre.ravel() == 0]
        refuse_large_integers(kept, name)
        return
    if table.dtype.itemsize < 8:
        return
    lost = np.flatnonzero(_spread(table, centre).rounded(_LOST))
    if len(lost):
        warnings.warn(
            f"{name} has columns, numbers {lost[:5].tolist()}, whose values differ by less than "
            "float32 can hold. Subtract a constant, for instance by a StandardScaler in a "
            "pipeline.",
            UserWarning,
            stacklevel=2,
        )


def refuse_large_integers(integers: Any, name: str) -> None:
    """Raise ValueError where float32 cannot tell integers apart."""
    if integers.dtype.itemsize >= 4 and (abs(integers) > LARGEST_EXACT).any():
        raise ValueError(_large_integers(name))


def _large_integers(name: str) -> str:
    return (
        f"{name} has integers above {LARGEST_EXACT}, which float32 cannot tell apart. Encode ids "
        "as categories (OrdinalEncoder) and subtract a constant from counts and times."
    )
