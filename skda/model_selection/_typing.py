"""Types of the arguments of a search and its validators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from .._typing import Labels, Rows

__all__ = ["Candidate", "Labels", "ParamGrid", "Rows", "Validator"]

Validator: TypeAlias = str | Callable[..., float] | Sequence[str]
Candidate: TypeAlias = dict[str, Any]
ParamGrid: TypeAlias = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]
