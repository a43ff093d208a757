"""Which lam a rule would have chosen, and what that costs.

A rule sees the scores of the validators in all folds and the decisions of the guard, never a target
label. Its regret in a search is the target accuracy of the best lam of the grid less that of the
chosen lam, both after a refit on all rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ..harness.rows import Row
from ..harness.search_internals import (
    GUARD_OPTIONS,
    LEAST_ENTROPY_RATIO,
    OnTarget,
    is_unstable,
    is_unsure,
    most_are_rejected,
)
from .search import METHODS

VALIDATORS = (
    "a_distance",
    "agreement",
    "class_ami",
    "dev",
    "entropy",
    "infomax",
    "iwv",
    "mixval",
    "nuclear_norm",
    "snd",
    "source_accuracy",
    "stability",
)
# no validator, but part of the guard
KAPPA = "kappa"
ENTROPY_RATIO = "entropy_ratio"
# accuracy of the models of the folds on held-out target rows, which no user has
TARGET_LABELS = "labels"
# Scores that differ by rounding alone are a tie, and the smaller lam wins it.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Search:
    """One search: a task, a method and a seed. Lams grow from 0 along the first axis."""

    task: str
    method: str
    seed: int
    lams: NDArray
    default: int
    scores: Mapping[str, NDArray]
    accepted: NDArray
    target: NDArray

    @cached_property
    def scaled(self) -> dict[str, dict[str, NDArray]]:
        """Each validator's scores by scale, scaled over the lams of a fold, as means over folds."""
        return {
            scale: {name: scaling(values).mean(axis=1) for name, values in self.scores.items()}
            for scale, scaling in SCALES.items()
        }


def searches(rows: Iterable[Row], defaults: Mapping[str, float]) -> list[Search]:
    """Gather the rows of each search; `defaults` is the shipped lam of each method."""
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["task"], row["method"], int(row["seed"])), []).append(row)
    return [_search(*key, group, defaults[key[1]]) for key, group in groups.items()]


def _search(task: str, method: str, seed: int, rows: list[Row], default: float) -> Search:
    rows = sorted(rows, key=lambda row: row["lam"])

    def column(name: str) -> NDArray:
        return np.array([row[name] for row in rows])

    lams = column("lam")
    folds = range(sum(name.startswith(f"{TARGET_LABELS}_") for name in rows[0]))
    scores = {
        name: np.stack([column(f"{name}_{i}") for i in folds], axis=1)
        for name in (*VALIDATORS, KAPPA, ENTROPY_RATIO, TARGET_LABELS)
    }
    means = {name: values.mean(axis=1) for name, values in scores.items()}
    entropy = -means["entropy"] / np.log(rows[0]["n_classes"])
    found = OnTarget(means["stability"], means[KAPPA], entropy)
    return Search(
        task,
        method,
        seed,
        lams,
        int(np.abs(lams - default).argmin()),
        scores,
        (column("accepted") > 0)
        & ~rejected_on_target(found, means[ENTROPY_RATIO][0], METHODS[method].sharpens)
        & ((lams == 0) | (column("shares_plausible") == 0)),
        column("target_accuracy"),
    )


def rejected_on_target(found: OnTarget, entropy_ratio: float, sharpens: bool) -> NDArray:
    """Return which candidates the search rejects for their predictions of the target's rows.

    `entropy_ratio` belongs to the classes that the first candidate, source-only, predicts;
    `sharpens` says whether the loss of the method makes predictions surer.
    """
    stability_tolerance, entropy_tolerance, _ = GUARD_OPTIONS.values()
    source_only = found.take(0)
    if entropy_ratio < LEAST_ENTROPY_RATIO:
        source_only = source_only._replace(entropy=np.asarray(np.inf))
    unsure = is_unsure(found, source_only, entropy_tolerance, stability_tolerance)
    rejected = is_unstable(found, source_only, stability_tolerance) | unsure
    if sharpens:
        rejected[1:] = np.logical_or.accumulate(rejected[1:])
    rejected[1:] |= most_are_rejected(rejected[1:])
    return rejected


Scoring = Callable[[Search], NDArray]


class Rule(NamedTuple):
    """A name and the index of the lam that is chosen."""

    name: str
    choose: Callable[[Search], int]


def z_scores(values: NDArray) -> NDArray:
    spread = values.std(axis=0)
    centred: NDArray = values - values.mean(axis=0)
    return centred / np.where(spread > TOLERANCE, spread, 1.0)


def ranks(values: NDArray) -> NDArray:
    return np.asarray(rankdata(values.round(6), axis=0))


SCALES = {"z": z_scores, "rank": ranks}


def fold_mean(name: str) -> Scoring:
    return lambda search: search.scores[name].mean(axis=1)


def mean_of(names: Sequence[str], scale: str = "z") -> Scoring:
    """Scale each validator over the candidates of a fold; average over validators and folds."""

    def score(search: Search) -> NDArray:
        return np.mean([search.scaled[scale][name] for name in names], axis=0)

    return score


