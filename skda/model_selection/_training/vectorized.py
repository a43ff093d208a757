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
from .._typing import Candidate
from .candidates import differ_in_lam_only
from .fit_and_score import (
    DomainData,
    FoldResult,
    Plan,
    diverged_result,
    fit_on,
    score_fitted,
    seeded,
    training_part,
)

__all__ = ["fit_and_score_together"]


def fit_and_score_together(
    plan: Plan, *, of_any_size: bool, advance: Callable[[float], None]
) -> list[list[FoldResult]]:
    """Train and score candidates as `fit_and_score` does, all that differ in lam alone together.

    Parameters
    ----------
    plan : Plan
    of_any_size : bool
        Whether to train together also networks so large that it saves no time.
    advance : callable
        Called with the number of trainings, or the part of one, that were done since the last call.

    Returns
    -------
    list of list of FoldResult
        A list of folds for each candidate. The time of all trainings is divided equally.

    Notes
    -----
    A fold has one estimator, which gets the weights of one lam after the other to be scored: a
    validator must not keep it.

    Raises
    ------
    UnstackableError
        If the candidates cannot be trained together; the message says why.
    """
    last = final_step(plan.estimator)
    if plan.data.source_domain is not None:
        raise UnstackableError("several sources are trained one model at a time")
    if not isinstance(last, AdaptingEstimator) or last.trains_in_stages:
        raise UnstackableError(f"{type(last).__name__} has a training of its own")
    points: list[tuple[Candidate, list[int]]] = []
    for i, candidate in enumerate(plan.candidates):
        same = next(
            (
                members
                for _, members in points
                if differ_in_lam_only(candidate, plan.candidates[members[0]], plan.lam_name)
            ),
            None,
        )
        if same is None:
            others = {name: value for name, value in candidate.items() if name != plan.lam_name}
            points.append((others, [i]))
        else:
            same.append(i)
    found: dict[int, list[FoldResult]] = {}
    for point, members in points:
        lams = [plan.candidates[i][plan.lam_name] for i in members]
        of_folds = _run_point(plan, point, lams, of_any_size, advance)
        found |= dict(zip(members, map(list, zip(*of_folds, strict=True)), strict=True))
    return [found[i] for i in range(len(plan.candidates))]


def _run_point(
    plan: Plan,
    point: Candidate,
    lams: Sequence[float],
    of_any_size: bool,
    advance: Callable[[float], None],
) -> list[list[FoldResult]]:
    """Return the results of every lam, with the other parameters `point`, a list for each fold."""
    data, folds = plan.data, plan.folds
    params = {**point, plan.lam_name: max(lams)}
    estimators = [seeded(plan.estimator, seed, params, data.n_source) for seed in plan.seeds]
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
        return score_fitted(fitted, data, folds[j], plan.validator, share)

    return [[run(j, k) for k in range(len(lams))] for j in range(len(folds))]


def _prepare(estimator: BaseEstimator, data: DomainData) -> tuple[BaseEstimator, DomainPair]:
    """Fit all but the net; return the estimator and the rows on which the net is to be trained."""
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
    """Last step of a Pipeline, which keeps the data that the other steps hand on."""

    __metadata_request__fit: ClassVar = dict.fromkeys(
        ("X_target", "y_target", "sample_weight"), True
    )

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
