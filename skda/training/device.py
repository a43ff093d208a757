"""Rows in the memory of the training device, so that no batch is copied there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from .loader import DomainPair
from .rows import ArrayRows, Index, Rows

__all__ = ["DeviceRows", "move_to_device", "room_on"]


class DeviceRows:
    """Rows of a tensor on any device, gathered there as float32.

    Parameters
    ----------
    tensor : Tensor of shape (n_rows, ...)
        Only what is gathered is cast to float32.
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
        for index in indices:
            if isinstance(index, range):
                # a copy: a module that works in place must not change the rows
                rows = self.tensor[index.start : index.stop].clone()
            else:
                where = torch.from_numpy(index).to(self.tensor.device, non_blocking=True)
                rows = self.tensor[where]
            yield rows.float()


def room_on(device: torch.device) -> int:
    """Return how many bytes of data may be kept on `device`: half of a GPU's free memory.

    Examples
    --------
    >>> room_on(torch.device("cpu"))
    0
    """
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else 0


def move_to_device(domains: DomainPair, device: torch.device, room: int) -> DomainPair:
    """Move the rows of both domains to `device` if they are plain arrays and fit.

    Parameters
    ----------
    domains : DomainPair
    device : torch.device
    room : int
        Most bytes that they may take there.

    Returns
    -------
    DomainPair
        `domains` itself where they do not fit or are no arrays: memory maps, sparse matrices and
        Datasets are copied batch by batch.
    """
    arrays = [_array(rows) for rows in (domains.source, domains.target) if rows is not None]
    if any(a is None for a in arrays) or sum(a.nbytes for a in arrays if a is not None) > room:
        return domains
    moved = [DeviceRows(torch.tensor(array, device=device)) for array in arrays]
    target = moved[1] if domains.target is not None else None
    return domains.replace(source=moved[0], target=target)


def _array(rows: Rows) -> np.ndarray | None:
    """Return the array of rows that can be moved as they are."""
    array = rows.array if isinstance(rows, ArrayRows) else None
    plain = type(array) is np.ndarray and array.dtype in (np.float32, np.uint8)
    return array if plain and rows.dtype == torch.float32 else None
