"""Which candidates of a classifier the guard accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy as entropy_of

from ...priors._label_shift import LEAST_ENTROPY_RATIO
from ...training import DivergenceError
from .._training.candidates import GivenShares
from .._training.fit_and_score import CandidateResults, FoldResult
from .._training.pooled_shares import pooled_shares, share_weighted_accuracy
from .._training.scores import column, pooled
from ..validators.guard import (
    ACCURACY_TOLERANCE,
    MIN_ENTROPY_RATIO,
    GuardVerdict,
    class_entropy,
    collapse_guard,
)
from .shares import other_shares, unknown_shares

__all__ = [
    "GUARD_OPTIONS",
    "HIDDEN",
    "LEAST_ENTROPY_RATIO",
    "MOST",
    "UNSURE",
    "OnTarget",
    "apply_guard",
    "guard_candidate",
    "is_unstable",
    "is_unsure",
    "most_are_rejected",
    "pooled_accuracy",
]

# options that `collapse_guard` does not have
GUARD_OPTIONS = {
    "stability_tolerance": 0.05,
    "entropy_tolerance": 0.08,
    "share_tolerance": 0.1,
}
UNSTABLE = "unstable on the target"
UNSURE = "unsure of the target"
HIDDEN = (
    f"{UNSURE}, or unstable on it, at a smaller lam, which a larger one hides: the adaptation "
    "loss of this method makes any prediction surer"
)
# if this share of the lams above 0 is rejected for predictions on the target, all are rejected
MOST = 0.75
_OFF = {
    "accuracy_tolerance": 1.0,
    "min_entropy_ratio": 0.0,
    "stability_tolerance": 1.0,
    "entropy_tolerance": np.inf,
    "share_tolerance": 1.0,
}


class OnTarget(NamedTuple):
    """Measures of the folds' models on held-out target rows; each of shape (..., n_candidates).

    Attributes
    ----------
    stability, kappa : ndarray of float
        Share of rows on which the models of the folds agree, and the same, corrected for chance.
    entropy : ndarray of float
        Mean entropy of the probabilities, as a share of the largest, that of equal probabilities.
    """

    stability: NDArray[np.float64]
    kappa: NDArray[np.float64]
    entropy: NDArray[np.float64]

    def take(self, i: int) -> OnTarget:
        """Return the numbers of candidate `i`."""
        return OnTarget(*(values[..., i] for values in self))


def apply_guard(
    results: CandidateResults,
    lams: NDArray[np.float64],
    stability: NDArray[np.float64],
    kappa: NDArray[np.float64],
    guard: bool | Mapping[str, float],
    shares: GivenShares,
    *,
    sharpens: bool = False,
) -> list[GuardVerdict]:
    """Decide for every candidate whether it may be chosen.

    Parameters
    ----------
    results : list of list of FoldResult
        A list of folds for each candidate.
    lams : ndarray of shape (n_candidates,)
        For each point of the grid of other parameters, 0 comes first.
    stability : ndarray of shape (n_candidates, n_splits)
        Share of held-out target rows on which the models of the folds agree.
    kappa : ndarray of shape (n_candidates, n_splits)
        The same, corrected for chance.
    guard : bool or mapping
        Options of `collapse_guard`, and `GUARD_OPTIONS`: how far both the stability and kappa may
        fall below the source-only model's, how far the entropy, as a share of the largest, may
        rise above it, and how far the class shares of the target may be from the source's (total
        variation) where they alone explain how the domains differ. False rejects only what
        diverged.
    shares : GivenShares
        Of the candidates. Known shares: neither the entropy nor other shares are a reason to
        reject. Estimated shares: that no shares explain the shift is a reason.
    sharpens : bool, default=False
        Whether the adaptation loss itself makes predictions of the target surer: a larger lam then
        hides the harm that a smaller one shows.

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
    options = {**GUARD_OPTIONS, **(guard if isinstance(guard, Mapping) else {})}
    if guard is False:
        options = dict(_OFF)
    *tolerances, share_tolerance = [options.pop(name) for name in GUARD_OPTIONS]
    n_classes = max(result.n_classes for of_one in results for result in of_one)
    largest = np.log(max(2, n_classes))
    entropies = column(results, "entropy").mean(axis=1) / largest
    found = OnTarget(stability.mean(axis=1), kappa.mean(axis=1), entropies)
    steadiest = (np.nanmax(found.stability[lams == 0]), np.nanmax(found.kappa[lams == 0]))
    decisions: list[GuardVerdict] = []
    for first, end in pairwise([*np.flatnonzero(lams == 0).tolist(), len(lams)]):
        # these candidates differ in lam alone
        alone = other_shares(results[first], share_tolerance)
        entropy = np.inf if _predict_one_class(results[first]) else found.entropy[first]
        of_smaller = ""
        for i in range(first, end):
            adapts = i > first
            own = _for_these_shares(options, results[first]) if shares.used[i] else options
            verdict = guard_candidate(results[i], floor, own, adapts=adapts)
            if adapts:
                if not verdict and shares.estimated[i] and alone:
                    verdict = _pays(results[i], results[first], options) or verdict
                to_beat = np.inf if shares.known[i] else entropy
                reference = OnTarget(*steadiest, np.asarray(to_beat))
                reason = _why_rejected(found.take(i), reference, *tolerances) or of_smaller
                if verdict and reason:
                    verdict = GuardVerdict(False, reason)
                if reason and sharpens:
                    of_smaller = HIDDEN
            decisions.append(verdict)
        _reject_with_most(decisions, range(first + 1, end))
        estimated = shares.estimated[first]
        reason = unknown_shares(results[first], share_tolerance) if estimated else alone
        for i in range(first + 1, end):
            doubted = decisions[i].reason.startswith((UNSURE, UNSTABLE)) and not estimated
            if reason and (decisions[i] or doubted) and not shares.known[i]:
                decisions[i] = GuardVerdict(False, reason)
    return decisions


