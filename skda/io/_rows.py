"""Rows of the shape that an estimator was fitted on, and what a network makes of them.

The weights of a user's network do not tell its activations, nor what else an argument or the code
decides: `load` recognises it by its outputs for made-up rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .._building.calling import unchanged
from ..nn._copy import copy_net
from ..training.data.inputs import Inputs
from ._errors import ModelFileError
from ._plain import expect

__all__ = ["check_outputs", "rows_of_zeros", "some_outputs"]

_LARGEST_ROW = 1 << 26  # numbers
_LARGEST_MADE_UP = 1 << 20  # numbers; larger rows take too long
_MOST_OUTPUTS = 16
_TOLERANCE = 1e-3  # of the largest output; another machine rounds otherwise


def rows_of_zeros(estimator: Any, n_rows: int, device: str = "cpu") -> Any:
    """Return rows of zeros that share the memory of one number, or on "meta" have no data."""
    shape: Any = estimator.input_shape_
    dtype: Any = getattr(estimator, "input_dtype_", torch.float32)
    if not isinstance(shape, Mapping):
        return _zeros(n_rows, shape, dtype, device)
    return Inputs(**{key: _zeros(n_rows, shape[key], dtype[key], device) for key in shape})


def _zeros(n_rows: int, shape: tuple[int, ...], dtype: torch.dtype, device: str) -> Tensor:
    if device == "cpu" and math.prod(shape) > _LARGEST_ROW:
        raise ModelFileError(f"no rows have the shape {shape}. Save it again")
    return torch.zeros(1, dtype=dtype, device=device).expand(n_rows, *shape)


def some_outputs(module: nn.Module, estimator: Any) -> list[list[float]] | None:
    """Return outputs for made-up rows; None if they fail, are not finite or not always the same."""
    on_cpu = all(t.device.type == "cpu" for t in [*module.parameters(), *module.buffers()])
    here = module if on_cpu else copy_net(module).cpu()
    try:
        with unchanged(here, training=False), torch.no_grad():
            first, second = (_outputs(here, estimator) for _ in range(2))
    except Exception:  # whatever the user's code raises for rows that it never saw
        return None
    if first is None or second is None or not first.isfinite().all():
        return None
    return first.tolist() if torch.equal(first, second) else None


def check_outputs(module: nn.Module, estimator: Any, kept: Any) -> None:
    """Raise if the outputs of a network are not those that were kept."""
    if kept is None:  # of an earlier version, or a network that `some_outputs` gave up
        return
    found = some_outputs(module, estimator)
    as_saved = torch.tensor(expect(kept, list, "the outputs of a network"))
    if found is None or torch.tensor(found).shape != as_saved.shape:
        return
    difference = (torch.tensor(found) - as_saved).abs().max().item()
    if difference > _TOLERANCE * as_saved.abs().max().item():
        raise ModelFileError(
            f"{type(module).__name__}, with the weights of the file, gives other outputs than the "
            f"network that was saved: they differ by {difference:.3g} for made-up rows. Hand in an "
            "instance that was made with the same arguments, and the code that it was saved with"
        )


def _outputs(module: nn.Module, estimator: Any) -> Tensor | None:
    rows = rows_of_zeros(estimator, 2, "meta")
    parts = rows.values() if isinstance(rows, Inputs) else [rows]
    if any(math.prod(part.shape) > 2 * _LARGEST_MADE_UP for part in parts):
        return None
    if isinstance(rows, Inputs):
        made_up: Any = Inputs(**{name: _made_up(part) for name, part in rows.items()})
    else:
        made_up = _made_up(rows)
    outputs: Tensor = module(made_up)
    return outputs[:, :_MOST_OUTPUTS].float()


def _made_up(rows: Tensor) -> Tensor:
    """Return rows like these, of numbers from -1 to 1; integers are 0, which is always a code."""
    if not rows.is_floating_point():
        return torch.zeros(rows.shape, dtype=rows.dtype)
    return torch.arange(rows.numel(), dtype=torch.float64).sin().reshape(rows.shape).to(rows.dtype)
