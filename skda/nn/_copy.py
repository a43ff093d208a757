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
    """Copy a tensor that a forward pass computed, as weight_norm keeps one, without its graph."""

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

    Examples
    --------
    >>> import torch
    >>> layer = nn.Linear(2, 2)
    >>> layer.latest = layer(torch.zeros(1, 2))  # no leaf: deepcopy refuses it
    >>> copy_net(layer).latest.shape
    torch.Size([1, 2])
    """
    with WithoutGraph():
        if isinstance(net, nn.Module):
            return copy.deepcopy(net)
        # by its attributes: skorch's nets are pickled, which parametrized layers refuse
        new = object.__new__(type(net))
        vars(new).update(copy.deepcopy(vars(net), {id(net): new}))
        for part in vars(new).values():
            if isinstance(part, LBFGS):  # which no copy and no pickle of torch has whole
                vars(part).update(_params=part.param_groups[0]["params"], _numel_cache=None)
        return new


def unwrapped(module: nn.Module) -> nn.Module:
    """Return the network in what ``torch.compile`` or `nn.DataParallel` made of it."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if isinstance(module, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = module.module
        if not isinstance(inner, nn.Module):
            return module
        module = inner
