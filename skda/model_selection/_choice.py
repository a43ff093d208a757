"""Which candidates the guard accepts, and which of them is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..training import DivergenceError
from ._candidates import rank, tabulate
from ._fit_and_score import CandidateResults, FoldResult
from ._scores import column, score_columns, stability_of_folds
from ._typing import Candidate, Validator
from .validators.guard import GuardVerdict, collapse_guard

__all__ = [
    "DEFAULT_VALIDATOR",
    "STABILITY_TOLERANCE",
    "Choice",
    "best_of",
    "choose",
    "guard_candidate",
    "is_unstable",
]

DEFAULT_VALIDATOR = ("agreement", "infomax", "stability")
STABILITY_TOLERANCE = 0.05


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

    Returns
    -------
    Choice
    """
    lams = np.array([candidate[lam_name] for candidate in candidates])
    stability = stability_of_folds(results, held_out)
    kappa = stability_of_folds(results, held_out, chance_corrected=True)
    decisions = apply_guard(results, lams, stability, kappa, guard)
    accepted = np.array([decision.accepted for decision in decisions])
    columns = {
        "fit_time": column(results, "fit_time"),
        "score_time": column(results, "score_time"),
        **score_columns(results, validator, stability),
        "source_accuracy": column(results, "accuracy"),
        "target_stability": stability,
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


def apply_guard(
    results: CandidateResults,
    lams: NDArray[np.float64],
    stability: NDArray[np.float64],
    kappa: NDArray[np.float64],
    guard: bool | Mapping[str, float],
) -> list[GuardVerdict]:
    """Decide for every candidate whether it may be chosen.

    Parameters
    ----------
    results : list of list of FoldResult
        One list of folds for each candidate.
    lams : ndarray of shape (n_candidates,)
    stability : ndarray of shape (n_candidates, n_splits)
        Share of held-out target rows on which the models of the folds agree.
    kappa : ndarray of shape (n_candidates, n_splits)
        The same, corrected for chance.
    guard : bool or mapping
        Options of `collapse_guard`, and `stability_tolerance`: how far both the stability and
        kappa may fall below the source-only model's. False rejects only what diverged.

    Returns
    -------
    list of GuardVerdict

    Raises
    ------
    DivergenceError
        If every candidate with lam 0 diverged: there is nothing to fall back on.
    """
    source_only = [of_one for of_one, lam in zip(results, lams, strict=True) if lam == 0]
    if all(any(result.failure for result in of_one) for of_one in source_only):
        raise DivergenceError(next(r.failure for r in source_only[0] if r.failure))
    floor = max(pooled_accuracy(of_one) for of_one in source_only)
    options: dict[str, float] = dict(guard) if isinstance(guard, Mapping) else {}
    if guard is False:
        options = {"accuracy_tolerance": 1.0, "min_entropy_ratio": 0.0, "stability_tolerance": 1.0}
    tolerance = options.pop("stability_tolerance", STABILITY_TOLERANCE)
    pairs = np.stack([stability.mean(axis=1), kappa.mean(axis=1)], axis=1)
    reference = np.nanmax(pairs[lams == 0], axis=0)
    decisions = []
    for of_one, lam, pair in zip(results, lams, pairs, strict=True):
        decision = guard_candidate(of_one, floor, options, adapts=lam > 0)
        if decision and lam > 0 and is_unstable(pair, reference, tolerance):
            decision = GuardVerdict(False, _why_unstable(pair, reference, tolerance))
        decisions.append(decision)
    return decisions


def guard_candidate(
    results: Sequence[FoldResult],
    source_only_accuracy: float,
    options: Mapping[str, float],
    *,
    adapts: bool,
) -> GuardVerdict:
    """Apply `collapse_guard` to the results of one candidate in all folds.

    Parameters
    ----------
    results : sequence of FoldResult
        One for each fold.
    source_only_accuracy : float
        Accuracy of the source-only model on all held-out source rows.
    options : mapping
        Options of `collapse_guard`.
    adapts : bool
        Whether lam is above 0. The source-only model is not rejected for its predictions on the
        target: there must be a model to fall back on.

    Returns
    -------
    GuardVerdict
        Accepted if the accuracy over all folds is high enough, and the predictions on the target
        did not collapse in any fold: a candidate that collapses in one fold may collapse when it
        is refitted.
    """
    n_failures = sum(bool(result.failure) for result in results)
    if n_failures:
        return GuardVerdict(False, f"diverged in {n_failures} of {len(results)} folds")
    if not adapts:
        options = {**options, "min_entropy_ratio": 0.0}
    n_classes = max(result.n_classes for result in results)
    overall = collapse_guard(
        np.concatenate([result.y_source for result in results]),
        np.concatenate([result.predicted_source for result in results]),
        np.concatenate([result.predicted_target for result in results]),
        source_only_accuracy=source_only_accuracy,
        n_classes=n_classes,
        **options,
    )
    if not (overall and adapts):
        return overall
    for i, result in enumerate(results):
        in_fold = collapse_guard(
            result.y_source,
            result.predicted_source,
            result.predicted_target,
            source_only_accuracy=0.0,
            n_classes=n_classes,
            **options,
        )
        if not in_fold:
            return GuardVerdict(False, f"in fold {i}, {in_fold.reason}")
    return overall


def is_unstable(
    found: NDArray[np.float64],
    reference: NDArray[np.float64],
    tolerance: float = STABILITY_TOLERANCE,
) -> NDArray[np.bool_]:
    """Return whether agreement and kappa are both too far below those of the source-only model.

    Parameters
    ----------
    found, reference : ndarray of shape (..., 2)
        Agreement of the models of the folds, and kappa.
    tolerance : float, default=0.05

    Returns
    -------
    ndarray of shape (...), bool
    """
    # Each of the two alone rejects good models. If the source-only model never predicts a rare
    # class, its agreement is high, and falls in a model that rightly predicts that class. If the
    # classes are truly very unequal, few rows decide kappa.
    unstable: NDArray[np.bool_] = np.all(found < reference - tolerance - 1e-12, axis=-1)
    return unstable


def _why_unstable(
    found: NDArray[np.float64], reference: NDArray[np.float64], tolerance: float
) -> str:
    (stability, kappa), (most, most_kappa) = found, reference
    return (
        f"unstable on the target: the models of the folds agree on {stability:.3f} of the held-out "
        f"target rows (kappa {kappa:.3f}), which is more than {tolerance:g} below the source-only "
        f"models' {most:.3f} (kappa {most_kappa:.3f}) and suggests that adapting does harm"
    )


def pooled_accuracy(results: Sequence[FoldResult]) -> float:
    """Return the accuracy over the held-out source rows of all folds; 0 if a training diverged."""
    if any(result.failure for result in results):
        return 0.0
    return float(np.mean(np.concatenate([r.y_source == r.predicted_source for r in results])))
