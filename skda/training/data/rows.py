"""Rows of one domain, as tensors by index: of an array, a memory map, a device or a Dataset."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, cast

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..._building.precision import centred
from ..._inputs.memmap import MappedPages
from ..rng import Isolated, global_generators_kept
from .inputs import InputRows, Inputs

__all__ = [
    "ArrayRows",
    "DatasetRows",
    "DeviceRows",
    "Rows",
    "TypedDataset",
    "as_rows",
    "even_batches",
    "sample_rows",
]

# a range of step one is a block of rows: a copy of it is several times faster than a gathering
Index = np.ndarray | range
# several batches are gathered at once, because a gathering has a fixed cost; so much stays cached
_CHUNK_BYTES = 1 << 18


class Rows(Protocol):
    """The interface of a domain's data for the training loop.

    Attributes
    ----------
    dtype : torch.dtype, or a mapping of one for each of several inputs
        Type of the batches: float32, or int64 for a module that embeds its input.
    """

    dtype: Any

    def __len__(self) -> int:
        """Return the number of rows."""

    def batches(self, indices: Iterable[Index]) -> Iterator[Any]:
        """Yield one CPU tensor, or `Inputs`, for each array of row indices."""

    @property
    def holds_integers(self) -> Any:
        """Whether the data are integers before the cast; with several inputs, of each."""


class ArrayRows:
    """Rows of a numpy array, a memory map or a scipy CSR matrix, gathered a few batches at a time.

    Parameters
    ----------
    array : ndarray or csr matrix/array of shape (n_rows, ...)
        Kept as it is; only gathered rows are cast (and made dense).
    dtype : torch.dtype, default=torch.float32
        Type of the batches, float32 or int64.
    centre : ndarray or None, default=None
        Subtracted from each row before the cast to float32.
    """

    def __init__(
        self, array: Any, dtype: torch.dtype = torch.float32, centre: np.ndarray | None = None
    ) -> None:
        self.array = array
        self.dtype = dtype
        self.centre = centre
        self._pages = MappedPages(array)

    @property
    def holds_integers(self) -> bool:
        """Whether the array is one of integers."""
        return bool(self.array.dtype.kind in "iu")

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.array.shape[0])

    def batches(self, indices: Iterable[Index]) -> Iterator[Tensor]:
        """Yield one CPU tensor for each array of row indices."""
        row_bytes = self.dtype.itemsize * math.prod(self.array.shape[1:])
        at_once = min(_CHUNK_BYTES // max(1, row_bytes), self._pages.most_rows(row_bytes))
        for chunk in _chunks(indices, at_once):
            if isinstance(chunk[0], range):
                # a copy: a module that works in place must not change the array
                yield from (self._cast(self.array[i.start : i.stop], copy=True) for i in chunk)
            else:
                index = chunk[0] if len(chunk) == 1 else np.concatenate(chunk)
                rows = self._cast(self._gathered(index, row_bytes))
                yield from rows.split_with_sizes([len(i) for i in chunk])
            self._pages.touch(sum(map(len, chunk)), row_bytes)

    def _gathered(self, index: np.ndarray, row_bytes: int) -> Any:
        """Return these rows; of a large memory map they are copied a few at a time."""
        at_once = self._pages.most_rows(row_bytes)
        if len(index) <= at_once:
            return self.array[index]
        rows = np.empty((len(index), *self.array.shape[1:]), self.array.dtype)
        for part in even_batches(np.arange(len(index)), max(1, int(at_once))):
            rows[part[0] : part[-1] + 1] = self.array[index[part]]
            self._pages.touch(len(part), row_bytes)
        return rows

    def _cast(self, rows: Any, copy: bool = False) -> Tensor:
        if sparse.issparse(rows):
            rows, copy = rows.toarray(), False
        if self.centre is not None and self.dtype == torch.float32:
            rows = centred(rows, self.centre)
        # a frame's rows are not contiguous, and kernels round them differently
        cast = partial(np.array, order="C") if copy else np.ascontiguousarray
        as_numpy = np.int64 if self.dtype == torch.int64 else np.float32
        return torch.from_numpy(cast(rows, dtype=as_numpy))


class DeviceRows:
    """Rows of a tensor on any device, gathered there as float32.

    Parameters
    ----------
    tensor : Tensor of shape (n_rows, ...)
        Only gathered rows are cast to float32.
    """

    dtype = torch.float32
    holds_integers = False

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.tensor.shape[0]

    def batches(self, indices: Iterable[Index]) -> Iterator[Tensor]:
        """Yield one float32 tensor on the device for each array of row indices."""
        indices = list(indices)
        arrays = [index for index in indices if not isinstance(index, range)]
        # one copy of all indices: the device need not wait for those of each batch
        of_all = torch.from_numpy(np.concatenate([*arrays, np.empty(0, np.int64)]))
        where = iter(of_all.to(self.tensor.device).split_with_sizes([*map(len, arrays), 0]))
        for index in indices:
            if isinstance(index, range):
                # a copy: a module that works in place must not change the rows
                yield self.tensor[index.start : index.stop].clone().float()
            else:
                yield self.tensor[next(where)].float()


def _chunks(indices: Iterable[Index], n_rows: float) -> Iterator[list[Any]]:
    """Group batches that have up to `n_rows` rows in all; a block of rows stays alone."""
    chunk: list[Index] = []
    n = 0
    for index in indices:
        n += len(index)
        if chunk and (n > n_rows or isinstance(index, range) or isinstance(chunk[0], range)):
            yield chunk
            chunk, n = [], len(index)
        chunk.append(index)
    if chunk:
        yield chunk


class TypedDataset(Dataset[Tensor]):
    """A Dataset that is told the type of the batches."""

    dtype: Any = torch.float32
    holds_integers: Any = False


class DatasetRows:
    """Rows of a torch Dataset, through a DataLoader.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Items are ``x`` or a tuple that starts with ``x``.
    loader : type, default=DataLoader
        Class of the loader.
    dtype : torch.dtype, default=torch.float32
        Type of the batches, float32 or int64.
    **options
        Options of the loader, such as ``num_workers``.
    """

    def __init__(
        self,
        dataset: Dataset[Any],
        loader: type = DataLoader,
        dtype: Any = torch.float32,
        **options: Any,
    ) -> None:
        self.dataset = dataset
        self.loader = loader
        self.dtype = dtype
        self.options = options
        self.passes = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.dataset)  # type: ignore[arg-type]

    @property
    def dtype(self) -> Any:
        """Type of the batches, float32 or int64."""
        return self._dtype

    @dtype.setter
    def dtype(self, dtype: Any) -> None:
        self._dtype = dtype
        if isinstance(self.dataset, TypedDataset):
            self.dataset.dtype = dtype

    @property
    def holds_integers(self) -> Any:
        """Whether the Dataset says that its rows are integers; with several inputs, of each."""
        return isinstance(self.dataset, TypedDataset) and self.dataset.holds_integers

    def batches(self, indices: Iterable[Index]) -> Iterator[Any]:
        """Yield one CPU tensor for each array of row indices."""
        order = [np.asarray(index).tolist() for index in indices]
        # a DataLoader draws its workers' seeds, by default from torch's global generator
        seed = (torch.initial_seed() + self.passes) % 2**63
        self.passes += 1
        options = {"generator": torch.Generator().manual_seed(seed), **self.options}
        for batch in self.loader(self.dataset, batch_sampler=order, **options):
            rows = batch[0] if isinstance(batch, (tuple, list)) else batch
            if isinstance(rows, Mapping):
                yield Inputs(**{name: rows[name].to(self.dtype[name]) for name in self.dtype})
            else:
                yield torch.as_tensor(rows).to(self.dtype)


class _ArrayDataset(TypedDataset):
    def __init__(self, array: Any, centre: Any) -> None:
        self.array, self.centre = array, centre
        self.holds_integers = ArrayRows(array).holds_integers

    def __len__(self) -> int:
        return int(self.array.shape[0])

    def __getitem__(self, i: int) -> Tensor:
        return next(ArrayRows(self.array, self.dtype, self.centre).batches([np.array([i])]))[0]


def as_rows(
    data: Any,
    loader: type | None = None,
    options: Mapping[str, Any] | None = None,
    dtype: Any = torch.float32,
    centre: Any = None,
) -> Rows:
    """Wrap `data` for the training loop.

    Parameters
    ----------
    data : ndarray, csr matrix or torch Dataset, or a dict of arrays
        Arrays are sliced without a DataLoader, which is 2 to 3 times faster, unless a loader or
        options for one are given.
    loader : type or None
        A user's own DataLoader class (``iterator_train``).
    options : mapping or None
        Options of the DataLoader (``iterator_train__num_workers`` and the like).
    dtype : torch.dtype, or a mapping of one for each of several inputs, default=torch.float32
        Type of the batches, float32 or int64.
    centre : ndarray, a mapping of one for each of several inputs, or None, default=None
        Subtracted from the rows of memory maps and sparse matrices; other data are centred already.
    """
    if isinstance(data, Mapping):
        types = dtype if isinstance(dtype, Mapping) else dict.fromkeys(data, dtype)
        centres = centre or {}
        return InputRows(
            {
                name: as_rows(part, loader, options, types[name], centres.get(name))
                for name, part in data.items()
            }
        )
    if not (isinstance(data, np.memmap) or sparse.issparse(data)):
        centre = None
    given = isinstance(data, Dataset)
    if given or loader is not None or options:
        dataset = data if given else _ArrayDataset(data, centre)
        return DatasetRows(dataset, loader or DataLoader, dtype, **(options or {}))
    return ArrayRows(data, dtype, centre)


def sample_rows(rows: Rows, index: np.ndarray, turns: Isolated, n: int = 256) -> Tensor:
    """Return up to `n` of the rows of these indices, from the first to the last.

    A Dataset is read through its loader, while other threads train. What it draws from a global
    generator does not change what it draws later.
    """
    picked = index[np.unique(np.linspace(0, len(index) - 1, n).astype(int))]
    if not isinstance(rows, DatasetRows):
        (sample,) = rows.batches([picked])
        return cast(Tensor, sample)
    passes = rows.passes
    with global_generators_kept():
        # several batches, for several workers
        batches = rows.batches(even_batches(picked, 32))
        sample = torch.cat(list(turns.in_turns(batches, slow=True)))
    rows.passes = passes
    return sample


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
