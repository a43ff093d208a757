"""Rows such as an estimator was fitted on, to try its network with."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ._errors import ModelFileError

__all__ = ["rows_of_zeros"]

_LARGEST_ROW = 1 << 26  # numbers


def rows_of_zeros(estimator: Any, n_rows: int, device: str = "cpu") -> Tensor:
    """Return rows of zeros, which take the memory of one number.

    Parameters
    ----------
    estimator : fitted estimator
    n_rows : int
    device : str, default="cpu"
        On "meta" there are no numbers at all.
    """
    if device == "cpu" and math.prod(estimator.input_shape_) > _LARGEST_ROW:
        raise ModelFileError(f"no rows have the shape {estimator.input_shape_}. Save it again")
    dtype = getattr(estimator, "input_dtype_", torch.float32)
    return torch.zeros(1, dtype=dtype, device=device).expand(n_rows, *estimator.input_shape_)
