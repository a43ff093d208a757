"""Which of several methods a rule chooses that sees no target label."""

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from skda import FinetuneClassifier, make_pipeline
from skda.model_selection import compute_validator

from ..harness.markdown import table
from ..harness.methods import ADAPTING, SOURCE_ONLY, shipped
from ..harness.results import Key, Results, Run
from ..harness.runner import Plan, Task
from ..harness.runs import network
from ..harness.search_internals import (
    AGREEMENT,
    DomainData,
    DomainFold,
    agreement_with_mean,
    fit_on,
    held_out,
    mean_z_score,
    split_domains,
    training_part,
)
from ..harness.shifts import Shift

N_FOLDS = 3
CANDIDATES = {
    SOURCE_ONLY: FinetuneClassifier,
    **{name: ADAPTING[name] for name in ("DAN", "DeepCORAL", "DANN", "CDAN", "MCC", "MDD")},
}
# what a judgement depends on
SETTINGS = "; ".join(
    f"{name}: {shipped(cls)}" if name in ADAPTING else name for name, cls in CANDIDATES.items()
)
VALIDATORS = ("infomax", "class_ami", "entropy", "snd")


class Rule(NamedTuple):
    """The mean over validators and folds of z-scores over the candidates."""

    name: str
    validators: Sequence[str]


RULES = [
    Rule("chosen without labels", (AGREEMENT, "infomax", "class_ami")),
    Rule("chosen without labels, cautiously", ("class_ami", "entropy", "snd")),
]
CHOSEN, CAUTIOUS = (rule.name for rule in RULES)


def judge_candidates(data: Shift, seed: int) -> dict[str, float]:
    """Train every candidate on folds of both domains; return its scores on the held-out rows."""
    scaler = make_pipeline(*data.steps, StandardScaler())
    rows = DomainData(
        scaler.fit_transform(data.X_source), data.y_source, scaler.transform(data.X_target)
    )
    folds = split_domains(N_FOLDS, rows.X_source, rows.y_source, rows.X_target, seed)
    scores = {}
    for i, fold in enumerate(folds):
        for (candidate, validator), score in judge_in_fold(data, rows, fold, seed).items():
            scores[label(candidate, validator, i)] = score
    return scores


def judge_in_fold(
    data: Shift, rows: DomainData, fold: DomainFold, seed: int
) -> dict[tuple[str, str], float]:
    scores, probabilities = {}, []
    for name, estimator in CANDIDATES.items():
        fitted = fit_on(network(estimator, data, seed), training_part(rows, fold))
        seen = held_out(fitted, rows, fold)
        probabilities.append(seen.proba_target)
        for validator in VALIDATORS:
            scores[name, validator] = compute_validator(validator, seen)
    for name, share in zip(CANDIDATES, agreement_with_mean(probabilities), strict=True):
        scores[name, AGREEMENT] = float(share)
    return scores


def label(candidate: str, validator: str, fold: int) -> str:
    return f"{candidate}: {validator}, fold {fold}"


LABELS = [label(*each) for each in product(CANDIDATES, (AGREEMENT, *VALIDATORS), range(N_FOLDS))]


class Choices:
    """The judgements of all candidates on all tasks of a plan, in a file beside the scores."""

    def __init__(self, todo: Plan) -> None:
        self.todo = todo
        self.judgements = Results(todo.file("_choices.csv"))

    def _key(self, task: Task, seed: int, name: str) -> Key:
        parts = ["quick" if self.todo.quick else "", task.settings, SETTINGS]
        return Key(task.name, name, seed, "; ".join(filter(None, parts)))

    def run(self) -> None:
        """Do the judgements that are missing."""
        for seed, task in product(self.todo.seeds, self.todo.tasks):
            if all(self._key(task, seed, name) in self.judgements.runs for name in LABELS):
                continue
            start = time.perf_counter()
            scores = judge_candidates(task.load(self.todo.quick)(seed), seed)
            seconds = (time.perf_counter() - start) / len(LABELS)
            for name in LABELS:
                self.judgements.add(self._key(task, seed, name), Run(scores[name], seconds))
            names = [self.chosen(task, seed, rule.validators) for rule in RULES]
            print(f"{task.name:16} seed {seed}: chosen {', '.join(names)}", flush=True)

    def chosen(self, task: Task, seed: int, validators: Iterable[str]) -> str:
        """Return the name of the candidate that a rule prefers, the first one of a tie."""
        scores = mean_z_score({name: self._scores(task, seed, name) for name in validators})
        return list(CANDIDATES)[int(scores.mean(axis=1).argmax())]

    def _scores(self, task: Task, seed: int, validator: str) -> NDArray:
        """Return scores of shape (n_candidates, n_folds)."""
        return np.array(
            [
                [
                    self.judgements.runs[
                        self._key(task, seed, label(candidate, validator, i))
                    ].score
                    for i in range(N_FOLDS)
                ]
                for candidate in CANDIDATES
            ]
        )

    def seconds(self, task: Task, seed: int) -> float:
        """Return how long the judgements of all candidates took."""
        return sum(self.judgements.runs[self._key(task, seed, name)].seconds for name in LABELS)

    def runs(
        self, runs: Mapping[tuple[str, str], Sequence[Run]]
    ) -> dict[tuple[str, str], list[Run]]:
        """Return the runs that the rules choose from those of the candidates."""
        return {
            (task.name, rule.name): [
                self._chosen_run(task, rule, runs, i) for i in range(len(self.todo.seeds))
            ]
            for task in self.todo.tasks
            for rule in RULES
            if all((task.name, candidate) in runs for candidate in CANDIDATES)
        }

    def _chosen_run(
        self, task: Task, rule: Rule, runs: Mapping[tuple[str, str], Sequence[Run]], i: int
    ) -> Run:
        seed = self.todo.seeds[i]
        run = runs[task.name, self.chosen(task, seed, rule.validators)][i]
        return Run(run.score, run.seconds + self.seconds(task, seed))

    def table(self) -> str:
        """Return a table of the chosen methods for each task, one name for each seed."""
        rows = []
        for task in self.todo.tasks:
            cells = [
                ", ".join(self.chosen(task, seed, rule.validators) for seed in self.todo.seeds)
                for rule in RULES
            ]
            rows.append([task.name, *cells])
        return table(["task", *(rule.name for rule in RULES)], rows, "l", spaced=True)