def best_of(scoring: Scoring, *, guard: bool = True) -> Callable[[Search], int]:
    """Choose the best score among the accepted lams; the smallest lam wins a tie."""

    def choose(search: Search) -> int:
        scores = scoring(search)
        if guard:
            scores = np.where(search.accepted, scores, -np.inf)
        return int(np.flatnonzero(scores >= scores.max() - TOLERANCE)[0])

    return choose


def default_if_accepted(search: Search) -> int:
    return search.default if search.accepted[search.default] else 0


@dataclass(frozen=True)
class Outcome:
    """What a rule chose in every search; accuracies in points."""

    searches: Sequence[Search]
    chosen: NDArray

    def _target(self, chosen: Iterable[int]) -> NDArray:
        pairs = zip(self.searches, chosen, strict=True)
        return 100 * np.array([search.target[i] for search, i in pairs])

    @cached_property
    def accuracy(self) -> NDArray:
        return self._target(self.chosen)

    @cached_property
    def oracle(self) -> NDArray:
        return self._target(int(search.target.argmax()) for search in self.searches)

    @cached_property
    def source_only(self) -> NDArray:
        return self._target(0 for _ in self.searches)

    @cached_property
    def steady_oracle(self) -> NDArray:
        """Accuracy of the lam that is best for the mean over the seeds of a task and method."""
        curves: dict[tuple[str, str], list[NDArray]] = {}
        for search in self.searches:
            curves.setdefault((search.task, search.method), []).append(search.target)
        best = {key: int(np.mean(group, axis=0).argmax()) for key, group in curves.items()}
        return self._target(best[search.task, search.method] for search in self.searches)

    @property
    def regret(self) -> NDArray:
        return self.oracle - self.accuracy

    @property
    def loss(self) -> NDArray:
        """How far the accuracy is below source-only; negative where adapting helped."""
        return self.source_only - self.accuracy

    @property
    def never_adapted(self) -> float:
        return float((self.chosen == 0).mean())

    def means(self, values: NDArray, *keys: str) -> dict[tuple[Any, ...], float]:
        """Average over the searches that agree in these attributes."""
        groups: dict[tuple[Any, ...], list[float]] = {}
        for search, value in zip(self.searches, values, strict=True):
            groups.setdefault(tuple(getattr(search, key) for key in keys), []).append(value)
        return {key: float(np.mean(group)) for key, group in groups.items()}

    def worst(self, values: NDArray, *keys: str) -> float:
        return max(self.means(values, *keys).values())


def apply(rule: Rule, found: Sequence[Search]) -> Outcome:
    return Outcome(found, np.array([rule.choose(search) for search in found]))


def apply_over_seeds(rule: Rule, found: Sequence[Search]) -> Outcome:
    """Let the folds of all seeds of a task and method choose one lam for all of them."""
    chosen = {}
    for task, method in dict.fromkeys((each.task, each.method) for each in found):
        same = [each for each in found if (each.task, each.method) == (task, method)]
        scores = {
            name: np.concatenate([each.scores[name] for each in same], axis=1)
            for name in same[0].scores
        }
        accepted = np.all([each.accepted for each in same], axis=0)
        chosen[task, method] = rule.choose(replace(same[0], scores=scores, accepted=accepted))
    return Outcome(found, np.array([chosen[each.task, each.method] for each in found]))


def rule_pool(names: Sequence[str], largest: int) -> list[Rule]:
    """Return every rule that was tried: up to `largest` validators, scaled in two ways."""
    return [
        Rule(f"{scale}: {' + '.join(subset)}", best_of(mean_of(subset, scale)))
        for size in range(1, largest + 1)
        for subset in combinations(names, size)
        for scale in SCALES
    ]


def chosen_on_other_tasks(
    outcomes: Mapping[str, Outcome], found: Sequence[Search], most_loss: float
) -> tuple[Outcome, dict[str, str]]:
    """Apply to each task the rule that was best on the other tasks; return its names, too.

    The best rule has the least mean regret among the rules that are on no other task more than
    `most_loss` points below source-only, or among all rules if there is no such rule.
    """
    regrets = {name: outcome.means(outcome.regret, "task") for name, outcome in outcomes.items()}
    losses = {name: outcome.means(outcome.loss, "task") for name, outcome in outcomes.items()}
    chosen, names = np.zeros(len(found), dtype=int), {}
    for task in dict.fromkeys(search.task for search in found):

        def standing(rule: str, left_out: str = task) -> tuple[bool, float]:
            loss = max(v for (name,), v in losses[rule].items() if name != left_out)
            regret = np.mean([v for (name,), v in regrets[rule].items() if name != left_out])
            return loss > most_loss, float(regret)

        winner = min(outcomes, key=standing)
        names[task] = winner
        here = np.array([search.task == task for search in found])
        chosen[here] = outcomes[winner].chosen[here]
    return Outcome(found, chosen), names
