"""Losses computed in float32 or wider, whatever precision the network runs in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

__all__ = ["full_precision"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _widen(value: Any, double: bool) -> Any:
    if isinstance(value, Tensor):
        if double and value.ndim > 1 and value.is_floating_point():
            return value.double()
        return value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
    if isinstance(value, (list, tuple)):
        return [_widen(item, double) for item in value]
    return value


def _has_double(value: Any) -> bool:
    """Say whether rows of float64 are among the arguments; a float64 number does not count."""
    if isinstance(value, (list, tuple)):
        return any(map(_has_double, value))
    return isinstance(value, Tensor) and value.dtype == torch.float64 and value.ndim > 1


def _is_ready(value: Any) -> bool:
    """Say whether a value is rows of float32 on the CPU, or a number, and needs no cast."""
    if isinstance(value, Tensor):
        return value.dtype == torch.float32 and value.is_cpu
    return isinstance(value, (int, float))


def _device_type(value: Any) -> str | None:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    return value.device.type if isinstance(value, Tensor) else None


def _autocast_is_on(device_type: str) -> bool:
    """Say whether autocast is on; torch has none for some types, such as "meta"."""
    return torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type)


def full_precision(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a loss run outside of autocast, on tensors of at least float32.

    Every discrepancy is a difference of nearly equal sums, which loses all its digits in half
    precision, and autocast would compute Gram matrices in half precision. The loss gets
    half-precision tensors, or sequences of them, as float32, and all rows as float64 where some are
    float64. The gradients have the precision of the arguments.

    >>> @full_precision
    ... def square(x):
    ...     return x @ x
    >>> square(torch.full((2,), 0.1, dtype=torch.bfloat16)).dtype
    torch.float32
    """

    @wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not kwargs and all(map(_is_ready, args)) and not torch.is_autocast_enabled("cpu"):
            return function(*args, **kwargs)  # the usual case, in each step of a training
        double = any(map(_has_double, (*args, *kwargs.values())))
        args = tuple(_widen(value, double) for value in args)  # type: ignore[assignment]  # same types
        if kwargs:
            kwargs = {name: _widen(value, double) for name, value in kwargs.items()}  # type: ignore[assignment]  # likewise
        device_type = _device_type(args[0] if args else next(iter(kwargs.values()), None))
        if device_type is None or not _autocast_is_on(device_type):
            return function(*args, **kwargs)
        with torch.autocast(device_type, enabled=False):
            return function(*args, **kwargs)

    return wrapper
