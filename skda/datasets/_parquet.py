"""Folders of Parquet, Arrow or CSV files as one memory map."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._atomic import write_atomically
from .._inputs.memmap import MappedPages

__all__ = ["parquet_to_memmap"]

# by default the scanner reads many parts ahead of the writer
_ONE_BY_ONE: dict[str, Any] = {
    "batch_size": 65536,
    "batch_readahead": 1,
    "fragment_readahead": 1,
    "cache_metadata": False,
}


def parquet_to_memmap(
    folder: str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    label: str | None = None,
    format: str = "parquet",
) -> Any:
    """Write the numbers of a folder of column files to a memory map, a part at a time.

    A shuffled epoch reads rows in any order. From a column file a row can only be read together
    with the whole group of rows around it; from a memory map it is read alone.

    Parameters
    ----------
    folder : str or path
        A folder of files with the same columns, or one file. A folder named ``column=value`` adds
        a column.
    file : str or path
        Where to write the rows, ending in ".npy". An existing file is replaced once all rows are
        written.
    columns : sequence of str or None, default=None
        Columns of numbers, in this order. None takes all but `label`.
    label : str or None, default=None
        Column of the labels, which are returned.
    format : {"parquet", "arrow", "feather", "csv", "orc"}, default="parquet"
        Format of the files.

    Returns
    -------
    X : memmap of shape (n_rows, n_columns), float32 or float64, read-only
        Float64 if float32 cannot hold the numbers of a column. Missing numbers are NaN.
    y : ndarray of shape (n_rows,)
        Only with `label`.

    Raises
    ------
    ValueError
        If a column is missing or has no numbers, or there are no rows.
    ImportError
        If pyarrow is not installed: ``pip install pyarrow``.

    Notes
    -----
    Memory holds about three groups of rows of the files at a time, and all labels. The files are
    read in the order of their paths.

    Examples
    --------
    >>> X, y = parquet_to_memmap("measured/", "measured.npy", label="kind")  # doctest: +SKIP
    >>> DANNClassifier().fit(X, y, X_target)  # doctest: +SKIP
    """
    try:
        import pyarrow as pa  # type: ignore[import-not-found, import-untyped, unused-ignore]
        import pyarrow.dataset as ds  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise ImportError(
            "Reading Parquet files needs the package pyarrow: pip install pyarrow."
        ) from error
    if Path(file).suffix != ".npy":
        raise ValueError(f"The 'file' parameter must end in '.npy'. Got {os.fspath(file)!r}.")
    source = ds.dataset(folder, format=format, partitioning="hive")
    schema = source.schema
    names = [n for n in schema.names if n != label] if columns is None else list(columns)
    _check_names([*names, *([] if label is None else [label])], schema.names)
    dtype = np.result_type(np.float32, *(_number_type(schema.field(name)) for name in names))
    shape = source.count_rows(), len(names)
    if 0 in shape:
        raise ValueError(f"The 'folder' parameter must have rows of numbers. Got shape {shape}.")
    labels: list[np.ndarray] = []

    def write(new: Path) -> None:
        rows = np.lib.format.open_memmap(new, mode="w+", dtype=dtype, shape=shape)
        start, pages = 0, MappedPages(rows)
        wanted = names if label is None else [*names, label]
        for batch in source.to_batches(columns=wanted, **_ONE_BY_ONE):
            part = rows[start : start + batch.num_rows]
            for j, name in enumerate(names):
                column = batch.column(name).cast(pa.from_numpy_dtype(dtype))
                part[:, j] = column.to_numpy(zero_copy_only=False)
            if label is not None:
                labels.append(batch.column(label).to_numpy(zero_copy_only=False))
            start += batch.num_rows
            pages.touch(1, part.nbytes)
        rows.flush()

    write_atomically(file, write)
    X = np.load(file, mmap_mode="r")
    return X if label is None else (X, np.concatenate(labels))


def _check_names(names: list[str], known: list[str]) -> None:
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(
            "The 'columns' and 'label' parameters must name columns of the files, which have "
            f"{known}. Got {missing}."
        )


def _number_type(field: Any) -> np.dtype:
    """Return the numpy type of a column; raise ValueError if it holds no numbers."""
    try:
        dtype: np.dtype = np.dtype(field.type.to_pandas_dtype())
    except NotImplementedError:
        dtype = np.dtype(object)
    if dtype.kind not in "biuf":
        raise ValueError(
            f"The column {field.name!r} has no numbers but {field.type}. Leave it out of "
            "'columns', or write it as numbers first."
        )
    return dtype
