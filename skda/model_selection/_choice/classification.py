"""Which candidate of a classifier is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._training.candidates import GivenShares, rank, tabulate
from .._training.fit_and_score import CandidateResults
from .._training.scores import (
    agreement_with_ensemble,
    column,
    named_scores,
    stability_of_folds,
)
from .._typing import Candidate, Validator
from ..validators.agreement import AGREEMENT, STABILITY
from ..validators.guard import GuardVerdict
from .guard import apply_guard

__all__ = ["DEFAULT_VALIDATOR", "Choice", "best_of", "choose"]

DEFAULT_VALIDATOR = ("agreement", "infomax", "stability")


class Choice(NamedTuple):
    """The chosen candidate, and what the choice is based on.

    Attributes
    ----------
    cv_results : dict of str to ndarray
        The attribute `cv_results_` of the search.
    best_index : int
        Row of the chosen candidate.
    source_only_score : float
        Mean score of the best accepted candidate with lam 0.
    """

    cv_results: dict[str, Any]
    best_index: int
    source_only_score: float


def choose(
    candidates: Sequence[Candidate],
    lam_name: str,
    results: CandidateResults,
    held_out: Sequence[NDArray[np.intp]],
    validator: Validator,
    guard: bool | Mapping[str, float],
    shares: GivenShares,
    *,
    sharpens: bool = False,
) -> Choice:
    """Rank the candidates and choose the best.

    `held_out` has the indices of the target rows that are held out in each fold; `guard`, `shares`
    and `sharpens` are as of `apply_guard`.
    """
    lams = np.array([candidate[lam_name] for candidate in candidates])
    stability = stability_of_folds(results, held_out)
    kappa = stability_of_folds(results, held_out, chance_corrected=True)
    verdicts = apply_guard(results, lams, stability, kappa, guard, shares, sharpens=sharpens)
    compared = {STABILITY: lambda: stability, AGREEMENT: lambda: agreement_with_ensemble(results)}
    columns = {
        **named_scores(results, validator, compared),
        "source_accuracy": column(results, "accuracy"),
        "target_stability": stability,
        "target_entropy": column(results, "entropy"),
    }
    return best_of(candidates, lams, results, columns, verdicts)


def best_of(
    candidates: Sequence[Candidate],
    lams: NDArray[np.float64],
    results: CandidateResults,
    columns: Mapping[str, NDArray[np.float64]],
    verdicts: Sequence[GuardVerdict],
) -> Choice:
    """Rank the candidates by their score columns; of several best, the smallest lam is chosen."""
    times = {name: column(results, name) for name in ("fit_time", "score_time")}
    accepted = np.array([verdict.accepted for verdict in verdicts])
    table = tabulate(candidates, {**times, **columns})
    table["rank_test_score"] = rank(table["mean_test_score"], accepted)
    table["accepted"] = accepted
    table["guard_reason"] = np.array([verdict.reason for verdict in verdicts], dtype=object)
    first = np.flatnonzero(table["rank_test_score"] == 1)
    plain = table["mean_test_score"][accepted & (lams == 0)]
    return Choice(table, int(first[lams[first].argmin()]), float(plain.max()))
