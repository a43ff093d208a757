"""Copies of networks that ``copy.deepcopy`` refuses, and the network inside a wrapper of torch."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer
from torch.optim import LBFGS
from torch.overrides import TorchFunctionMode

__all__ = ["WithoutGraph", "copy_net", "unwrapped"]

Net = TypeVar("Net")


class WithoutGraph(TorchFunctionMode):
    """Copy tensors that a forward pass computed, such as those of weight_norm, without a graph."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.__deepcopy__ and isinstance(args[0], UninitializedBuffer):
            lazy, memo = args  # torch copies lazy parameters, but not the buffers beside them
            return memo.setdefault(
                id(lazy), UninitializedBuffer(lazy.requires_grad, lazy.device, lazy.dtype)
            )
        if func is not Tensor.__deepcopy__ or args[0].is_leaf:
            return func(*args, **(kwargs or {}))
        tensor, memo = args
        return memo.setdefault(id(tensor), tensor.detach().clone())


def copy_net(net: Net) -> Net:
    """Return a deep copy of a network, or of what holds one.

    >>> import torch
    >>> layer = nn.Linear(2, 2)
    >>> layer.latest = layer(torch.zeros(1, 2))  # no leaf: deepcopy refuses it
    >>> copy_net(layer).latest.shape
    torch.Size([1, 2])
    """
    with WithoutGraph():
        if isinstance(net, nn.Module):
            return copy.deepcopy(net)
        # each attribute: deepcopy pickles skorch's nets, and parametrized layers refuse pickling
        new = object.__new__(type(net))
        vars(new).update(copy.deepcopy(vars(net), {id(net): new}))
        for part in vars(new).values():
            if isinstance(part, LBFGS):  # torch copies and pickles it incompletely
                vars(part).update(_params=part.param_groups[0]["params"], _numel_cache=None)
        return new


def unwrapped(module: nn.Module) -> nn.Module:
    """Return the network inside the wrappers of ``torch.compile`` and `nn.DataParallel`."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = module.module
        if not isinstance(inner, nn.Module):
            return module
        module = inner
