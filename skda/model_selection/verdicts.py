"""From the trials of a search to the scores and verdicts of its candidates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from skda.model_selection.consensus import AGREEMENT, agreement_with_mean, mean_z_score
from skda.model_selection.guard import GuardVerdict
from skda.model_selection.trials import Trial, Validator, guard_candidate, pooled_accuracy
from skda.training import DivergenceError

__all__ = ["Trials", "column", "judge_all", "score_columns"]

Trials = list[list[Trial]]  # a list of folds for each candidate


def column(trials: Trials, attribute: str) -> NDArray:
    """Return an attribute of each trial, shape (n_candidates, n_splits)."""
    return np.array([[getattr(trial, attribute) for trial in of_one] for of_one in trials])


def score_columns(trials: Trials, validator: Validator) -> dict[str, NDArray]:
    """Return the score of each candidate in each fold, and the scores that it is made of.

    Parameters
    ----------
    trials : list of list of Trial
    validator : str, sequence of str or callable

    Returns
    -------
    dict of str to ndarray of shape (n_candidates, n_splits)
        "test_score"; of several validators, each one's "test_<validator>", too.
    """
    if isinstance(validator, str) or callable(validator):
        return {"test_score": _scores(trials, "" if callable(validator) else validator)}
    parts = {
        name: _agreement(trials) if name == AGREEMENT else _scores(trials, name)
        for name in validator
    }
    named = {f"test_{name}": values for name, values in parts.items()}
    return {"test_score": mean_z_score(parts), **named}


def judge_all(
    trials: Trials, lams: NDArray, guard: bool | Mapping[str, float]
) -> list[GuardVerdict]:
    """Apply the collapse guard to every candidate.

    Parameters
    ----------
    trials : list of list of Trial
    lams : ndarray of shape (n_candidates,)
    guard : bool or mapping
        Options of `collapse_guard`; without guard only what diverged is rejected.

    Returns
    -------
    list of GuardVerdict

    Raises
    ------
    DivergenceError
        If every candidate with lam 0 diverged: there is nothing to fall back on.
    """
    source_only = [of_one for of_one, lam in zip(trials, lams, strict=True) if lam == 0]
    if all(any(trial.failure for trial in of_one) for of_one in source_only):
        raise DivergenceError(next(t.failure for t in source_only[0] if t.failure))
    floor = max(pooled_accuracy(of_one) for of_one in source_only)
    options = dict(guard) if isinstance(guard, Mapping) else {}
    if guard is False:
        options = {"accuracy_tolerance": 1.0, "min_entropy_ratio": 0.0}
    return [
        guard_candidate(of_one, floor, options, adapts=lam > 0)
        for of_one, lam in zip(trials, lams, strict=True)
    ]


def _scores(trials: Trials, name: str) -> NDArray:
    return np.array([[trial.scores.get(name, np.nan) for trial in of_one] for of_one in trials])


def _agreement(trials: Trials) -> NDArray:
    in_folds = [
        agreement_with_mean([trial.proba_target for trial in of_all])
        for of_all in zip(*trials, strict=True)
    ]
    return np.stack(in_folds, axis=1)
