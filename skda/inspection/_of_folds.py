"""Scores of the chosen candidate in the folds of a fitted search."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["chosen_in_folds"]


def chosen_in_folds(search: Any, name: str) -> NDArray[np.float64]:
    """Return a score of the chosen candidate in each fold, from `cv_results_`."""
    table, best = search.cv_results_, search.best_index_
    return np.array([table[f"split{k}_{name}"][best] for k in range(search.n_splits_)])
