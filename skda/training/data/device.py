"""Rows in the memory of the training device, and a net's way from there to another machine."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from skorch.exceptions import DeviceWarning
from torch import Tensor

from .loader import DomainPair
from .rows import ArrayRows, Index, Rows

try:  # takes the classes of a notebook along; whoever pickles by it has it
    import cloudpickle  # type: ignore[import-untyped]
except ImportError:
    import pickle as cloudpickle

__all__ = [
    "DeviceRows",
    "device_or_cpu",
    "load_state",
    "move_to_device",
    "room_on",
    "save_state",
]


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


def save_state(state: dict[str, Any]) -> bytes:
    """Return what `load_state` reads: an attribute dict with tensors on any device."""
    file = io.BytesIO()
    torch.save(state, file, pickle_module=cloudpickle)
    return file.getvalue()


def load_state(saved: bytes, device: str) -> dict[str, Any]:
    """Read what `save_state` returned, with all tensors on `device`."""
    # it is a part of a pickle, and no safer than this
    state: dict[str, Any] = torch.load(io.BytesIO(saved), map_location=device, weights_only=False)
    return state


def device_or_cpu(device: str) -> str:
    """Return the device of a pickled net if torch finds it here, else the CPU, with a warning."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        warnings.warn(
            f"The model was trained on the device {device!r}, which torch does not find here. It "
            "predicts on the CPU. To fit it again, set the 'device' parameter to 'auto' or 'cpu'.",
            DeviceWarning,
            stacklevel=2,
        )
        return "cpu"
    return device
