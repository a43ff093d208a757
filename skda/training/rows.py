"""Rows of one domain by index, as float32 tensors: from arrays, memory maps or a Dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

__all__ = ["ArrayRows", "DatasetRows", "Rows", "as_rows", "even_batches"]

# a range, of step one, is a block of rows: copying it is several times faster than gathering it
Index = np.ndarray | range


class Rows(Protocol):
    """What the training loop asks of a domain's data."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def batches(self, indices: Iterable[Index]) -> Iterator[Tensor]:
        """Yield one float32 CPU tensor for each array of row indices."""


class ArrayRows:
    """Rows of a numpy array, a memory map or a scipy CSR matrix, gathered once a batch.

    Parameters
    ----------
    array : ndarray or csr matrix/array of shape (n_rows, ...)
        Kept as it is; only the batch is cast to float32 (and made dense).
    """

    def __init__(self, array: Any) -> None:
        self.array = array

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.array.shape[0])

    def batches(self, indices: Iterable[Index]) -> Iterator[Tensor]:
        """Yield one float32 CPU tensor for each array of row indices."""
        is_sparse = sparse.issparse(self.array)
        for index in indices:
            block = slice(index.start, index.stop) if isinstance(index, range) else None
            rows = self.array[index if block is None else block]
            if is_sparse:
                rows = rows.toarray()
            elif block:  # a module that works in place must not change the array
                rows = np.array(rows)
            yield torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))


class DatasetRows:
    """Rows of a torch Dataset, through a DataLoader.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Items are ``x`` or a tuple that starts with ``x``.
    loader : type, default=DataLoader
        Class of the loader.
    **options
        Its options, such as ``num_workers``.
    """

    def __init__(self, dataset: Dataset, loader: type = DataLoader, **options: Any) -> None:
        self.dataset = dataset
        self.loader = loader
        self.options = options
        self.passes = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.dataset)  # type: ignore[arg-type]

    def batches(self, indices: Iterable[Index]) -> Iterator[Tensor]:
        """Yield one float32 CPU tensor for each array of row indices."""
        order = [np.asarray(index).tolist() for index in indices]
        # a DataLoader draws its workers' seeds, by default from torch's global generator
        seed = (torch.initial_seed() + self.passes) % 2**63
        self.passes += 1
        options = {"generator": torch.Generator().manual_seed(seed), **self.options}
        for batch in self.loader(self.dataset, batch_sampler=order, **options):
            rows = batch[0] if isinstance(batch, (tuple, list)) else batch
            yield torch.as_tensor(rows).float()


class _ArrayDataset(Dataset):
    def __init__(self, array: Any) -> None:
        self.array = array

    def __len__(self) -> int:
        return int(self.array.shape[0])

    def __getitem__(self, i: int) -> Tensor:
        return next(ArrayRows(self.array).batches([np.array([i])]))[0]


def as_rows(
    data: Any, loader: type | None = None, options: Mapping[str, Any] | None = None
) -> Rows:
    """Wrap `data` for the training loop.

    Parameters
    ----------
    data : ndarray, csr matrix or torch Dataset
        Arrays are sliced without a DataLoader, which is 2 to 3 times faster, unless a loader or
        options for one are given.
    loader : type or None
        A user's own DataLoader class (``iterator_train``).
    options : mapping or None
        Options of the DataLoader (``iterator_train__num_workers`` and the like).
    """
    options = dict(options or {})
    if isinstance(data, Dataset):
        return DatasetRows(data, loader or DataLoader, **options)
    if loader is not None or options:
        return DatasetRows(_ArrayDataset(data), loader or DataLoader, **options)
    return ArrayRows(data)


def even_batches(order: Index, batch_size: int) -> Sequence[Index]:
    """Cut `order` into batches of at most `batch_size` rows whose sizes differ by at most one.

    65 rows in batches of 64 are 33 + 32, not 64 and a single row that cannot be normalised.

    Examples
    --------
    >>> import numpy as np
    >>> [len(batch) for batch in even_batches(np.arange(65), 64)]
    [33, 32]
    """
    return np.array_split(order, -(-len(order) // batch_size)) if len(order) else []
