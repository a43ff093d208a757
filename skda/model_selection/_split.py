"""Folds of two domains: rows of both are held out together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator, KFold, StratifiedKFold, check_cv
from sklearn.utils import _safe_indexing, indexable
from torch.utils.data import Dataset, Subset

from ._random import own_stream


class DomainFold(NamedTuple):
    """Indices of the rows that train a model and of those that judge it, in each domain."""

    source_train: NDArray[np.intp]
    source_test: NDArray[np.intp]
    target_train: NDArray[np.intp]
    target_test: NDArray[np.intp]


def as_indexable(rows: Any) -> Any:
    """Return rows in a container that can be indexed: most stay as they are.

    Sparse matrices of any kind become CSR ones, other array-likes become arrays.
    """
    return rows if isinstance(rows, (Dataset, torch.Tensor)) else indexable(rows)[0]


def n_rows(rows: Any) -> int:
    """Return the number of rows of an array, a frame, a sparse matrix or a Dataset."""
    return int(rows.shape[0]) if hasattr(rows, "shape") else len(rows)


def take_rows(rows: Any, index: NDArray[np.intp]) -> Any:
    """Return some of the rows, in the container that they came in.

    Parameters
    ----------
    rows : array-like, frame, sparse matrix, tensor, Dataset or None
        None stays None.
    index : ndarray of int

    Returns
    -------
    same kind as `rows`; a torch ``Subset`` of a Dataset

    Examples
    --------
    >>> import numpy as np
    >>> from skda.model_selection._split import take_rows
    >>> take_rows(["a", "b", "c"], np.array([2, 0]))
    ['c', 'a']
    """
    if rows is None:
        return None
    if isinstance(rows, Dataset):
        return Subset(rows, index.tolist())
    if isinstance(rows, torch.Tensor):
        return rows[torch.from_numpy(index)]
    return _safe_indexing(rows, index)


def split_domains(
    cv: int | BaseCrossValidator | Iterable,
    X_source: Any,
    y_source: NDArray,
    X_target: Any,
    random_state: int,
) -> list[DomainFold]:
    """Cut both domains into folds.

    Parameters
    ----------
    cv : int, splitter or iterable of (train, test)
        Folds of the source; an int is the number of shuffled stratified ones.
    X_source, y_source, X_target
        The rows, and the labels of the source.
    random_state : int
        Seed of the folds.

    Returns
    -------
    list of DomainFold
        As many as the source has. The target is cut into as many shuffled folds, at least two.

    Raises
    ------
    ValueError
        If a domain has too few rows.
    """
    if isinstance(cv, int):
        stream = own_stream(random_state, "lambda search, source folds")
        cv = StratifiedKFold(cv, shuffle=True, random_state=stream)
    # a splitter looks at the number of rows only: frames, tensors and Datasets are all the same
    placeholder = np.zeros((n_rows(X_source), 1))
    splits = list(check_cv(cv, y_source, classifier=True).split(placeholder, y_source))
    n_folds = max(2, len(splits))
    if n_rows(X_target) < n_folds:
        raise ValueError(
            f"X_target has {n_rows(X_target)} rows, fewer than the {n_folds} folds that 'cv' asks "
            "for. Pass more target rows, or a smaller 'cv'."
        )
    stream = own_stream(random_state, "lambda search, target folds")
    target = KFold(n_folds, shuffle=True, random_state=stream).split(np.zeros(n_rows(X_target)))
    # a source splitter with a single split leaves a fold of the target over
    return [DomainFold(*source, *held) for source, held in zip(splits, target, strict=False)]
