"""Which candidate of a classifier is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._training.candidates import GivenShares, rank, tabulate
from .._training.fit_and_score import CandidateResults
from .._training.scores import column, score_columns, stability_of_folds
from .._typing import Candidate, Validator
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
    """Rank the candidates and choose the best; of several, the one with the smallest lam.

    Parameters
    ----------
    candidates : sequence of dict
        Parameters of each.
    lam_name : str
        Name of the trade-off weight.
    results : list of list of FoldResult
        One list of folds for each candidate.
    held_out : sequence of ndarray of int
        Target rows that are held out in each fold.
    validator : str, sequence of str or callable
    guard : bool or mapping
        As of `apply_guard`.
    shares : GivenShares
        Of the candidates.
    sharpens : bool, default=False
        As of `apply_guard`.

    Returns
    -------
    Choice
    """
    lams = np.array([candidate[lam_name] for candidate in candidates])
    stability = stability_of_folds(results, held_out)
    kappa = stability_of_folds(results, held_out, chance_corrected=True)
    decisions = apply_guard(results, lams, stability, kappa, guard, shares, sharpens=sharpens)
    accepted = np.array([decision.accepted for decision in decisions])
    columns = {
        "fit_time": column(results, "fit_time"),
        "score_time": column(results, "score_time"),
        **score_columns(results, validator, stability),
        "source_accuracy": column(results, "accuracy"),
        "target_stability": stability,
        "target_entropy": column(results, "entropy"),
    }
    table = tabulate(candidates, columns)
    table["rank_test_score"] = rank(table["mean_test_score"], accepted)
    table["accepted"] = accepted
    table["guard_reason"] = np.array([decision.reason for decision in decisions], dtype=object)
    return best_of(table, lams)


def best_of(table: dict[str, Any], lams: NDArray[np.float64]) -> Choice:
    """Return the choice of a ranked table: of several best candidates, that of the smallest lam."""
    first = np.flatnonzero(table["rank_test_score"] == 1)
    plain = table["mean_test_score"][table["accepted"] & (lams == 0)]
    return Choice(table, int(first[lams[first].argmin()]), float(plain.max()))
