"""Names of types that signatures share."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

# "source", "target", or the name of one of several sources
Domain: TypeAlias = Literal["source", "target"] | str | int
# Array-like, frame, sparse matrix, tensor or Dataset: no common type is declared for them.
Rows: TypeAlias = Any
# Array-like of class labels, numbers or strings.
Labels: TypeAlias = Any
# Rows that were checked: a dense array of numbers.
Array: TypeAlias = NDArray[Any]
Matrix: TypeAlias = NDArray[np.float64]
