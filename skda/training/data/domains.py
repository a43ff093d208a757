"""The rows and the labels of both domains of one fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from .inputs import first_row
from .rows import DatasetRows, Index, Rows

__all__ = ["DomainPair", "is_labelled"]


def is_labelled(y: Any) -> Any:
    """Say which rows have a label; `y` is an array or a tensor.

    Examples
    --------
    >>> is_labelled(np.array([1, -1]))
    array([ True, False])
    >>> is_labelled(np.array([[-1.5], [np.nan]]))
    array([ True, False])
    """
    return y >= 0 if y.ndim == 1 else y[:, 0] == y[:, 0]  # NaN differs from itself


@dataclass(eq=False, repr=False)
class DomainPair(Dataset[tuple[Any, Any]]):
    """Labelled source rows and (partly labelled) target rows of one fit.

    As a torch Dataset, the pair is the labelled source: skorch's ``train_split`` and scoring
    callbacks work on that.

    Parameters
    ----------
    source : Rows
    y_source : ndarray of shape (n_source,), int64, or (n_source, n_outputs), float
        Class indices, or the numbers of a regression.
    target : Rows or None
    y_target : ndarray like `y_source`, or None
        An unlabelled row has the class index -1, or the number NaN.
    subset : ndarray of int or None
        Indices of the source rows to train on; a row may be repeated. None means all.
    weights : ndarray of shape (n_source,), or None
        How often each source row is drawn, relative to the others. None draws each row of
        `subset` once in an epoch.
    source_of : ndarray of shape (n_source,), int64, or None
        Number of the source that each row comes from, where there are several.
    n_sources : int, default=1
        Number of the sources.
    """

    source: Rows
    y_source: np.ndarray
    target: Rows | None = None
    y_target: np.ndarray | None = None
    subset: Any = None  # an array, after __post_init__
    weights: np.ndarray | None = None
    source_of: np.ndarray | None = None
    n_sources: int = 1

    def __post_init__(self) -> None:
        n = len(self.source)
        self.subset = np.arange(n) if self.subset is None else np.asarray(self.subset)

    def __len__(self) -> int:
        return len(self.subset)

    def __getitem__(self, i: int) -> tuple[Any, Any]:
        row = self.subset[i]
        (rows,) = self.source.batches([np.array([row])])
        y = self.y_source[row]
        return first_row(rows), int(y) if np.ndim(y) == 0 else y

    @property
    def from_dataset(self) -> bool:
        """Whether some rows come from a Dataset, which may take long."""
        return any(isinstance(rows, DatasetRows) for rows in (self.source, self.target))

    @property
    def has_target_labels(self) -> bool:
        """Whether some target rows are labelled."""
        return self.y_target is not None and bool(is_labelled(self.y_target).any())

    def without_target(self) -> DomainPair:
        """Return the source alone."""
        return self.replace(target=None, y_target=None)

    def labelled_target(self) -> DomainPair:
        """Return the labelled target rows in the place of the source."""
        if self.target is None or self.y_target is None:
            raise ValueError("There are no labelled target rows.")
        return DomainPair(
            self.target, self.y_target, subset=np.flatnonzero(is_labelled(self.y_target))
        )

    def only(self, indices: Any) -> DomainPair:
        """Return the same domains with only some of the source rows."""
        return self.replace(subset=self.subset[np.asarray(indices)])

    def with_sources(self, source_of: np.ndarray, n_sources: int) -> DomainPair:
        """Return the same domains with weights by which each source is drawn equally often."""
        weights = np.ones(len(source_of)) if self.weights is None else self.weights
        of_row = source_of[self.subset]
        totals = np.bincount(of_row, weights[self.subset], n_sources)[source_of]
        equal = np.divide(weights, totals, out=np.zeros(len(totals)), where=totals > 0)
        return self.replace(weights=equal, source_of=source_of, n_sources=n_sources)

    def of_source(self, k: int) -> DomainPair:
        """Return the same domains with the rows of one source."""
        of_row = np.asarray(self.source_of)[self.subset]
        return self.only(of_row == k).replace(source_of=None, n_sources=1)

    def replace(self, **changes: Any) -> DomainPair:
        """Return the same domains but for these attributes."""
        return replace(self, **changes)

    def class_shares(self, n_classes: int) -> np.ndarray:
        """Return the shares of the classes among the source rows that are drawn."""
        weights = None if self.weights is None else self.weights[self.subset]
        counts = np.bincount(self.y_source[self.subset], weights, n_classes)
        shares: np.ndarray = counts / counts.sum()
        return shares

    def with_class_shares(self, shares: np.ndarray) -> DomainPair:
        """Return the same domains with weights that give the classes these shares.

        With several sources, each has these shares, of the classes that it has, and is drawn as
        often as the others.
        """
        weights = np.ones(len(self.y_source)) if self.weights is None else self.weights
        of_row = np.zeros(len(weights), np.int64) if self.source_of is None else self.source_of
        cells = of_row * len(shares) + self.y_source  # a class of a source
        totals = np.bincount(
            cells[self.subset], weights[self.subset], self.n_sources * len(shares)
        ).reshape(self.n_sources, -1)
        of_source = totals.sum(axis=1, keepdims=True)
        present = np.divide(totals, of_source, out=np.zeros(totals.shape), where=of_source > 0)
        factors = np.divide(shares, present, out=np.zeros(totals.shape), where=present > 0)
        weighted = self.replace(weights=weights * factors.ravel()[cells])
        if self.source_of is None:
            return weighted
        return weighted.with_sources(self.source_of, self.n_sources)

    def draw_source(self, rng: np.random.Generator, shuffle: bool = True) -> Index:
        """Return the indices of the source rows of an epoch, as many as there are.

        With weights the draw is systematic. On average, each row is drawn as often as its weight
        says. In every epoch, the number of rows of each class, or of each range of the first
        number, is that of its weights to within one row. With several sources, the same holds for
        each source and for each class of a source; the rows of the sources alternate.
        """
        n = len(self.subset)
        if self.weights is None:
            rows: Index = self.subset[rng.permutation(n)] if shuffle else self.subset
            return rows
        mixed = rng.permutation(n) if shuffle else np.arange(n)
        y = self.y_source if self.y_source.ndim == 1 else self.y_source[:, 0]
        keys = [y] if self.source_of is None else [y, self.source_of]
        order = mixed[np.lexsort([key[self.subset[mixed]] for key in keys])]
        edges = np.cumsum(self.weights[self.subset[order]])
        edges *= n / edges[-1]
        edges[-1] = n
        counts = np.diff(np.floor(edges + (rng.random() if shuffle else 0.5)), prepend=0)
        drawn = self.subset[np.repeat(order, counts.astype(int))]
        drawn = rng.permutation(drawn) if shuffle else drawn
        return drawn if self.source_of is None else drawn[_alternating(self.source_of[drawn])]


def _alternating(source_of: Index) -> np.ndarray:
    """Return the order in which each source has its share in any stretch of rows."""
    places = np.empty(len(source_of))
    for k in np.unique(source_of):
        (rows,) = np.nonzero(source_of == k)
        places[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    return np.argsort(places, kind="stable")
