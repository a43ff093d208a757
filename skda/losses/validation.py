"""Checks of shapes and options, with messages that say what to pass instead."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real

from torch import Tensor

__all__ = [
    "check_choice",
    "check_int",
    "check_one_logit",
    "check_real",
    "check_rows",
    "check_samples",
]


def check_rows(caller: str, **tensors: Tensor) -> None:
    """Raise ValueError unless every tensor is a non-empty float tensor of shape (n, d).

    Parameters
    ----------
    caller : str
        Name of the loss, for the message.
    **tensors : Tensor
        The tensors by the name of their parameter.

    Examples
    --------
    >>> import torch
    >>> check_rows("coral", source=torch.zeros(2, 3, 4))
    Traceback (most recent call last):
    ...
    ValueError: The 'source' parameter of coral must be a float tensor of shape
    (n_rows, n_columns) with at least one row. Got a torch.float32 tensor of shape (2, 3, 4)
    instead.
    """
    for name, tensor in tensors.items():
        if tensor.ndim != 2 or 0 in tensor.shape or not tensor.is_floating_point():
            raise ValueError(
                f"The {name!r} parameter of {caller} must be a float tensor of shape "
                f"(n_rows, n_columns) with at least one row. Got a {tensor.dtype} tensor of "
                f"shape {tuple(tensor.shape)} instead."
            )


def check_samples(caller: str, source: Tensor, target: Tensor) -> None:
    """Raise ValueError unless source (n_s, d) and target (n_t, d) can be compared.

    Parameters
    ----------
    caller : str
        Name of the loss, for the message.
    source, target : Tensor
        The two samples.
    """
    check_rows(caller, source=source, target=target)
    if source.shape[1] != target.shape[1]:
        raise ValueError(
            f"The source and target of {caller} must have the same number of columns. "
            f"Got {source.shape[1]} and {target.shape[1]} instead."
        )


def check_one_logit(caller: str, name: str, logits: Tensor) -> Tensor:
    """Return logits of shape (n,) or (n, 1) as (n,); any other shape is a ValueError.

    Parameters
    ----------
    caller, name : str
        Names of the loss and of its parameter, for the message.
    logits : Tensor
        One number a row.

    Returns
    -------
    Tensor of shape (n,)
        The same numbers.
    """
    if logits.ndim == 2 and logits.shape[1] == 1:
        logits = logits.squeeze(1)
    if logits.ndim != 1 or len(logits) == 0:
        raise ValueError(
            f"The {name!r} parameter of {caller} must hold one number a row, in shape (n,) or "
            f"(n, 1) with n >= 1. Got shape {tuple(logits.shape)} instead."
        )
    return logits


def check_int(caller: str, name: str, value: object, *, low: int) -> None:
    """Raise ValueError unless value is an int of at least low.

    Parameters
    ----------
    caller, name : str
        Names of the loss and of its parameter, for the message.
    value : object
        What was given.
    low : int
        Least value allowed.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
        raise ValueError(
            f"The {name!r} parameter of {caller} must be an int in the range [{low}, inf). "
            f"Got {value!r} instead."
        )


def check_real(caller: str, name: str, value: object, *, low: float, closed: bool = False) -> None:
    """Raise ValueError unless value is a finite number above low.

    Parameters
    ----------
    caller, name : str
        Names of the loss and of its parameter, for the message.
    value : object
        What was given.
    low : float
        Lower end of the range.
    closed : bool, default=False
        Whether low itself is allowed.
    """
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not (low < float(value) < float("inf") or (closed and value == low)):  # type: ignore[arg-type]  # a Real by now
        raise ValueError(
            f"The {name!r} parameter of {caller} must be a float in the range "
            f"{'[' if closed else '('}{low:g}, inf). Got {value!r} instead."
        )


def check_choice(caller: str, name: str, value: object, choices: Sequence[str]) -> None:
    """Raise ValueError unless value is one of the choices.

    Parameters
    ----------
    caller, name : str
        Names of the loss and of its parameter, for the message.
    value : object
        What was given.
    choices : sequence of str
        What is allowed.
    """
    if value not in choices:
        raise ValueError(
            f"The {name!r} parameter of {caller} must be one of {', '.join(map(repr, choices))}. "
            f"Got {value!r} instead."
        )
