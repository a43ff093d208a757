"""What the rows are cast to: float32, or integers where the module embeds them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._building.calling import RefusedRowsError
from .._building.precision import LARGEST_EXACT, as_table, check_single_precision
from ..training import DatasetRows, DomainPair, Rows
from ..training.data.inputs import InputRows
from ..training.domain_module import is_beyond_embedding
from .datasets import needs_integers

__all__ = ["run_with_rows"]


def run_with_rows(
    domains: DomainPair, run: Callable[[Any], nn.Module], decided: Any
) -> tuple[nn.Module, Any]:
    """Make the module, and set the type of the rows of both domains to one that it takes.

    `run` makes the module and runs it on a few rows, or raises RefusedRowsError. `decided` is the
    dtype of a previous fit that goes on, a mapping of those of several inputs, or None. Returns the
    module and the rows that it ran on.

    A module that runs on float32, such as a linear layer or one that casts itself, gets integers as
    float32. A module that does not, because it embeds integers, gets int64. Integers that float32
    does not hold are tried as int64 first.
    """
    source = domains.source
    types = _types(source) if decided is None else [decided]
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
    # the error about an integer beyond the size of an embedding is the most helpful one
    beyond = [error for error in refused if is_beyond_embedding(error.__cause__)]
    raise (*beyond, *refused)[0]


def _types(source: Rows) -> list[Any]:
    """Return what the rows may be cast to, the first choice first."""
    holds = source.holds_integers
    several = isinstance(holds, Mapping)
    found = dict(holds) if several else {"": holds}
    integers = [name for name, is_integer in found.items() if is_integer]

    def types(chosen: Collection[str]) -> Any:
        each = {name: torch.int64 if name in chosen else torch.float32 for name in found}
        return each if several else each[""]

    large = set()
    if integers:
        source.dtype = types(integers)
        parts = source.parts if isinstance(source, InputRows) else dict.fromkeys(found, source)
        (two,) = source.batches([np.arange(min(2, len(source)))])
        large = {
            name for name in integers if _above_float32(parts[name], two[name] if several else two)
        }
    choices = [
        set(chosen) for k in range(len(integers) + 1) for chosen in combinations(integers, k)
    ]
    return [types(chosen) for chosen in sorted(choices, key=lambda chosen: len(chosen ^ large))]


def _above_float32(rows: Rows, two: Tensor) -> bool:
    """Say whether integers, in a Dataset those of two rows, are too large for float32."""
    array = getattr(_holder(rows), "array", two)
    return bool(max(array.max(), -int(array.min())) > LARGEST_EXACT)


def _settle(rows: Rows, dtype: Any, name: str) -> None:
    """Set the type of the batches, and cast an array of integers in memory now."""
    rows.dtype = dtype
    if isinstance(rows, InputRows):
        for key, part in rows.parts.items():
            _settle(part, dtype[key], f"{name}[{key!r}]")
        return
    array = getattr(_holder(rows), "array", None)
    if array is None:
        return  # a Dataset checks its rows when it reads them
    if dtype == torch.int64 and not rows.holds_integers:
        raise ValueError(needs_integers(f"{name} has rows of {array.dtype}"))
    if isinstance(array, np.memmap) or array.dtype == np.uint8:
        return
    if dtype == torch.float32 and rows.holds_integers:
        check_single_precision(as_table(array), name)
        _holder(rows).array = array.astype(np.float32)


def _holder(rows: Rows) -> Any:
    """Return the object that holds the array, also where a DataLoader reads it."""
    return rows.dataset if isinstance(rows, DatasetRows) else rows