def _for_these_shares(
    options: Mapping[str, float],
    source_only: Sequence[FoldResult],
    shares: NDArray[np.float64] | None = None,
) -> dict[str, float]:
    """Return the options for candidates that use other class shares than the source's.

    Few rows of a class are no collapse where the source-only model predicts as few, or where the
    given shares have as few.
    """
    expected = class_entropy(pooled(source_only, "y_source"))
    rarest = class_entropy(pooled(source_only, "predicted_target"))
    if shares is not None:
        rarest = min(rarest, float(entropy_of(shares)))
    ratio = np.nan_to_num(rarest / expected) if expected else 0.0
    least = options.get("min_entropy_ratio", MIN_ENTROPY_RATIO)
    return {**options, "min_entropy_ratio": float(least * min(1.0, ratio))}


def _pays(
    of_one: Sequence[FoldResult], source_only: Sequence[FoldResult], options: Mapping[str, float]
) -> GuardVerdict:
    """Accept a candidate that is worse on the source, but better at the estimated shares.

    If only the shares differ, the accuracy on the target is the accuracy on source rows that are
    weighted to the target's shares.
    """
    if any(result.failure for result in of_one):
        return GuardVerdict(False, "")
    shares = pooled_shares(source_only)
    found, plain = (share_weighted_accuracy(each, shares) for each in (of_one, source_only))
    if not found > plain + options.get("accuracy_tolerance", ACCURACY_TOLERANCE):
        return GuardVerdict(False, "")
    own = {**_for_these_shares(options, source_only, shares), "accuracy_tolerance": 1.0}
    verdict = guard_candidate(of_one, 1.0, own, adapts=True)
    if not verdict:
        return verdict
    return GuardVerdict(
        True,
        "accepted: on held-out source rows that are weighted to the estimated shares its accuracy "
        f"is {found:.3f}, the source-only model's {plain:.3f}",
    )


def _reject_with_most(decisions: list[GuardVerdict], those: Sequence[int]) -> None:
    """Reject all candidates that differ in lam alone if the target speaks against most of them.

    The others may be accepted by chance.
    """
    rejected = np.array([decisions[i].reason.startswith((UNSURE, UNSTABLE)) for i in those], bool)
    if not most_are_rejected(rejected):
        return
    for i in those:
        if decisions[i]:
            reason = (
                f"{UNSURE}, or unstable on it, as most other lams: {rejected.sum()} of "
                f"{len(those)} are rejected, and that this one is not may be by chance"
            )
            decisions[i] = GuardVerdict(False, reason)


def most_are_rejected(rejected: NDArray[np.bool_]) -> bool:
    """Return whether so many lams above 0 are rejected that none should be chosen."""
    return bool(rejected.size and rejected.mean() >= MOST)


