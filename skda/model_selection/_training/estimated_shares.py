"""The shares of the target's classes, estimated once for all trainings of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._typing import Candidate
from .candidates import shares_asked_for
from .fit_all import AllResults, fit_all
from .fit_and_score import Plan
from .pooled_shares import can_tell_shares, pooled_shares
from .store import ResultStore

__all__ = ["fit_candidates"]


def fit_candidates(
    plan: Plan, *, store: ResultStore | None = None, **options: Any
) -> tuple[AllResults, list[Candidate]]:
    """Train and score all candidates; where shares are to be estimated, estimate them once for all.

    A training by itself estimates the shares from a quarter of its source rows. In a search, each
    fold would have shares of its own, and the training on all rows shares that no fold tried. The
    models of lam 0 would use the estimate as well: where it is wrong, the search would have no
    source-only model to fall back on, or to compare the others with.

    So lam 0 trains without shares. The errors of its models on held-out source rows give one
    estimate, with which the other lams train; the guard decides whether to believe the estimate.

    Returns
    -------
    tuple of AllResults and list of dict
        The results, and the parameters that each candidate was trained with; after an interrupt
        those of the first candidates.
    """
    name, asked = shares_asked_for(plan.estimator, plan.candidates, plan.lam_name)
    estimates = [i for i, v in enumerate(asked) if isinstance(v, str) and v == "estimate"]
    used = [dict(candidate) for candidate in plan.candidates]
    if not estimates:
        found = fit_all(plan, store=store, **options)
        return found, used[: len(found.of_candidates)]

    def train(those: Sequence[int]) -> AllResults:
        kept = None if store is None else store.of(those)
        return fit_all(plan._replace(candidates=[used[i] for i in those]), store=kept, **options)

    plain = [i for i in estimates if plan.candidates[i][plan.lam_name] == 0]
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
        others = [i for i in range(len(used)) if i not in plain]
        try:
            found = train(others) if others else found
        except KeyboardInterrupt as interrupt:
            found = AllResults([], "interrupted", interrupt)
        done |= dict(zip(others, found.of_candidates, strict=False))
    first = next((i for i in range(len(used)) if i not in done), len(used))
    return found._replace(of_candidates=[done[i] for i in range(first)]), used[:first]
