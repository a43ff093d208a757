"""Which candidates of a search are accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..training import DivergenceError
from ._fit_and_score import Trial
from ._scores import Trials
from .validators.guard import GuardVerdict, collapse_guard

__all__ = ["guard_candidate", "is_unstable", "judge_all", "pooled_accuracy"]


def judge_all(
    trials: Trials,
    lams: NDArray,
    stability: NDArray,
    kappa: NDArray,
    guard: bool | Mapping[str, float],
) -> list[GuardVerdict]:
    """Say of every candidate whether it may win.

    Parameters
    ----------
    trials : list of list of Trial
        A list of folds for each candidate.
    lams : ndarray of shape (n_candidates,)
    stability : ndarray of shape (n_candidates, n_splits)
        How far the models of the folds agree on held-out target rows.
    kappa : ndarray of shape (n_candidates, n_splits)
        The same, corrected for chance.
    guard : bool or mapping
        Options of `collapse_guard`, and `stability_tolerance`: how far both the stability and
        kappa may fall below the source-only model's. Without guard only what diverged is rejected.

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
    options: dict[str, Any] = dict(guard) if isinstance(guard, Mapping) else {}
    if guard is False:
        options = {"accuracy_tolerance": 1.0, "min_entropy_ratio": 0.0, "stability_tolerance": 1.0}
    tolerance = _check_tolerance(options.pop("stability_tolerance", STABILITY_TOLERANCE))
    pairs = np.stack([stability.mean(axis=1), kappa.mean(axis=1)], axis=1)
    reference = np.nanmax(pairs[lams == 0], axis=0)
    return [
        _unless_unstable(
            guard_candidate(of_one, floor, options, adapts=lam > 0),
            reference if lam == 0 else pair,
            reference,
            tolerance,
        )
        for of_one, lam, pair in zip(trials, lams, pairs, strict=True)
    ]


STABILITY_TOLERANCE = 0.05


def is_unstable(
    found: NDArray, reference: NDArray, tolerance: float = STABILITY_TOLERANCE
) -> NDArray:
    """Say whether agreement and kappa are both too far below those of the source-only model.

    Parameters
    ----------
    found, reference : ndarray of shape (..., 2)
        Agreement of the folds' models, and kappa.
    tolerance : float, default=0.05

    Returns
    -------
    ndarray of shape (...), bool
    """
    # of a rare class that source-only does not see, agreement alone says too much, and of true
    # unequal classes kappa alone
    unstable: NDArray = np.all(found < reference - tolerance - 1e-12, axis=-1)
    return unstable


def _check_tolerance(tolerance: Any) -> float:
    if not isinstance(tolerance, Real) or not 0 <= float(tolerance) <= 1:
        raise ValueError(
            f"stability_tolerance must be a float in the range [0, 1]. Got {tolerance!r} instead."
        )
    return float(tolerance)


def _unless_unstable(
    verdict: GuardVerdict, found: NDArray, reference: NDArray, tolerance: float
) -> GuardVerdict:
    if not (verdict and is_unstable(found, reference, tolerance)):
        return verdict
    (stability, kappa), (most, most_kappa) = found, reference
    return GuardVerdict(
        False,
        f"unstable on the target: the models of the folds agree on {stability:.3f} of the held-out "
        f"target rows (kappa {kappa:.3f}), which is more than {tolerance:g} below the source-only "
        f"models' {most:.3f} (kappa {most_kappa:.3f}) and suggests that adapting does harm",
    )


def guard_candidate(
    trials: Sequence[Trial],
    source_only_accuracy: float,
    options: Mapping[str, float],
    *,
    adapts: bool,
) -> GuardVerdict:
    """Apply `collapse_guard` to a candidate's trials in all folds.

    Parameters
    ----------
    trials : sequence of Trial
        One a fold.
    source_only_accuracy : float
        Accuracy of the source-only model on all held-out source rows.
    options : mapping
        Options of `collapse_guard`.
    adapts : bool
        Whether lam is above 0. What the source-only model predicts on the target is no ground
        to reject it: there must be a model to fall back on.

    Returns
    -------
    GuardVerdict
        Accepted if the accuracy over all folds is high enough, and the target did not collapse
        in any fold: a candidate that collapses now and then may do so when it is refitted.
    """
    failures = [trial.failure for trial in trials if trial.failure]
    if failures:
        return GuardVerdict(False, f"diverged in {len(failures)} of {len(trials)} folds")
    if not adapts:
        options = {**options, "min_entropy_ratio": 0.0}
    n_classes = max(trial.n_classes for trial in trials)
    overall = collapse_guard(
        np.concatenate([trial.y_source for trial in trials]),
        np.concatenate([trial.predicted_source for trial in trials]),
        np.concatenate([trial.predicted_target for trial in trials]),
        source_only_accuracy=source_only_accuracy,
        n_classes=n_classes,
        **options,
    )
    if not (overall and adapts):
        return overall
    for i, trial in enumerate(trials):
        in_fold = collapse_guard(
            trial.y_source,
            trial.predicted_source,
            trial.predicted_target,
            source_only_accuracy=0.0,
            n_classes=n_classes,
            **options,
        )
        if not in_fold:
            return GuardVerdict(False, f"in fold {i}, {in_fold.reason}")
    return overall


def pooled_accuracy(trials: Sequence[Trial]) -> float:
    """Accuracy over the held-out source rows of all folds; 0 if a training diverged."""
    if any(trial.failure for trial in trials):
        return 0.0
    return float(np.mean(np.concatenate([t.y_source == t.predicted_source for t in trials])))
