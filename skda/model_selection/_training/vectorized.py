"""All lams and folds of a search trained together, as one stacked network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from ...base import AdaptingEstimator
from ...training import DomainPair
from ...training.stacked import Job, UnstackableError, train_together
from .._routing import final_step
from .._split import DomainFold
from .._typing import Candidate, Validator
from .fit_and_score import (
    DomainData,
    FoldResult,
    diverged_result,
    fit_on,
    score_fitted,
    seeded,
    training_part,
)

__all__ = ["fit_and_score_together"]


def fit_and_score_together(
    estimator: BaseEstimator,
    candidates: Sequence[Candidate],
    data: DomainData,
    folds: Sequence[DomainFold],
    seeds: Sequence[int],
    validator: Validator,
    lam_name: str,
    *,
    of_any_size: bool,
    advance: Callable[[float], None],
) -> list[list[FoldResult]]:
    """Train and score candidates as `fit_and_score` does, all that differ in lam alone together.

    Parameters
    ----------
    estimator : estimator
        What is searched.
    candidates : sequence of dict
        Parameters of each.
    data : DomainData
    folds : sequence of DomainFold
    seeds : sequence of int
        Seed of the trainings of each fold.
    validator : str or callable
    lam_name : str
        Name of the trade-off weight.
    of_any_size : bool
        Whether to train together also networks so large that it saves no time.
    advance : callable
        Told how many trainings, or what part of one, were done since it was last called.

    Returns
    -------
    list of list of FoldResult
        A list of folds for each candidate. The time of a training is its share in that of all.

    Notes
    -----
    One estimator a fold takes the weights of one lam after the other, to be judged: a validator
    must not keep it.

    Raises
    ------
    UnstackableError
        If they cannot be trained together; the message says why.
    """
    last = final_step(estimator)
    if data.source_domain is not None:
        raise UnstackableError("several sources are trained one model at a time")
    if not isinstance(last, AdaptingEstimator) or last.trains_in_stages:
        raise UnstackableError(f"{type(last).__name__} has a training of its own")
    points: list[tuple[Candidate, list[int]]] = []
    for i, candidate in enumerate(candidates):
        others = {name: value for name, value in candidate.items() if name != lam_name}
        same = next((members for point, members in points if point == others), None)
        if same is None:
            points.append((others, [i]))
        else:
            same.append(i)
    trials: dict[int, list[FoldResult]] = {}
    for point, members in points:
        lams = [candidates[i][lam_name] for i in members]
        params = {**point, lam_name: max(lams)}
        start = [seeded(estimator, seed, params, data.n_source) for seed in seeds]
        of_folds = _run_point(start, lams, data, folds, validator, of_any_size, advance)
        trials |= dict(zip(members, map(list, zip(*of_folds, strict=True)), strict=True))
    return [trials[i] for i in range(len(candidates))]


def _run_point(
    estimators: Sequence[BaseEstimator],
    lams: Sequence[float],
    data: DomainData,
    folds: Sequence[DomainFold],
    validator: Validator,
    of_any_size: bool,
    advance: Callable[[float], None],
) -> list[list[FoldResult]]:
    """Return the trials of every lam, a list for each fold."""
    start = time.perf_counter()
    prepared = [
        _prepare(estimator, training_part(data, fold))
        for estimator, fold in zip(estimators, folds, strict=True)
    ]
    n_epochs = final_step(prepared[0][0]).n_epochs_
    jobs = [Job(final_step(each).net_, domains, lams) for each, domains in prepared]
    trained = train_together(jobs, n_epochs, of_any_size=of_any_size, advance=advance)
    share = (time.perf_counter() - start) / (len(folds) * len(lams))

    def run(j: int, k: int) -> FoldResult:
        if why := trained.failure(j, k):
            return diverged_result(data, folds[j], why, share)
        trained.load(j, k)
        fitted, domains = prepared[j]
        final = final_step(fitted).set_params(lam=lams[k])
        if final.adapt_batch_norm:
            final.net_.reestimate_target_statistics(domains)
        return score_fitted(fitted, data, folds[j], validator, share)

    return [[run(j, k) for k in range(len(lams))] for j in range(len(folds))]


def _prepare(estimator: BaseEstimator, data: DomainData) -> tuple[BaseEstimator, DomainPair]:
    """Fit everything but the net; return the rows that are to train it as well."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        recorder = _Recorder()
        estimator.steps[-1] = (name, recorder)
        fit_on(estimator, data)
        last, domains = _prepare(last, recorder.data_)
        estimator.steps[-1] = (name, last)
        return estimator, domains
    return estimator, estimator.begin(*data[:3], **data.options)


class _Recorder(BaseEstimator):
    """Keeps what the steps before it hand on."""

    __metadata_request__fit: ClassVar = {
        "X_target": True,
        "y_target": True,
        "sample_weight": True,
    }

    def fit(
        self,
        X: Any,
        y: Any,
        X_target: Any = None,
        *,
        y_target: Any = None,
        sample_weight: Any = None,
    ) -> Self:
        self.data_ = DomainData(X, y, X_target, y_target, sample_weight)
        return self
