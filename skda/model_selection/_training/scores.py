"""From the results of the folds to the score columns of `cv_results_`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Validator
from ..validators.agreement import (
    AGREEMENT,
    STABILITY,
    agreement_of_folds,
    agreement_with_mean,
    mean_z_score,
)
from .fit_and_score import CandidateResults, FoldResult

__all__ = ["column", "named_scores", "score_columns", "stability_of_folds"]


def column(results: CandidateResults, attribute: str) -> NDArray[Any]:
    """Return an attribute of each result, shape (n_candidates, n_splits)."""
    return np.array([[getattr(result, attribute) for result in of_one] for of_one in results])


def score_columns(
    results: CandidateResults, validator: Validator, stability: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return the score of each candidate in each fold, and the scores that it is made of.

    Parameters
    ----------
    results : list of list of FoldResult
    validator : str, sequence of str or callable
    stability : ndarray of shape (n_candidates, n_splits)
        From `stability_of_folds`.

    Returns
    -------
    dict of str to ndarray of shape (n_candidates, n_splits)
        "test_score", and, if there are several validators, "test_<validator>" of each.
    """
    compared = {STABILITY: lambda: stability, AGREEMENT: lambda: _agreement(results)}
    return named_scores(results, validator, compared)


def named_scores(
    results: CandidateResults,
    validator: Validator,
    compared: Mapping[str, Callable[[], NDArray[np.float64]]],
) -> dict[str, NDArray[np.float64]]:
    """Return the score columns; `compared` has those that compare the models of a search."""

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
    """Return how far the models of each candidate agree from fold to fold.

    Parameters
    ----------
    results : list of list of FoldResult
    held_out : sequence of ndarray of int
        Target rows that are held out in each fold.
    chance_corrected : bool, default=False
        As of `agreement_of_folds`.

    Returns
    -------
    ndarray of shape (n_candidates, n_splits)
        From `agreement_of_folds`; NaN where a training diverged.
    """

    def of_candidate(of_one: list[FoldResult]) -> NDArray[np.float64]:
        if any(result.failure for result in of_one):
            return np.full(len(held_out), np.nan)
        votes = np.stack([result.votes for result in of_one])
        return agreement_of_folds(votes, held_out, chance_corrected=chance_corrected)

    return np.array([of_candidate(of_one) for of_one in results])


def _agreement(results: CandidateResults) -> NDArray[np.float64]:
    in_folds = [
        agreement_with_mean([result.proba_target for result in of_all])
        for of_all in zip(*results, strict=True)
    ]
    return np.stack(in_folds, axis=1)
