"""The shares of the target's classes, estimated once for all trainings of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..._inputs.target_priors import mixed_with_source
from ...priors import bbse_priors
from ...priors._bbse import source_shares
from .._split import DomainFold
from .._typing import Candidate, Labels, Validator
from .candidates import shares_asked_for
from .fit_all import AllResults, fit_all
from .fit_and_score import DomainData, FoldResult
from .store import ResultStore

__all__ = ["fit_candidates", "pooled_shares"]


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
    see give one estimate, with which the other lams train.

    Parameters
    ----------
    estimator, candidates, data, folds, seeds, validator, lam_name, store, **options
        As of `fit_all`.

    Returns
    -------
    tuple of AllResults and list of dict
        The results, and the parameters that each candidate was trained with. After an interrupt
        the results are those of the first candidates.
    """
    name, asked = shares_asked_for(estimator, candidates, lam_name)
    estimates = [i for i, value in enumerate(asked) if isinstance(value, str)]
    used = [dict(candidate) for candidate in candidates]
    given = data, folds, seeds, validator, lam_name
    if not estimates:
        return fit_all(estimator, candidates, *given, store=store, **options), used

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
            shares = pooled_shares(done[latest], data.y_source)
            if i not in plain and shares:
                used[i][name] = shares
        others = [i for i in range(len(candidates)) if i not in plain]
        try:
            found = train(others) if others else found
        except KeyboardInterrupt as interrupt:
            found = AllResults([], "interrupted", interrupt)
        done |= dict(zip(others, found.of_candidates, strict=False))
    first = next((i for i in range(len(candidates)) if i not in done), len(candidates))
    return found._replace(of_candidates=[done[i] for i in range(first)]), used


def pooled_shares(source_only: Sequence[FoldResult], y_source: Labels) -> tuple[float, ...]:
    """Return the shares of the classes in the target (BBSE); empty if the models cannot tell.

    Parameters
    ----------
    source_only : sequence of FoldResult
        Of lam 0, one for each fold.
    y_source : ndarray of shape (n_source,)

    Returns
    -------
    tuple of float
        In the order of the sorted labels.
    """
    classes = np.unique(y_source)
    held_out = np.concatenate([result.y_source for result in source_only])
    if len(np.unique(held_out)) < len(classes) or any(
        result.n_classes != len(classes) for result in source_only
    ):
        return ()  # a training diverged, or the rows of a fold lack a class
    proba, of_target = (
        np.concatenate([getattr(result, part) for result in source_only])
        for part in ("proba_source", "proba_target")
    )
    shares = bbse_priors(proba, held_out, of_target, classes=classes)
    return tuple(mixed_with_source(shares, source_shares(y_source)).tolist())
