"""Types of what a search and its validators are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from numpy.typing import NDArray

# arrays, frames, sparse matrices, tensors and Datasets have no type in common
Rows: TypeAlias = Any
Labels: TypeAlias = NDArray[Any]

Validator: TypeAlias = str | Callable[..., float] | Sequence[str]
Candidate: TypeAlias = dict[str, Any]
ParamGrid: TypeAlias = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]
