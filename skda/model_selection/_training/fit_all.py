"""Train and score all candidates in all folds, together or one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
from .._typing import Candidate, Validator
from .fit_and_score import CandidateResults, DomainData, FoldResult, fit_and_score, seeded
from .store import ResultStore
from .vectorized import fit_and_score_together

Task = tuple[BaseEstimator, DomainFold, Validator]


class AllResults(NamedTuple):
    """What the trainings of a search gave.

    Attributes
    ----------
    of_candidates : list of list of FoldResult
        One list of folds for each candidate.
    reason : str
        Why they were not trained together; empty if they were.
    interrupt : KeyboardInterrupt or None
        What ended the search early; the results are then those of the finished candidates.
    """

    of_candidates: CandidateResults
    reason: str
    interrupt: KeyboardInterrupt | None = None


def fit_all(
    estimator: BaseEstimator,
    candidates: Sequence[Candidate],
    data: DomainData,
    folds: Sequence[DomainFold],
    seeds: Sequence[int],
    validator: Validator,
    lam_name: str,
    *,
    vectorize: bool | str,
    n_jobs: int | None,
    verbose: int,
    store: ResultStore | None = None,
) -> AllResults:
    """Train and score every candidate in every fold, as one stacked network if possible.

    Parameters
    ----------
    estimator : estimator
    candidates : sequence of dict
        Parameters of each.
    data : DomainData
    folds : sequence of DomainFold
    seeds : sequence of int
        Seed of the trainings of each fold.
    validator : str, sequence of str or callable
    lam_name : str
        Name of the trade-off weight.
    vectorize, n_jobs, verbose
        As of `LambdaSearchCV`.
    store : ResultStore or None
        Has the results of an earlier run of this search, and gets those of this one.

    Returns
    -------
    AllResults

    Raises
    ------
    ValueError
        If `vectorize` is True and they cannot be trained together.
    KeyboardInterrupt
        After Ctrl-C before a candidate was finished. Those trained together finish together.
    """

    def progress() -> Progress:
        n_trainings = len(candidates) * len(folds)
        return Progress(n_trainings, bool(verbose), "LambdaSearchCV", "trainings")

    places = list(product(range(len(candidates)), range(len(folds))))
    found = {} if store is None else store.load(places)
    if len(found) == len(places):
        stored = _of_candidates([found[place] for place in places], len(folds))
        return AllResults(stored, "all results were there already")
    reason = "vectorize=False"
    if vectorize is not False:
        try:
            with progress() as bar:
                together = fit_and_score_together(
                    estimator,
                    candidates,
                    data,
                    folds,
                    seeds,
                    validator,
                    lam_name,
                    of_any_size=vectorize is True,
                    advance=bar.advance,
                )
            if store is not None:
                for i, j in places:
                    store.put(i, j, together[i][j])
            return AllResults(together, "")
        except UnstackableError as error:
            if vectorize is True:
                raise ValueError(f"vectorize=True is not possible: {error}.") from error
            reason = str(error)
    tasks = (
        (seeded(estimator, seeds[j], candidates[i], data.n_source), folds[j], validator)
        for i, j in places
        if (i, j) not in found
    )
    done: list[FoldResult] = []
    try:
        with progress() as bar:
            results = _run(tasks, data, n_jobs)
            bar.advance(0)
            for place in places:
                if place not in found:
                    found[place] = next(results)
                    if store is not None:
                        store.put(*place, found[place])
                done.append(found[place])
                bar.advance(1)
    except KeyboardInterrupt as interrupt:
        finished = _of_candidates(done, len(folds))
        if not finished:
            raise
        return AllResults(finished, "interrupted", interrupt)
    return AllResults(_of_candidates(done, len(folds)), reason)


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
    """Put the data together again: joblib's backends recognise arguments, not parts of them."""
    *parts, estimator, fold, validator = data_and_task
    return fit_and_score(estimator, DomainData(*parts), fold, validator)


@contextmanager
def _shipped_once(data: DomainData) -> Iterator[None]:
    """Put the data on every worker of Dask inside the with block, if joblib runs on it.

    joblib itself would put them on one worker, and with this one they would be lost. Its option
    ``scatter`` names them by their content, so that a later search may find them forgotten.
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
