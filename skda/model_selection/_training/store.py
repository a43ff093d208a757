"""Results of a search on disk, so that finished candidates are not trained again."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from torch.utils.data import Dataset

from ..._atomic import write_atomically
from ...training.processes import current_processes
from ...training.watch.as_text import as_text
from ...training.watch.checkpoint import check_folder, some_rows
from .._split import n_rows, take_rows
from .._typing import Rows
from .fit_and_score import FoldResult, Plan

__all__ = ["ResultStore", "search_fingerprint"]

# parameters on which the results do not depend, and those that are in the folds and candidates
_NOT_HASHED = {"checkpoint", "n_jobs", "verbose", "vectorize", "refit", "cv", "lams"}


def search_fingerprint(search: Any, plan: Plan) -> str:
    """Return a hash of everything that the results of a search depend on."""
    params = search.get_params(deep=False)
    parts = {name: value for name, value in params.items() if name not in _NOT_HASHED}
    # not what it learned before
    parts["estimator"] = clone(plan.estimator)
    parts |= {"candidates": plan.candidates, "folds": plan.folds, "seeds": plan.seeds}
    data = plan.data
    parts |= {name: _some_of(getattr(data, name)) for name in ("X_source", "X_target")}
    for name in ("y_source", "y_target", "sample_weight", "source_domain"):
        values = getattr(data, name)
        parts[name] = None if values is None else np.asarray(values)
    return hashlib.sha256(as_text(parts).encode()).hexdigest()


def _some_of(rows: Rows) -> Any:
    """Return the number of rows and some of them; of a Dataset the number alone."""
    if isinstance(rows, Dataset):
        return n_rows(rows)
    some = take_rows(rows, some_rows(n_rows(rows)))
    if isinstance(some, Mapping):
        return {name: _some_of(part) for name, part in some.items()}
    return n_rows(rows), np.asarray(some.todense() if issparse(some) else some)


class ResultStore:
    """A folder with a file for each candidate and fold.

    Parameters
    ----------
    folder : path
    fingerprint : str
        Hash of the search; a folder with another hash is refused.
    """

    numbers: Sequence[int] | None = None  # those of the candidates; None counts from 0

    def __init__(self, folder: Any, fingerprint: str) -> None:
        self.folder: Path = check_folder(folder)
        mark = self.folder / "search.txt"
        if not mark.exists():
            write_atomically(mark, lambda new: new.write_text(fingerprint))
        elif mark.read_text() != fingerprint:
            raise ValueError(
                f"The folder {str(self.folder)!r} of 'checkpoint' holds a search with other data, "
                "other parameters or other candidates. Pass the same ones to go on, or another "
                "folder, or remove its files to start anew. Functions and networks with other "
                "code are other parameters."
            )

    def of(self, numbers: Sequence[int]) -> ResultStore:
        """Return the same folder for some of the candidates."""
        some = copy.copy(self)
        some.numbers = numbers
        return some

    def _path(self, candidate: int, fold: int) -> Path:
        candidate = candidate if self.numbers is None else self.numbers[candidate]
        return self.folder / f"candidate-{candidate}-fold-{fold}.joblib"

    def load(self, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], FoldResult]:
        """Return the results that are there, by candidate and fold."""
        there = [place for place in places if self._path(*place).exists()]
        return {place: FoldResult(**joblib.load(self._path(*place))) for place in there}

    def put(self, candidate: int, fold: int, result: FoldResult) -> None:
        """Keep a result."""
        if not current_processes().is_main:
            return
        fields = result._asdict()
        write_atomically(self._path(candidate, fold), lambda new: joblib.dump(fields, new))
