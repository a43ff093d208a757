"""Which candidates of a regressor the guard accepts, and which of them is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...training import DivergenceError
from .._training.fit_and_score import CandidateResults, FoldResult
from .._training.scores import named_scores, pooled
from .._typing import Candidate, Validator
from ..validators.agreement import AGREEMENT, STABILITY
from ..validators.guard import GuardVerdict
from ..validators.numbers import scale_of, squared_errors
from .classification import Choice, best_of

__all__ = ["DEFAULT_VALIDATOR", "GUARD_OPTIONS", "choose_regressor"]

DEFAULT_VALIDATOR = ("agreement", "stability")
# relative to the source-only model: how much larger the error on the source and the disagreement
# may be, and how small the spread of the predictions on the target (relative to the spread of the
# labels, if that is less)
GUARD_OPTIONS = {"error_tolerance": 0.5, "stability_tolerance": 0.1, "min_spread_ratio": 0.3}

Folds = Sequence[NDArray[np.intp]]


def choose_regressor(
    candidates: Sequence[Candidate],
    lam_name: str,
    results: CandidateResults,
    held_out: Folds,
    validator: Validator,
    guard: bool | Mapping[str, float],
) -> Choice:
    """Rank the candidates and choose the best, as `choose` does for classifiers."""
    lams = np.array([candidate[lam_name] for candidate in candidates])
    scale = scale_of(pooled(results[0], "y_source"))
    disagreement = disagreement_of_folds(results, held_out, scale)
    reasons = apply_guard(results, lams, disagreement, scale, guard)
    verdicts = [GuardVerdict(not reason, reason or "accepted") for reason in reasons]
    compared = {
        STABILITY: lambda: -(disagreement**2),
        AGREEMENT: lambda: _agreement(results, held_out, scale),
    }
    columns = {
        **named_scores(results, validator, compared),
        "source_error": np.array([[_error(r, scale) for r in of_one] for of_one in results]),
        "target_disagreement": disagreement,
    }
    return best_of(candidates, lams, results, columns, verdicts)


def disagreement_of_folds(
    results: CandidateResults, held_out: Folds, scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Return how far the models of each candidate differ from fold to fold.

    In fold i, with its held-out target rows :math:`T_i` and the scale s of each of the d outputs,

    .. math::
        \Big(\frac{1}{K - 1} \sum_{k \ne i} \frac{1}{d\,|T_i|}
        \sum_{x \in T_i} \lVert (h_i(x) - h_k(x)) / s \rVert^2\Big)^{1/2}

    Shape (n_candidates, n_splits); NaN where a training diverged; 0 if there is only one split.
    """

    def of_candidate(of_one: list[FoldResult]) -> list[float]:
        if any(result.failure for result in of_one):
            return [np.nan] * len(held_out)
        found = []
        for i, rows in enumerate(held_out):
            others = [each.votes[rows] for k, each in enumerate(of_one) if k != i]
            own = of_one[i].votes[rows]
            squares = [squared_errors(own, other, scale).mean() for other in others]
            found.append(float(np.sqrt(np.mean(squares))) if squares else 0.0)
        return found

    return np.array([of_candidate(of_one) for of_one in results])


def apply_guard(
    results: CandidateResults,
    lams: NDArray[np.float64],
    disagreement: NDArray[np.float64],
    scale: NDArray[np.float64],
    guard: bool | Mapping[str, float],
) -> list[str]:
    """Return why each candidate may not be chosen, an empty string if it may.

    Raises
    ------
    DivergenceError
        If every candidate with lam 0 diverged: there is nothing to fall back on.
    """
    failed = [sum(bool(result.failure) for result in of_one) for of_one in results]
    plain = [i for i, lam in enumerate(lams) if lam == 0 and not failed[i]]
    if not plain:
        first = results[int(np.flatnonzero(lams == 0)[0])]
        raise DivergenceError(next(result.failure for result in first if result.failure))
    options = {**GUARD_OPTIONS, **(guard if isinstance(guard, Mapping) else {})}

    def measures(i: int) -> NDArray[np.float64]:
        of_one = results[i]
        error = np.sqrt(np.mean([_error(result, scale) ** 2 for result in of_one]))
        spread = np.mean([(result.votes / scale).std(axis=0).mean() for result in of_one])
        return np.array([error, np.sqrt(np.mean(disagreement[i] ** 2)), spread])

    source_only = np.min([measures(i) for i in plain], axis=0)

    def reason(i: int) -> str:
        if failed[i]:
            return f"diverged in {failed[i]} of {len(results[i])} folds"
        if guard is False or lams[i] == 0:
            return ""
        return _why_rejected(measures(i), source_only, options)

    return [reason(i) for i in range(len(results))]


def _why_rejected(
    found: NDArray[np.float64], source_only: NDArray[np.float64], options: Mapping[str, float]
) -> str:
    """Compare error on the source, disagreement and spread with those of the source-only model."""
    (error, apart, spread), (least_error, least_apart, usual) = found, source_only
    if error > least_error * (1 + options["error_tolerance"]):
        return (
            f"forgot the source: the error on held-out source rows is {error:.3f} standard "
            f"deviations, the source-only model's {least_error:.3f}"
        )
    if apart > least_apart * (1 + options["stability_tolerance"]):
        return (
            f"unstable on the target: the models of the folds differ by {apart:.3f} standard "
            f"deviations, the source-only models by {least_apart:.3f}"
        )
    # a source-only model may be far off on the target: the labels' own spread is 1
    if spread < min(usual, 1) * options["min_spread_ratio"]:
        return (
            f"collapsed on the target: its predictions spread by {spread:.3f} standard "
            f"deviations, the source-only model's by {usual:.3f}"
        )
    return ""


def _error(result: FoldResult, scale: NDArray[np.float64]) -> float:
    """Return the root mean squared error on held-out source rows; NaN if the training diverged."""
    if result.failure:
        return float("nan")
    return float(np.sqrt(squared_errors(result.y_source, result.predicted_source, scale).mean()))


def _agreement(
    results: CandidateResults, held_out: Folds, scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return minus the squared distance to the mean of all candidates, on held-out target rows."""
    found = np.full((len(results), len(held_out)), np.nan)
    for j, rows in enumerate(held_out):
        known = {i: of[j].votes[rows] for i, of in enumerate(results) if not of[j].failure}
        mean: Any = np.mean(list(known.values()), axis=0)
        for i, predicted in known.items():
            found[i, j] = -squared_errors(mean, predicted, scale).mean()
    return found
