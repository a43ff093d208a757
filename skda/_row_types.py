"""What the rows are cast to: float32, or integers where the module embeds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ._calling import RefusedRowsError
from ._datasets import LARGEST_EXACT, needs_integers
from ._validation import check_single_precision
from .training import DatasetRows, DomainPair, Rows

__all__ = ["run_with_rows"]


def run_with_rows(
    domains: DomainPair, run: Callable[[Tensor], nn.Module], decided: torch.dtype | None
) -> tuple[nn.Module, Tensor]:
    """Make the module, and let the rows of both domains be of the type that it takes.

    Parameters
    ----------
    domains : DomainPair
        Gets the type.
    run : callable
        Makes the module and runs it on a few rows; raises RefusedRowsError where it cannot.
    decided : torch.dtype or None
        The type of a previous fit that goes on.

    Returns
    -------
    module : nn.Module
    rows : Tensor of shape (n, ...)
        What it ran on.

    Notes
    -----
    Integers are passed as float32 to a module that runs on them, as to a linear layer or one that
    casts them back itself. A module that cannot, because it embeds them, gets int64. Numbers that
    float32 does not hold are tried as int64 first.
    """
    source = domains.source
    types = [decided or torch.float32]
    if decided is None and source.holds_integers:
        types = [torch.float32, torch.int64]
        if _above_float32(source):
            types.reverse()
    refused = []
    for dtype in types:
        source.dtype = dtype
        (rows,) = source.batches([np.arange(min(2, len(source)))])
        try:
            module = run(rows)
        except RefusedRowsError as error:
            refused.append(error)
        else:
            _settle(source, dtype, "X_source")
            if domains.target is not None:
                _settle(domains.target, dtype, "X_target")
            return module, rows
    raise refused[0]


def _above_float32(rows: Rows) -> bool:
    """Say whether integers are larger than float32 holds them; of a Dataset, the first two."""
    array = getattr(_holder(rows), "array", None)
    if array is None:
        rows.dtype = torch.int64
        (array,) = rows.batches([np.arange(min(2, len(rows)))])
    return bool(max(array.max(), -int(array.min())) > LARGEST_EXACT)


def _settle(rows: Rows, dtype: torch.dtype, name: str) -> None:
    """Let the batches be of this type; cast an array of integers in memory at once."""
    rows.dtype = dtype
    array = getattr(_holder(rows), "array", None)
    if array is None:
        return  # a Dataset checks its rows when it reads them
    if dtype == torch.int64 and not rows.holds_integers:
        raise ValueError(needs_integers(f"{name} has rows of {array.dtype}"))
    if isinstance(array, np.memmap) or array.dtype == np.uint8:
        return
    if dtype == torch.float32 and rows.holds_integers:
        check_single_precision(array, name)
        _holder(rows).array = array.astype(np.float32)


def _holder(rows: Rows) -> Any:
    """Return what holds the array, also where a DataLoader reads it."""
    return rows.dataset if isinstance(rows, DatasetRows) else rows
