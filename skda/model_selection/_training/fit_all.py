"""Train and score all candidates in all folds, together or one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any, NamedTuple

from joblib import parallel_config
from joblib.parallel import get_active_backend
from sklearn.base import BaseEstimator
from sklearn.utils.parallel import Parallel, delayed

from ...training.stacked import UnstackableError
from ...training.watch.progress import Progress
from .._split import DomainFold
from .._typing import Validator
from .fit_and_score import CandidateResults, DomainData, FoldResult, Plan, fit_and_score, seeded
from .store import ResultStore
from .vectorized import fit_and_score_together

Task = tuple[BaseEstimator, DomainFold, Validator]


class AllResults(NamedTuple):
    """The results of the trainings of a search.

    Attributes
    ----------
    of_candidates : list of list of FoldResult
        One list of folds for each candidate.
    reason : str
        Why the candidates were not trained together; empty if they were.
    interrupt : KeyboardInterrupt or None
        Interrupt that ended the search early: the results are those of the finished candidates.
    """

    of_candidates: CandidateResults
    reason: str
    interrupt: KeyboardInterrupt | None = None


def fit_all(
    plan: Plan,
    *,
    vectorize: bool | str,
    n_jobs: int | None,
    verbose: int,
    store: ResultStore | None = None,
) -> AllResults:
    """Train and score every candidate in every fold, as one stacked network if possible.

    `vectorize`, `n_jobs` and `verbose` are as of `LambdaSearchCV`. The results that are in `store`
    are not computed again; new results are put there.

    Raises
    ------
    ValueError
        If `vectorize` is True and the candidates cannot be trained together.
    KeyboardInterrupt
        After Ctrl-C before a candidate was finished. Candidates that are trained together finish
        together.
    """
    n_folds = len(plan.folds)
    places = list(product(range(len(plan.candidates)), range(n_folds)))

    def progress() -> Progress:
        return Progress(len(places), bool(verbose), "LambdaSearchCV", "trainings")

    found = {} if store is None else store.load(places)
    if len(found) == len(places):
        stored = _of_candidates([found[place] for place in places], n_folds)
        return AllResults(stored, "all results were there already")
    reason = "vectorize=False"
    if vectorize is not False:
        try:
            with progress() as bar:
                together = fit_and_score_together(
                    plan, of_any_size=vectorize is True, advance=bar.advance
                )
            if store is not None:
                for i, j in places:
                    store.put(i, j, together[i][j])
            return AllResults(together, "")
        except UnstackableError as error:
            if vectorize is True:
                raise ValueError(f"vectorize=True is not possible: {error}.") from error
            reason = str(error)

    def task(i: int, j: int) -> Task:
        params, n_source = plan.candidates[i], plan.data.n_source
        new = seeded(plan.estimator, plan.seeds[j], params, n_source)
        return new, plan.folds[j], plan.validator

    done: list[FoldResult] = []
    try:
        with progress() as bar:
            tasks = (task(*place) for place in places if place not in found)
            results = _run(tasks, plan.data, n_jobs)
            bar.advance(0)
            for place in places:
                if place not in found:
                    found[place] = next(results)
                    if store is not None:
                        store.put(*place, found[place])
                done.append(found[place])
                bar.advance(1)
    except KeyboardInterrupt as interrupt:
        finished = _of_candidates(done, n_folds)
        if not finished:
            raise
        return AllResults(finished, "interrupted", interrupt)
    return AllResults(_of_candidates(done, n_folds), reason)


def _of_candidates(done: list[FoldResult], n_folds: int) -> CandidateResults:
    """Return the results of each candidate that has one in every fold."""
    return [done[i : i + n_folds] for i in range(0, len(done) // n_folds * n_folds, n_folds)]


def _run(tasks: Iterable[Task], data: DomainData, n_jobs: int | None) -> Iterator[FoldResult]:
    """Yield what `fit_and_score` returns of each task, `n_jobs` at a time."""
    with _shipped_once(data):
        one_by_one = get_active_backend()[0].supports_return_generator  # Ray's gives all at the end
        parallel = Parallel(n_jobs=n_jobs, return_as="generator" if one_by_one else "list")
    return iter(parallel(delayed(_fit_and_score)(*data, *task) for task in tasks))


def _fit_and_score(*data_and_task: Any) -> FoldResult:
    """Join the data again: joblib's backends recognise whole arguments, not parts of them."""
    *parts, estimator, fold, validator = data_and_task
    return fit_and_score(estimator, DomainData(*parts), fold, validator)


@contextmanager
def _shipped_once(data: DomainData) -> Iterator[None]:
    """Put the data on every worker of Dask inside the with block, if joblib runs on it.

    joblib itself would put the data on one worker, and would lose them with this worker. Its option
    ``scatter`` names the data by their content: Dask may have forgotten them in a later search.
    """
    outer = get_active_backend()[0]
    if type(outer).__name__ != "DaskDistributedBackend":
        yield
        return
    options = {"client": outer.client, "wait_for_workers_timeout": outer.wait_for_workers_timeout}
    with parallel_config("dask", **options, **outer.submit_kwargs):
        parts = [part for part in data if part is not None]
        futures = outer.client.scatter(parts, broadcast=True, hash=False)
        get_active_backend()[0].data_futures = dict(zip(map(id, parts), futures, strict=True))
        yield
