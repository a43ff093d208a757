"""Tasks with labels of a few target rows of each class."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from skda import DANClassifier, FinetuneClassifier, make_pipeline

from . import small_tasks as small
from .matrix import Matrix
from .methods import ADAPTING, SOURCE_ONLY
from .runner import Method, Task
from .search_internals import own_stream, take_rows
from .small_tasks import TASKS, Sample, few_rows

COUNTS = (1, 3, 10)
ONLY, STAGED, BESIDE = "few labels only", "source, then few labels", "source and few labels"
BLIND, BY_ROW = ", no labels", ", by row"


class Rows(Protocol):
    """Rows of each seed, with labels of a few target rows, and how networks train on them."""

    params: dict[str, Any]
    steps: Sequence[Any]

    def draw(self, seed: int) -> tuple[Sample, np.ndarray]:
        """Return the rows, and labels of the target that are -1 except for a few of each class."""


def label_few(y_target: np.ndarray, n_labels: int, seed: int) -> np.ndarray:
    """Return the labels of `n_labels` rows of each class, and -1 for the other rows."""
    rng = own_stream(seed, "few labels, which rows")
    few = np.full(len(y_target), -1)
    for label in np.unique(y_target):
        rows = rng.permutation(np.flatnonzero(y_target == label))[:n_labels]
        few[rows] = label
    return few


class FewLabels:
    """The rows of a seed, with labels of a few target rows, and how networks train on them."""

    def __init__(self, task: small.Task, n_labels: int, quick: bool) -> None:
        self.task, self.n_labels = few_rows(task) if quick else task, n_labels
        self.loaded, self.params, self.steps = task.load(), dict(self.task.params), task.steps

    def draw(self, seed: int) -> tuple[Sample, np.ndarray]:
        """Return the rows, and labels of the target that are -1 except for a few of each class."""
        sample = small.draw(self.task, self.loaded, seed)
        return sample, label_few(sample.y_target, self.n_labels, seed)


def columns_of(names: Sequence[str]) -> dict[int, list[str]]:
    """Return the names of the tasks with each number of labels."""
    return {n: [f"{name}, {n}" for name in names] for n in COUNTS}


def a_class(n: int) -> str:
    return f"{n} label{'s' if n > 1 else ''} a class"


def few_labels_matrix(
    title: str,
    names: Sequence[str],
    load: Callable[[str, int, bool], Rows],
    methods: Sequence[Method],
    out: Path,
    *,
    score_name: str = "accuracy",
    **options: Any,
) -> Matrix:
    """Return the benchmark of tasks with 1, 3 and 10 labels of each class."""
    columns = columns_of(names)
    tasks = [
        Task(f"{name}, {n}", partial(load, name, n), score_name, f"{n} labels a class")
        for n in COUNTS
        for name in names
    ]
    groups = {a_class(n): columns[n] for n in COUNTS}

    def has_run(task: Task, method: Method) -> bool:
        return BLIND not in method.name or task.name in columns[1]

    return Matrix(title, tasks, methods, out, has_run=has_run, groups=groups, **options)


def load(name: str, n_labels: int, quick: bool) -> FewLabels:
    return FewLabels(TASKS[name], n_labels, quick)


def run(estimator: type, labels: bool, rows: Rows, seed: int, **params: Any) -> float:
    """Return the accuracy on the target's test rows, trained with or without the few labels."""
    sample, few = rows.draw(seed)
    data = sample.train
    clf = estimator(random_state=seed, device="cpu", **rows.params, **params)
    of_target = {"y_target": few} if labels else {}
    pipe = make_pipeline(*rows.steps, clf)
    pipe.fit(data.X_source, data.y_source, X_target=data.X_target, **of_target)
    return float(pipe.score(sample.X_test, sample.y_test))


def run_of(estimator: type, labels: bool = True, **params: Any) -> Callable[[Rows, int], float]:
    return partial(run, estimator, labels, **params)


def run_alone(rows: Rows, seed: int) -> float:
    """Train on the labelled target rows alone, for as many steps as on the source."""
    sample, few = rows.draw(seed)
    found = np.flatnonzero(few >= 0)
    steps_of_source, steps = (math.ceil(n / 64) for n in (len(sample.train.y_source), len(found)))
    epochs = rows.params["max_epochs"] * math.ceil(steps_of_source / steps)
    params = {**rows.params, "max_epochs": epochs}
    clf = FinetuneClassifier(random_state=seed, device="cpu", **params)
    clf.fit(take_rows(sample.train.X_target, found), few[found])
    return float(clf.score(sample.X_test, sample.y_test))


REFERENCES = [
    Method(ONLY, run_alone),
    Method(SOURCE_ONLY, run_of(FinetuneClassifier, labels=False)),
    Method(STAGED, run_of(FinetuneClassifier)),
    Method(BESIDE, run_of(DANClassifier, lam=0)),
    *(Method(f"{name}{BLIND}", run_of(ADAPTING[name], labels=False)) for name in ("DANN", "MCC")),
]
