"""A CUDA graph on the CPU: repeats the recorded operations on the same memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class Operations(TorchDispatchMode):
    """Record each operation with its tensors and numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[tuple[Any, ...]] = []
        # by memory address: tensors from before the recording with their values, and results
        self.before: dict[int, tuple[Tensor, Tensor]] = {}
        self.made: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        kwargs = kwargs or {}
        name = function.overloadpacket.__name__ if hasattr(function, "overloadpacket") else ""
        by_mask = name.startswith("index") and any(
            index.dtype == torch.bool for index in _tensors(args[1:])
        )
        if by_mask or name in ("_local_scalar_dense", "nonzero"):
            raise RuntimeError("operation not permitted when stream is capturing")
        for tensor in _tensors((args, kwargs)):
            where = _memory(tensor)
            if where not in self.before and where not in self.made:
                whole = torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())
                self.before[where] = whole, whole.clone()
        out = function(*args, **kwargs)
        self.made |= {_memory(t) for t in _tensors(out)} - self.before.keys()
        self.noted.append((function, args, kwargs, out))
        return out

    @torch.no_grad()
    def again(self) -> None:
        for function, args, kwargs, out in self.noted:
            given = {_memory(t) for t in _tensors((args, kwargs))}
            found = _tensors(function(*args, **kwargs))
            for own, new in zip(_tensors(out), found, strict=True):
                if _memory(own) not in given:  # neither a view nor an in-place operation
                    own.copy_(new.view_as(own))  # squeeze_ may have changed its shape since


def record(take_step: Callable[[], Any]) -> tuple[Callable[[], None], Any]:
    """Record a step without taking it, as ``skda.training.step_graphs.record`` does on a GPU."""
    generator = torch.get_rng_state()
    with Operations() as operations:
        step = take_step()
    torch.set_rng_state(generator)
    with torch.no_grad():
        for whole, numbers in operations.before.values():
            whole.copy_(numbers)
    return operations.again, step
