"""A bound on the memory that a description may ask for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ._errors import ModelFileError

__all__ = ["AllocationLimit", "allowed_bytes"]

_FACTORIES = {
    *(torch.arange, torch.linspace, torch.empty, torch.empty_strided, torch.eye, torch.full),
    *(torch.ones, torch.zeros, torch.rand, torch.randint, torch.randn, torch.randperm),
}
_SPARE = 1 << 24
_BOUNDS = "low", "high"


def _like_arange(start: Any = 0, end: Any = None, step: Any = 1, **options: Any) -> Tensor:
    first, last = (0, start) if end is None else (start, end)
    return torch.empty(max(0, math.ceil((last - first) / step)), **options)


def _like_randint(*bounds_and_size: Any, size: Any = None, **options: Any) -> Tensor:
    options = {"dtype": torch.int64} | {k: v for k, v in options.items() if k not in _BOUNDS}
    return torch.empty(bounds_and_size[-1] if size is None else size, **options)


# On "meta" these factories import torch's compiler, which takes seconds; torch.empty does not.
_AS_LARGE: dict[Any, Callable[..., Tensor]] = {
    **dict.fromkeys((torch.ones, torch.zeros, torch.rand, torch.randn), torch.empty),
    torch.arange: _like_arange,
    torch.full: lambda size, fill_value, **options: torch.empty(size, **options),  # noqa: ARG005
    torch.randint: _like_randint,
    torch.linspace: lambda start, end, steps, **options: torch.empty(steps, **options),  # noqa: ARG005
}


def allowed_bytes(n_bytes: int) -> int:
    """Return how many bytes may be allocated for a file whose tensors have `n_bytes`."""
    return 4 * n_bytes + _SPARE


class AllocationLimit(TorchFunctionMode):
    """Refuse new tensors that together are much larger than the tensors of the file."""

    def __init__(self, n_bytes: int) -> None:
        super().__init__()
        self.left = allowed_bytes(n_bytes)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _FACTORIES:
            options = {k: v for k, v in kwargs.items() if k not in ("device", "generator", "out")}
            as_large = _AS_LARGE.get(func, func)
            self.left -= as_large(*args, **options, device="meta").nbytes
            if self.left < 0:
                raise ModelFileError(
                    "its parameters ask for networks that are much larger than the file. If "
                    "parameters were set after fit, fit and save the model again"
                )
        return func(*args, **kwargs)
