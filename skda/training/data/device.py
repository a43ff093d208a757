"""Rows in the memory of the training device, and a net's state that loads on another device."""

from __future__ import annotations

import io
import warnings
from collections.abc import MutableMapping
from typing import Any

import numpy as np
import torch
from skorch.exceptions import DeviceWarning

from .domains import DomainPair
from .rows import ArrayRows, DeviceRows, Rows

try:  # it pickles the classes of a notebook as well
    import cloudpickle  # type: ignore[import-untyped]
except ImportError:
    import pickle as cloudpickle

__all__ = [
    "device_or_cpu",
    "load_state",
    "move_to_device",
    "room_on",
    "save_state",
]


def room_on(device: torch.device) -> int:
    """Return how many bytes of data may be kept on `device`: half of a GPU's free memory.

    Examples
    --------
    >>> room_on(torch.device("cpu"))
    0
    """
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else 0


def move_to_device(
    domains: DomainPair,
    device: torch.device,
    room: int,
    moved: MutableMapping[int, DeviceRows] | None = None,
) -> DomainPair:
    """Move the rows of both domains to `device` if they are plain arrays and fit.

    Parameters
    ----------
    domains : DomainPair
    device : torch.device
    room : int
        Most bytes that the rows and those of `moved` may take there together.
    moved : mapping, optional
        The rows on the device, by the id of their array: domains that share an array share them.
        The rows of these domains are added.

    Returns
    -------
    DomainPair
        `domains` itself if the rows do not fit, or are no plain arrays: memory maps, sparse
        matrices and Datasets are copied batch by batch.
    """
    moved = {} if moved is None else moved
    arrays = [_array(rows) for rows in (domains.source, domains.target) if rows is not None]
    new = {id(a): a for a in arrays if a is not None and id(a) not in moved}
    taken = sum(a.nbytes for a in new.values()) + sum(r.tensor.nbytes for r in moved.values())
    if any(a is None for a in arrays) or taken > room:
        return domains
    moved.update((key, DeviceRows(torch.tensor(a, device=device))) for key, a in new.items())
    source, *target = (moved[id(array)] for array in arrays)
    return domains.replace(source=source, target=target[0] if target else None)


def _array(rows: Rows) -> np.ndarray | None:
    """Return the array of the rows if it can be moved as it is."""
    array = rows.array if isinstance(rows, ArrayRows) else None
    plain = type(array) is np.ndarray and array.dtype in (np.float32, np.uint8)
    return array if plain and rows.dtype == torch.float32 else None


def save_state(state: dict[str, Any]) -> bytes:
    """Return an attribute dict, with tensors on any device, as bytes for `load_state`."""
    file = io.BytesIO()
    torch.save(state, file, pickle_module=cloudpickle)
    return file.getvalue()


def load_state(saved: bytes, device: str) -> dict[str, Any]:
    """Read the bytes of `save_state`, with all tensors on `device`."""
    # the bytes are part of a pickle, and no safer than the whole
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
