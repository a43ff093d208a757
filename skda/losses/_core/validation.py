"""Checks of shapes and options, with messages that say what to pass instead."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import NoReturn

import torch
from torch import Tensor

__all__ = [
    "check_estimator",
    "check_floats",
    "check_indices",
    "check_int",
    "check_one_logit",
    "check_real",
    "check_rows",
    "check_samples",
    "check_weights",
]


def check_rows(caller: str, **tensors: Tensor) -> None:
    """Raise ValueError unless every tensor is a non-empty float tensor of shape (..., n, d).

    Anything but a tensor is a TypeError. The leading axes are models; every tensor must have those
    of the first. The message names the loss, `caller`, and the parameter.

    >>> import torch
    >>> check_rows("coral", source=torch.zeros(4, 3), target=torch.zeros(2, 4, 3))
    Traceback (most recent call last):
    ...
    ValueError: The 'target' parameter of coral must be a float tensor of shape
    (n_rows, n_columns) with at least one row. Got a torch.float32 tensor of shape (2, 4, 3)
    instead.
    """
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            _refuse_other_types(caller, name, tensor, "a float tensor")
    leading = next(iter(tensors.values())).shape[:-2]
    for name, tensor in tensors.items():
        shape = tensor.shape
        fits = len(shape) >= 2 and shape[:-2] == leading and 0 not in shape
        if not (fits and tensor.is_floating_point()):
            raise ValueError(
                f"The {name!r} parameter of {caller} must be a float tensor of shape "
                f"({_models(leading)}n_rows, n_columns) with at least one row. Got a "
                f"{tensor.dtype} tensor of shape {tuple(shape)} instead."
            )


def _refuse_other_types(caller: str, name: str, value: object, wanted: str) -> NoReturn:
    raise TypeError(
        f"The {name!r} parameter of {caller} must be {wanted}. Got {type(value).__name__} instead: "
        "torch.as_tensor makes one of an array."
    )


def check_floats(caller: str, name: str, value: Tensor) -> None:
    """Raise TypeError unless a value is a tensor, and ValueError unless it is of floats."""
    if not isinstance(value, Tensor):
        _refuse_other_types(caller, name, value, "a float tensor")
    if not value.is_floating_point():
        raise ValueError(
            f"The {name!r} parameter of {caller} must be a float tensor. Got a tensor of "
            f"{value.dtype} instead."
        )


def check_indices(caller: str, name: str, labels: Tensor) -> None:
    """Raise an error unless labels are a tensor of integers; their range is not read."""
    if not isinstance(labels, Tensor):
        _refuse_other_types(caller, name, labels, "an int64 tensor")
    if labels.dtype not in (torch.int64, torch.int32):
        raise ValueError(
            f"The {name!r} parameter of {caller} must be an int64 tensor of class indices. Got a "
            f"{labels.dtype} tensor instead: {name}.long() makes one."
        )


def check_weights(
    caller: str, name: str, weights: Tensor, *shapes: Sequence[int], each: str = "row"
) -> None:
    """Raise an error unless weights are a tensor of one of the shapes; no weight is read."""
    if not isinstance(weights, Tensor):
        _refuse_other_types(caller, name, weights, "a tensor")
    if weights.shape not in shapes:
        expected = " or ".join(dict.fromkeys(str(tuple(shape)) for shape in shapes))
        raise ValueError(
            f"The {name!r} parameter of {caller} must hold one weight a {each}, in shape "
            f"{expected}. Got shape {tuple(weights.shape)} instead."
        )


def _models(leading: Sequence[int]) -> str:
    return "".join(f"{size}, " for size in leading)


def check_samples(caller: str, source: Tensor, target: Tensor) -> None:
    """Raise ValueError unless source (..., n_s, d) and target (..., n_t, d) can be compared."""
    check_rows(caller, source=source, target=target)
    if source.shape[-1] != target.shape[-1]:
        raise ValueError(
            f"The source and target of {caller} must have the same number of columns. "
            f"Got {source.shape[-1]} and {target.shape[-1]} instead."
        )


def check_one_logit(
    caller: str, name: str, logits: Tensor, leading: Sequence[int] | None = None
) -> Tensor:
    """Return logits of shape (n,) or (..., n, 1) as (..., n); any other shape is a ValueError.

    A last axis of one marks logits with leading axes of models. These axes must equal `leading`,
    if given.
    """
    check_floats(caller, name, logits)
    column = logits.ndim > 1 and logits.shape[-1] == 1
    rows = logits.squeeze(-1) if column else logits
    models = rows.shape[:-1] if column and leading is None else leading or ()
    if (rows.ndim != 1 and not column) or 0 in rows.shape or rows.shape[:-1] != tuple(models):
        shapes = f"({_models(models)}n, 1)" if models else "(n,) or (n, 1)"
        raise ValueError(
            f"The {name!r} parameter of {caller} must hold one number a row, in shape {shapes} "
            f"with n >= 1. Got shape {tuple(logits.shape)} instead."
        )
    return rows


def check_int(caller: str, name: str, value: object, *, low: int) -> None:
    """Raise ValueError unless value is an int of at least low."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
        raise ValueError(
            f"The {name!r} parameter of {caller} must be an int in the range [{low}, inf). "
            f"Got {value!r} instead."
        )


def check_real(caller: str, name: str, value: object, *, low: float, closed: bool = False) -> None:
    """Raise ValueError unless value is a finite number above low, or low itself if closed."""
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not (low < float(value) < float("inf") or (closed and value == low)):  # type: ignore[arg-type]  # a Real by now
        raise ValueError(
            f"The {name!r} parameter of {caller} must be a float in the range "
            f"{'[' if closed else '('}{low:g}, inf). Got {value!r} instead."
        )


def check_estimator(caller: str, value: object) -> None:
    """Raise ValueError unless value names an estimator of the squared MMD."""
    if value not in ("quadratic", "linear"):
        raise ValueError(
            f"The 'estimator' parameter of {caller} must be one of 'quadratic', 'linear'. "
            f"Got {value!r} instead."
        )
