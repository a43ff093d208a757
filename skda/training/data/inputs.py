"""Rows of modules that take several inputs by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from scipy import sparse
from skorch.helper import SliceDict
from torch import Tensor, nn

__all__ = ["InputRows", "Inputs", "cut", "first_row", "is_inputs", "join", "pass_by_name"]


class Inputs(SliceDict):
    """The rows of one batch: a tensor for each input of the module."""

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        device: torch.device = next(iter(self.values())).device
        return device

    def to(self, *args: Any, **kwargs: Any) -> Inputs:
        """Return the tensors on another device."""
        return Inputs(**{name: tensor.to(*args, **kwargs) for name, tensor in self.items()})

    def pin_memory(self) -> Inputs:
        """Return the tensors in memory from which a GPU copies while the CPU goes on."""
        return Inputs(**{name: tensor.pin_memory() for name, tensor in self.items()})


def is_inputs(X: Any) -> bool:
    """Say whether rows are a dict of inputs; scipy's dictionary of keys is a matrix."""
    return isinstance(X, Mapping) and not sparse.issparse(X)


def join(batches: Sequence[Any]) -> Any:
    """Put the rows of several batches, tensors or `Inputs`, below each other."""
    if not isinstance(batches[0], Inputs):
        return torch.cat(list(batches))
    return Inputs(**{name: torch.cat([batch[name] for batch in batches]) for name in batches[0]})


def cut(rows: Any, sizes: Sequence[int]) -> list[Any]:
    """Cut a batch, a tensor or `Inputs`, into successive parts of these numbers of rows."""
    if not isinstance(rows, Inputs):
        return list(rows.split_with_sizes(sizes))
    parts = {name: tensor.split_with_sizes(sizes) for name, tensor in rows.items()}
    each = zip(*parts.values(), strict=True)
    return [Inputs(**dict(zip(parts, tensors, strict=True))) for tensors in each]


def pass_by_name(
    _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Turn `Inputs` into the keyword arguments of a module: its forward pre-hook."""
    if len(args) == 1 and isinstance(args[0], Inputs):
        return (), {**args[0], **kwargs}
    return args, kwargs


class InputRows:
    """Rows of several inputs.

    Parameters
    ----------
    parts : mapping of str to Rows
        All of one length.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = dict(parts)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.parts.values())))

    @property
    def dtype(self) -> Any:
        """Type of the batches of each input."""
        return {name: rows.dtype for name, rows in self.parts.items()}

    @dtype.setter
    def dtype(self, dtypes: Mapping[str, torch.dtype]) -> None:
        for name, rows in self.parts.items():
            rows.dtype = dtypes[name]

    @property
    def holds_integers(self) -> dict[str, Any]:
        """Of each input, whether the data are integers."""
        return {name: rows.holds_integers for name, rows in self.parts.items()}

    def batches(self, indices: Iterable[Any]) -> Iterator[Inputs]:
        """Yield the inputs of the rows of each array of indices."""
        order = list(indices)
        for batch in zip(*(rows.batches(order) for rows in self.parts.values()), strict=True):
            yield Inputs(**dict(zip(self.parts, batch, strict=True)))


def first_row(rows: Any) -> Tensor | dict[str, Tensor]:
    """Return the first row of a batch, as a DataLoader collates it."""
    return {name: t[0] for name, t in rows.items()} if isinstance(rows, Inputs) else rows[0]
