"""Which candidate a rule would have chosen, and what that costs.

A rule sees the scores of the validators in all folds and the decisions of the guard, never a target
label. Errors are root mean squared errors on the target, after training on all rows, in standard
deviations of the source's labels.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..harness.rows import Row
from ..harness.search_internals import mean_z_score
from .search import N_FOLDS, VALIDATORS
from .tasks import TASKS

TIE = 1e-6
LARGEST_SUBSET = 3


class Search(NamedTuple):
    """The candidates of one search, lam = 0 first."""

    task: str
    method: str
    seed: int
    grid: str
    lams: NDArray
    z_scores: dict[str, NDArray]
    accepted: NDArray
    errors: NDArray

    @property
    def looked_at(self) -> bool:
        """Whether the default was chosen with this task in view."""
        return TASKS[self.task].looked_at


def searches(rows: Iterable[Row]) -> list[Search]:
    """Gather the rows of each search, in the order of the tasks."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = row["task"], row["method"], int(row["seed"]), row["grid"]
        groups.setdefault(key, []).append(row)
    order = list(TASKS)
    keys = sorted(groups, key=lambda key: (order.index(key[0]), *key[1:]))
    return [_search(key, groups[key]) for key in keys]


def _search(key: tuple[Any, ...], rows: list[Row]) -> Search:
    rows = sorted(rows, key=lambda row: row["lam"])
    scores = {
        name: np.array([[row[f"{name}_{k}"] for k in range(N_FOLDS)] for row in rows])
        for name in VALIDATORS
    }
    z_scores = {name: mean_z_score({name: values}) for name, values in scores.items()}
    lams, accepted, error, scale = (
        np.array([row[name] for row in rows]) for name in ("lam", "accepted", "error", "scale")
    )
    return Search(*key, lams, z_scores, accepted > 0, error / scale)


class Rule(NamedTuple):
    """Validators whose mean z-score is maximal, with the guard or without."""

    names: Sequence[str]
    guard: bool = True

    def __str__(self) -> str:
        return " + ".join(self.names) + ("" if self.guard else ", no guard")

    def choose(self, search: Search) -> int:
        """Return the index of the chosen candidate; of a tie, the smallest lam."""
        scores = np.mean([search.z_scores[name] for name in self.names], axis=0).mean(axis=1)
        if self.guard:
            scores = np.where(search.accepted, scores, -np.inf)
        return int(np.flatnonzero(scores >= scores.max() - TIE)[0])


def all_rules() -> list[Rule]:
    """Return every subset of up to three validators, with the guard, and each one without."""
    sizes = range(1, LARGEST_SUBSET + 1)
    subsets = [subset for size in sizes for subset in combinations(VALIDATORS, size)]
    return [Rule(names) for names in subsets] + [Rule((name,), guard=False) for name in VALIDATORS]


class Outcome(NamedTuple):
    """The errors in each search of the chosen candidate, of the best one, and of lam = 0."""

    chosen: NDArray
    best: NDArray
    plain: NDArray
    adapts: NDArray

    @property
    def regret(self) -> NDArray:
        """Error of the chosen candidate less that of the best."""
        return self.chosen - self.best

    @property
    def loss(self) -> NDArray:
        """Error of the chosen candidate as a multiple of that of source-only, less 1."""
        return self.chosen / self.plain - 1


def outcome(choose: Callable[[Search], int], found: Sequence[Search]) -> Outcome:
    """Apply a rule to searches."""
    chosen = [choose(search) for search in found]
    return Outcome(
        np.array([search.errors[i] for search, i in zip(found, chosen, strict=True)]),
        np.array([search.errors.min() for search in found]),
        np.array([search.errors[0] for search in found]),
        np.array([search.lams[i] > 0 for search, i in zip(found, chosen, strict=True)]),
    )