def guard_candidate(
    results: Sequence[FoldResult],
    source_only_accuracy: float,
    options: Mapping[str, float],
    *,
    adapts: bool,
) -> GuardVerdict:
    """Apply `collapse_guard`, with these options, to the results of one candidate in all folds.

    The accuracy over all folds must be high enough, and the predictions on the target must not
    collapse in any fold: a candidate that collapses in one fold may collapse when it is refitted.
    If lam is 0 (`adapts` is False), predictions on the target are no reason to reject: there must
    be a model to fall back on.
    """
    n_failures = sum(bool(result.failure) for result in results)
    if n_failures:
        return GuardVerdict(False, f"diverged in {n_failures} of {len(results)} folds")
    if not adapts:
        options = {**options, "min_entropy_ratio": 0.0}
    n_classes = max(result.n_classes for result in results)

    def guard(folds: Sequence[FoldResult], source_only_accuracy: float) -> GuardVerdict:
        return collapse_guard(
            *(pooled(folds, name) for name in ("y_source", "predicted_source", "predicted_target")),
            source_only_accuracy=source_only_accuracy,
            n_classes=n_classes,
            **options,
        )

    overall = guard(results, source_only_accuracy)
    if not (overall and adapts):
        return overall
    for i, result in enumerate(results):
        in_fold = guard([result], 0.0)
        if not in_fold:
            return GuardVerdict(False, f"in fold {i}, {in_fold.reason}")
    return overall


def _predict_one_class(results: Sequence[FoldResult]) -> bool:
    """Return whether the models of the folds give nearly all target rows one class.

    Such models, as where a sensor has an offset, are sure of all rows.
    """
    predicted = class_entropy(pooled(results, "predicted_target"))
    expected = class_entropy(pooled(results, "y_source"))
    return not predicted >= LEAST_ENTROPY_RATIO * expected  # NaN where the training diverged


def is_unstable(found: OnTarget, reference: OnTarget, tolerance: float) -> NDArray[np.bool_]:
    """Return whether stability and kappa are both too far below those of the source-only model."""
    # Each of the two alone rejects good models. If the source-only model never predicts a rare
    # class, its agreement is high, and falls in a model that rightly predicts that class. If the
    # classes are truly very unequal, few rows decide kappa.
    less_stable = found.stability < reference.stability - tolerance - 1e-12
    less_kappa = found.kappa < reference.kappa - tolerance - 1e-12
    return np.asarray(less_stable & less_kappa)


def is_unsure(
    found: OnTarget, reference: OnTarget, tolerance: float, stability_tolerance: float
) -> NDArray[np.bool_]:
    """Return whether a model is less sure of the target than source-only, and no more stable.

    Adapting to classes with other shares draws the boundary through rows of one class: the entropy
    of the predictions rises there.
    """
    less_sure = found.entropy > reference.entropy + tolerance + 1e-12
    # a source-only model that is wrong with confidence is not stable from fold to fold
    as_unstable = found.stability < reference.stability + stability_tolerance - 1e-12
    return np.asarray(less_sure & as_unstable)


def _why_rejected(
    found: OnTarget, reference: OnTarget, stability_tolerance: float, entropy_tolerance: float
) -> str:
    """Return why the predictions on the target speak against a model; empty if they do not."""
    if is_unstable(found, reference, stability_tolerance):
        return (
            f"{UNSTABLE}: the models of the folds agree on {found.stability:.3f} of "
            f"the held-out target rows (kappa {found.kappa:.3f}), which is more than "
            f"{stability_tolerance:g} below the source-only models' {reference.stability:.3f} "
            f"(kappa {reference.kappa:.3f}) and suggests that adapting does harm"
        )
    if is_unsure(found, reference, entropy_tolerance, stability_tolerance):
        return (
            f"{UNSURE}: the entropy of its predictions is {found.entropy:.3f} of the largest, the "
            f"source-only model's {reference.entropy:.3f} (more than {entropy_tolerance:g} less), "
            "and its models are not clearly more stable, which suggests that adapting does harm, "
            "as it does where the classes have other shares in the target"
        )
    return ""


def pooled_accuracy(results: Sequence[FoldResult]) -> float:
    """Return the accuracy over the held-out source rows of all folds; 0 if a training diverged."""
    if any(result.failure for result in results):
        return 0.0
    return float(np.mean(np.concatenate([r.y_source == r.predicted_source for r in results])))
