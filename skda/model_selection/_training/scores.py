"""From the results of the folds to the score columns of `cv_results_`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Validator
from ..validators.agreement import (
    agreement_of_folds,
    agreement_with_mean,
    mean_z_score,
)
from .fit_and_score import CandidateResults, FoldResult

__all__ = ["agreement_with_ensemble", "column", "named_scores", "pooled", "stability_of_folds"]


def column(results: CandidateResults, attribute: str) -> NDArray[Any]:
    """Return an attribute of each result, shape (n_candidates, n_splits)."""
    return np.array([[getattr(result, attribute) for result in of_one] for of_one in results])


def pooled(results: Sequence[FoldResult], attribute: str) -> NDArray[Any]:
    """Return an attribute of the rows of all folds."""
    return np.concatenate([getattr(result, attribute) for result in results])


def named_scores(
    results: CandidateResults,
    validator: Validator,
    compared: Mapping[str, Callable[[], NDArray[np.float64]]],
) -> dict[str, NDArray[np.float64]]:
    """Return score columns of shape (n_candidates, n_splits), by name.

    They are "test_score" and, for several validators, "test_<validator>" of each. `compared` has a
    function for each validator that compares the models of a search.
    """

    def scores_of(name: str) -> NDArray[np.float64]:
        if name in compared:
            return compared[name]()
        return np.array(
            [[result.scores.get(name, np.nan) for result in of_one] for of_one in results]
        )

    if callable(validator):
        return {"test_score": scores_of("")}
    if isinstance(validator, str):
        return {"test_score": scores_of(validator)}
    parts = {name: scores_of(name) for name in validator}
    named = {f"test_{name}": values for name, values in parts.items()}
    return {"test_score": mean_z_score(parts), **named}


def stability_of_folds(
    results: CandidateResults,
    held_out: Sequence[NDArray[np.intp]],
    *,
    chance_corrected: bool = False,
) -> NDArray[np.float64]:
    """Return `agreement_of_folds` of each candidate, shape (n_candidates, n_splits).

    It is NaN where a training diverged.
    """

    def of_candidate(of_one: list[FoldResult]) -> NDArray[np.float64]:
        if any(result.failure for result in of_one):
            return np.full(len(held_out), np.nan)
        votes = np.stack([result.votes for result in of_one])
        return agreement_of_folds(votes, held_out, chance_corrected=chance_corrected)

    return np.array([of_candidate(of_one) for of_one in results])


def agreement_with_ensemble(results: CandidateResults) -> NDArray[np.float64]:
    """Return `agreement_with_mean` of the candidates in each fold."""
    in_folds = [
        agreement_with_mean([result.proba_target for result in of_all])
        for of_all in zip(*results, strict=True)
    ]
    return np.stack(in_folds, axis=1)
