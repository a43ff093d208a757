"""A bound on the memory that a description may ask for."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ._errors import ModelFileError

__all__ = ["AllocationLimit"]

_FACTORIES = {
    *(torch.arange, torch.linspace, torch.empty, torch.empty_strided, torch.eye, torch.full),
    *(torch.ones, torch.zeros, torch.rand, torch.randint, torch.randn, torch.randperm),
}
_SPARE = 1 << 24


class AllocationLimit(TorchFunctionMode):
    """Refuse new tensors that together are much larger than the file that asks for them.

    Parameters
    ----------
    n_bytes : int
        Size of all tensors of the file.
    """

    def __init__(self, n_bytes: int) -> None:
        super().__init__()
        self.left = 4 * n_bytes + _SPARE

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _FACTORIES:
            options = {k: v for k, v in kwargs.items() if k not in ("device", "generator", "out")}
            self.left -= func(*args, **options, device="meta").nbytes
            if self.left < 0:
                raise ModelFileError(
                    "its parameters ask for networks that are much larger than the file. If "
                    "parameters were set after fit, fit and save the model again"
                )
        return func(*args, **kwargs)
