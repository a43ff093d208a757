"""Several sources: one array of rows, and the number of the source of each row."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import sparse
from sklearn.utils.validation import column_or_1d
from torch.utils.data import ConcatDataset, Dataset

from ..training.data.inputs import is_inputs
from .columns import reorder_columns
from .host import as_host_array, refuse_mixed_labels
from .naming import naming

__all__ = ["SourceRows", "check_source_domain", "is_several", "join_sources"]

_RESERVED = ("source", "target")


class SourceRows(NamedTuple):
    """Labelled rows of all sources, one array each; `source_domain` is None for one source."""

    X: Any
    y: Any
    source_domain: Any = None
    sample_weight: Any = None


def join_sources(X: Any, y: Any, source_domain: Any = None, sample_weight: Any = None) -> Any:
    """Join a list of sources, one below the other; return anything else as it is.

    Labels and weights are then lists of arrays, or None. `source_domain` has the names of the
    sources, and None numbers them.
    """
    if not is_several(X, y):
        return SourceRows(X, y, source_domain, sample_weight)
    names = _names(source_domain, len(X))
    sizes = [_n_rows(part) for part in X]
    _check_alike(X, names)
    if y is not None:
        y = _join_values(y, sizes, names, "y_source", "labels")
    if sample_weight is not None:
        sample_weight = _join_values(sample_weight, sizes, names, "sample_weight", "weights")
    return SourceRows(_join_rows(X), y, np.repeat(names, sizes), sample_weight)


def is_several(X: Any, y: Any) -> bool:
    """Say whether `X` is a list of sources, and not a list of rows.

    In a list of sources each item could be a domain, an array of two axes or more, and `y` has an
    array of labels for each. In a list of rows with two axes, `y` has one label for each.
    """
    if not (isinstance(X, (list, tuple)) and len(X) and all(map(_may_be_domain, X))):
        return False
    if y is None and all(isinstance(part, Dataset) for part in X):
        return True
    a_list = isinstance(y, (list, tuple)) and len(y) == len(X)
    if a_list and all(np.ndim(as_host_array(part, "y_source")) for part in y):
        return True
    if len({_n_rows(part) for part in X}) > 1 or all(isinstance(part, Dataset) for part in X):
        raise ValueError(
            f"X_source is a list of {len(X)} domains. Pass a list of as many arrays of labels as "
            "y_source; or the rows of all domains in one array, with the domain of each row as "
            "source_domain."
        )
    return False


def _may_be_domain(part: Any) -> bool:
    if is_inputs(part):  # but not a record, whose values are those of one row
        return all(
            hasattr(value, "__len__") and not isinstance(value, str) for value in part.values()
        )
    return isinstance(part, Dataset) or len(getattr(part, "shape", ())) >= 2


def _n_rows(part: Any) -> int:
    if is_inputs(part):
        return _n_rows(next(iter(part.values()), ()))
    return int(part.shape[0]) if hasattr(part, "shape") else len(part)


def _names(source_domain: Any, n: int) -> np.ndarray:
    if source_domain is None:
        return np.arange(n)
    names = np.asarray(source_domain)
    if names.shape != (n,) or len(np.unique(names)) < n:
        raise ValueError(
            f"The 'source_domain' parameter must name each of the {n} domains of the list X_source "
            f"once, or be None, which numbers them. Got {source_domain!r} instead."
        )
    return names


def _place(name: str, i: int, names: np.ndarray) -> str:
    return f"{name}[{i}] (domain {names.tolist()[i]!r})"


def _join_values(values: Any, sizes: list[int], names: np.ndarray, name: str, what: str) -> Any:
    if not isinstance(values, (list, tuple)) or len(values) != len(sizes):
        raise ValueError(
            f"The '{name}' parameter must be a list of {len(sizes)} arrays of {what}, one for each "
            "domain of the list X_source."
        )
    arrays = [np.asarray(as_host_array(part, name)) for part in values]
    for i, (array, n) in enumerate(zip(arrays, sizes, strict=True)):
        if len(array) != n:
            raise ValueError(
                f"{_place(name, i, names)} has {len(array)} {what}, but X_source[{i}] has {n} "
                "rows. Pass one for each row."
            )
    texts = {array.dtype.kind in "OUST" for array in arrays}
    if len(texts) > 1:
        refuse_mixed_labels([label for array in arrays for label in array.ravel()[:1]], name)
    return np.concatenate(arrays)


def _check_alike(parts: Any, names: np.ndarray) -> None:
    """Raise ValueError unless all sources are of one kind and their rows of one shape."""
    for i, part in enumerate(parts):
        if isinstance(part, np.memmap):
            raise ValueError(
                f"{_place('X_source', i, names)} is a memory map, which a list of domains would "
                "copy into memory. Keep the rows of all domains in one file, with the domain of "
                "each row as source_domain, or pass Datasets."
            )
        if not _n_rows(part):
            raise ValueError(f"{_place('X_source', i, names)} is empty: it has no rows.")
        kinds = [Dataset, Mapping, torch.Tensor]
        other = any(isinstance(part, kind) != isinstance(parts[0], kind) for kind in kinds)
        if other or hasattr(part, "columns") != hasattr(parts[0], "columns"):
            raise ValueError(
                f"{_place('X_source', i, names)} is a {type(part).__name__}, but X_source[0] a "
                f"{type(parts[0]).__name__}. Pass all domains as one type."
            )
        shapes = [tuple(getattr(each, "shape", ())[1:]) for each in (parts[0], part)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"{_place('X_source', i, names)} has rows of shape {shapes[1]}, but "
                f"{_place('X_source', 0, names)} of shape {shapes[0]}. The domains must have the "
                "same columns."
            )
        columns = [sorted(map(str, _names_of_columns(each))) for each in (parts[0], part)]
        if columns[0] != columns[1]:
            raise ValueError(
                f"{_place('X_source', i, names)} has the columns {columns[1]}, but "
                f"{_place('X_source', 0, names)} has {columns[0]}. The domains must have the same "
                "columns."
            )


def _join_rows(parts: Any) -> Any:
    first = parts[0]
    if isinstance(first, Dataset):
        return ConcatDataset(parts)
    if is_inputs(first):
        return type(first)(**{key: _join_rows([part[key] for part in parts]) for key in first})
    if any(sparse.issparse(part) for part in parts):
        return sparse.vstack(parts, format="csr")
    if isinstance(first, torch.Tensor):
        return torch.cat(list(parts))
    if isinstance(first, np.ndarray):
        return np.concatenate([np.asarray(part) for part in parts])
    library = importlib.import_module(type(first).__module__.partition(".")[0])
    if not hasattr(library, "concat"):  # such as pyarrow
        return np.concatenate([np.asarray(part) for part in parts])
    options = {} if hasattr(first, "iloc") else {"how": "vertical_relaxed"}  # pandas, polars
    frames = [reorder_columns(part, first, "X_source", "X_source") for part in parts]
    try:
        return library.concat(frames, **options)
    except Exception as error:
        raise ValueError(
            f"X_source: the columns of its domains cannot be put below each other: {error}"
        ) from error


def _names_of_columns(frame: Any) -> Any:
    """Return the names of a frame of pandas, polars or pyarrow, whose columns are arrays."""
    return getattr(frame, "column_names", getattr(frame, "columns", ()))


def check_source_domain(
    source_domain: Any, n_rows: int, known: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sorted names of the sources, and the number of the source of each row.

    `known` are the names of a fit that goes on.
    """
    refuse_mixed_labels(source_domain, "source_domain")
    with naming("source_domain"):
        given = column_or_1d(as_host_array(source_domain, "source_domain"))
    if len(given) != n_rows:
        raise ValueError(
            f"source_domain has {len(given)} names, but X_source has {n_rows} rows. Pass one for "
            "each row."
        )
    missing = [name for name in given.tolist() if name is None or name != name]
    if missing:
        raise ValueError(
            f"source_domain has no name for {len(missing)} rows: {missing[0]}. Name the domain of "
            "each row of X_source."
        )
    if given.dtype == object:
        given = np.array(given.tolist())
    if given.dtype.kind not in "iuUSb":
        raise ValueError(
            "source_domain must hold strings or integers, the name of the domain of each row. Got "
            f"{given.dtype} instead."
        )
    present = np.unique(given)
    names = present if known is None else known
    if reserved := [name for name in present.tolist() if name in _RESERVED]:
        raise ValueError(
            f"source_domain has the name {reserved[0]!r}, which stands for all sources or for the "
            "target in predict(domain=...). Give the domain another name."
        )
    if unknown := np.setdiff1d(present, names).tolist():
        raise ValueError(
            f"source_domain has domains that were not there before: {unknown}. Known are "
            f"{names.tolist()}."
        )
    if len(names) < 2:
        raise ValueError(
            f"source_domain names one domain only, {present.tolist()[0]!r}. Leave it out, or pass "
            "the rows of several domains."
        )
    return names, np.searchsorted(names, given)
