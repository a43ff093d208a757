"""The shares of the target's classes, estimated once for all trainings of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sklearn.base import BaseEstimator

from .._split import DomainFold
from .._typing import Candidate, Validator
from .candidates import shares_asked_for
from .fit_all import AllResults, fit_all
from .fit_and_score import DomainData
from .pooled_shares import can_tell_shares, pooled_shares
from .store import ResultStore

__all__ = ["fit_candidates"]

ESTIMATE = "estimate"


def fit_candidates(
    estimator: BaseEstimator,
    candidates: Sequence[Candidate],
    data: DomainData,
    folds: Sequence[DomainFold],
    seeds: Sequence[int],
    validator: Validator,
    lam_name: str,
    *,
    store: ResultStore | None = None,
    **options: Any,
) -> tuple[AllResults, list[Candidate]]:
    """Train and score all candidates; where shares are to be estimated, do it once for all.

    A training by itself estimates the shares from a quarter of its source rows. In a search each
    fold would have shares of its own, and the training on all rows shares that no fold tried. Lam 0
    would be no source-only model, but one that is wrong where the estimate is: nothing to fall back
    on, and nothing to judge the others by.

    So lam 0 trains without shares. The errors of its models on the source rows that they did not
    see give one estimate, with which the other lams train; the guard says whether to believe it.

    Parameters
    ----------
    estimator, candidates, data, folds, seeds, validator, lam_name, store, **options
        As of `fit_all`.

    Returns
    -------
    tuple of AllResults and list of dict
        The results, and the parameters that each candidate was trained with; after an interrupt
        those of the first candidates.
    """
    name, asked = shares_asked_for(estimator, candidates, lam_name)
    estimates = [i for i, value in enumerate(asked) if isinstance(value, str) and value == ESTIMATE]
    used = [dict(candidate) for candidate in candidates]
    given = data, folds, seeds, validator, lam_name
    if not estimates:
        found = fit_all(estimator, candidates, *given, store=store, **options)
        return found, used[: len(found.of_candidates)]

    def train(those: Sequence[int]) -> AllResults:
        kept = None if store is None else store.of(those)
        return fit_all(estimator, [used[i] for i in those], *given, store=kept, **options)

    plain = [i for i in estimates if candidates[i][lam_name] == 0]
    for i in plain:
        used[i][name] = None
    found = train(plain)
    done = dict(zip(plain, found.of_candidates, strict=False))
    if found.interrupt is None:
        latest = 0
        for i in estimates:  # of each point of the grid, lam 0 comes first
            latest = i if i in plain else latest
            told = i not in plain and can_tell_shares(done[latest])
            used[i][name] = tuple(pooled_shares(done[latest]).tolist()) if told else None
        others = [i for i in range(len(candidates)) if i not in plain]
        try:
            found = train(others) if others else found
        except KeyboardInterrupt as interrupt:
            found = AllResults([], "interrupted", interrupt)
        done |= dict(zip(others, found.of_candidates, strict=False))
    first = next((i for i in range(len(candidates)) if i not in done), len(candidates))
    return found._replace(of_candidates=[done[i] for i in range(first)]), used[:first]
