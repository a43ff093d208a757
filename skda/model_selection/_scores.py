"""From the trials of a search to the scores of its candidates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ._fit_and_score import Trial, Validator
from .validators.agreement import (
    AGREEMENT,
    STABILITY,
    agreement_of_folds,
    agreement_with_mean,
    mean_z_score,
)

__all__ = ["Trials", "column", "score_columns", "stability_of_folds"]

Trials = list[list[Trial]]  # a list of folds for each candidate


def column(trials: Trials, attribute: str) -> NDArray:
    """Return an attribute of each trial, shape (n_candidates, n_splits)."""
    return np.array([[getattr(trial, attribute) for trial in of_one] for of_one in trials])


def score_columns(trials: Trials, validator: Validator, stability: NDArray) -> dict[str, NDArray]:
    """Return the score of each candidate in each fold, and the scores that it is made of.

    Parameters
    ----------
    trials : list of list of Trial
    validator : str, sequence of str or callable
    stability : ndarray of shape (n_candidates, n_splits)
        From `stability_of_folds`.

    Returns
    -------
    dict of str to ndarray of shape (n_candidates, n_splits)
        "test_score"; of several validators, each one's "test_<validator>", too.
    """
    if callable(validator):
        return {"test_score": _scores(trials, "")}

    def scores_of(name: str) -> NDArray:
        if name == STABILITY:
            return stability
        return _agreement(trials) if name == AGREEMENT else _scores(trials, name)

    if isinstance(validator, str):
        return {"test_score": scores_of(validator)}
    parts = {name: scores_of(name) for name in validator}
    named = {f"test_{name}": values for name, values in parts.items()}
    return {"test_score": mean_z_score(parts), **named}


def stability_of_folds(
    trials: Trials, held_out: Sequence[NDArray], *, chance_corrected: bool = False
) -> NDArray:
    """Return how far each candidate's models agree from fold to fold.

    Parameters
    ----------
    trials : list of list of Trial
    held_out : sequence of ndarray of int
        Target rows that are held out in each fold.
    chance_corrected : bool, default=False
        As of `agreement_of_folds`.

    Returns
    -------
    ndarray of shape (n_candidates, n_splits)
        From `agreement_of_folds`; NaN where a training diverged.
    """

    def of_candidate(of_one: list[Trial]) -> NDArray:
        if any(trial.failure for trial in of_one):
            return np.full(len(held_out), np.nan)
        votes = np.stack([trial.votes for trial in of_one])
        return agreement_of_folds(votes, held_out, chance_corrected=chance_corrected)

    return np.array([of_candidate(of_one) for of_one in trials])


def _scores(trials: Trials, name: str) -> NDArray:
    return np.array([[trial.scores.get(name, np.nan) for trial in of_one] for of_one in trials])


def _agreement(trials: Trials) -> NDArray:
    in_folds = [
        agreement_with_mean([trial.proba_target for trial in of_all])
        for of_all in zip(*trials, strict=True)
    ]
    return np.stack(in_folds, axis=1)
