"""Folds of two domains: rows of both are held out together."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator, KFold, StratifiedKFold, check_cv
from sklearn.utils import _safe_indexing, indexable
from torch.utils.data import Dataset, Subset

from .._inputs.naming import naming
from ..training.data.inputs import is_inputs
from ._random import derive_random_state
from ._typing import Labels, Rows

Split = tuple[NDArray[np.intp], NDArray[np.intp]]


class DomainFold(NamedTuple):
    """Indices of the training rows and of the held-out rows of each domain."""

    source_train: NDArray[np.intp]
    source_test: NDArray[np.intp]
    target_train: NDArray[np.intp]
    target_test: NDArray[np.intp]


def as_indexable(rows: Rows) -> Rows:
    """Return rows in a container that can be indexed; most containers are returned as they are.

    Sparse matrices of any format become CSR matrices, lists become arrays.
    """
    if is_inputs(rows):
        return {name: as_indexable(part) for name, part in rows.items()}
    return rows if isinstance(rows, (Dataset, torch.Tensor)) else indexable(rows)[0]


def n_rows(rows: Rows) -> int:
    """Return the number of rows of an array, a frame, a sparse matrix, a Dataset or a dict."""
    if is_inputs(rows):
        return n_rows(next(iter(rows.values())))
    return int(rows.shape[0]) if hasattr(rows, "shape") else len(rows)


def take_rows(rows: Rows, index: NDArray[np.intp]) -> Rows:
    """Return some of the rows in the same kind of container; a ``Subset`` of a Dataset.

    The rows may be an array, a frame, a sparse matrix, a tensor, a Dataset, a dict of arrays or
    None, which stays None.
    """
    if rows is None:
        return None
    if is_inputs(rows):
        return {name: take_rows(part, index) for name, part in rows.items()}
    if isinstance(rows, Dataset):
        return Subset(rows, index.tolist())
    if isinstance(rows, torch.Tensor):
        return rows[torch.from_numpy(index)]
    return _safe_indexing(rows, index)


def split_domains(
    cv: int | BaseCrossValidator | Iterable[Split],
    X_source: Rows,
    y_source: Labels,
    X_target: Rows,
    random_state: int,
    stratify: bool = True,
    source_domain: Labels | None = None,
) -> list[DomainFold]:
    """Cut both domains into folds, as many as `cv` makes of the source.

    An int `cv` is the number of shuffled folds; with `stratify`, each has the same shares of the
    classes, and with the names of several sources, `source_domain` of shape (n_source,), the same
    shares of the sources. The target is cut into the same number of shuffled folds, at least two.
    If `cv` makes no fold, or a domain has too few rows, it is a ValueError.
    """
    if isinstance(cv, Integral):
        rng = derive_random_state(random_state, "lambda search, source folds")
        kind = StratifiedKFold if stratify else KFold
        cv = kind(cv, shuffle=True, random_state=rng)
        if source_domain is not None:
            cv = _split_each(cv, y_source, source_domain)
    n_source = n_rows(X_source)
    # a splitter reads only the number of rows, which it cannot get from tensors and Datasets
    placeholder = np.zeros((n_source, 1))
    with naming("cv"):
        splitter = check_cv(cv, y_source, classifier=stratify)
        splits = [
            (_checked_part(train, n_source), _checked_part(test, n_source))
            for train, test in splitter.split(placeholder, y_source)
        ]
    if not splits:
        raise ValueError(
            "The 'cv' parameter of LambdaSearchCV must give at least one split. Got none."
        )
    n_folds = max(2, len(splits))
    if n_rows(X_target) < n_folds:
        raise ValueError(
            f"X_target has {n_rows(X_target)} rows, fewer than the {n_folds} folds that 'cv' asks "
            "for. Pass more target rows, or a smaller 'cv'."
        )
    rng = derive_random_state(random_state, "lambda search, target folds")
    target = KFold(n_folds, shuffle=True, random_state=rng).split(np.zeros(n_rows(X_target)))
    # with a single split of the source, the second fold of the target is not used
    return [DomainFold(*source, *held) for source, held in zip(splits, target, strict=False)]


def _checked_part(part: Any, n: int) -> NDArray[np.intp]:
    """Return the row numbers of a part of a split of n rows; ValueError if there are none."""
    rows = np.asarray(part)
    if rows.dtype == bool and rows.shape == (n,):
        rows = np.flatnonzero(rows)
    is_list = rows.ndim == 1 and rows.dtype.kind in "iu" and rows.size
    if not is_list or rows.min() < -n or rows.max() >= n:
        raise ValueError(
            "Each split of 'cv' must be (train, test), two arrays of row numbers from 0 to "
            f"{n - 1}, or masks of {n} rows, with a row at least. Got {part!r}."
        )
    return rows.astype(np.intp, copy=False)


def _split_each(cv: BaseCrossValidator, y_source: Labels, source_domain: Labels) -> list[Split]:
    """Cut each of several sources into folds; fold i of the whole joins the folds i of all."""
    of_each = []
    for name in np.unique(source_domain):
        (rows,) = np.nonzero(source_domain == name)
        try:
            split = list(cv.split(np.zeros((len(rows), 1)), y_source[rows]))
        except ValueError as error:
            raise ValueError(f"The domain {str(name)!r} of source_domain: {error}") from error
        of_each.append([(rows[train], rows[test]) for train, test in split])
    joined = [zip(*of_fold, strict=True) for of_fold in zip(*of_each, strict=True)]
    return [(np.concatenate(train), np.concatenate(test)) for train, test in joined]
