"""Rows of the shape that an estimator was fitted on, to run its network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..training.data.inputs import Inputs
from ._errors import ModelFileError

__all__ = ["rows_of_zeros"]

_LARGEST_ROW = 1 << 26  # numbers


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
