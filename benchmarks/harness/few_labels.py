"""Tasks in whose target a few rows of each class are labelled."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from skda import make_pipeline

from . import small_tasks as small
from .search_internals import own_stream
from .small_tasks import TASKS, Sample

__all__ = ["COUNTS", "FewLabels", "load", "run_of"]

COUNTS = (1, 3, 10)


class FewLabels:
    """The rows of a seed, a few target rows labelled, and how networks train on them."""

    def __init__(self, task: small.Task, n_labels: int, quick: bool) -> None:
        self.params, self.n_labels = dict(task.params), n_labels
        if quick:
            task = small.Task(task.load, 120, 100, task.params, task.steps)
            self.params["max_epochs"] = 1
        self.task, self.loaded = task, task.load()

    def draw(self, seed: int) -> tuple[Sample, np.ndarray]:
        """Return the rows and the labels of the target, -1 but for a few of each class."""
        sample = small.draw(self.task, self.loaded, seed)
        rng = own_stream(seed, "few labels, which rows")
        few = np.full(len(sample.y_target), -1)
        for label in np.unique(sample.y_target):
            rows = rng.permutation(np.flatnonzero(sample.y_target == label))[: self.n_labels]
            few[rows] = label
        return sample, few


def load(name: str, n_labels: int, quick: bool) -> FewLabels:
    return FewLabels(TASKS[name], n_labels, quick)


def run(estimator: type, labels: bool, rows: FewLabels, seed: int, **params: Any) -> float:
    """Return the accuracy on the target's test rows, trained with or without the few labels."""
    sample, few = rows.draw(seed)
    data = sample.train
    clf = estimator(random_state=seed, device="cpu", **rows.params, **params)
    of_target = {"y_target": few} if labels else {}
    pipe = make_pipeline(*rows.task.steps, clf)
    pipe.fit(data.X_source, data.y_source, X_target=data.X_target, **of_target)
    return float(pipe.score(sample.X_test, sample.y_test))


def run_of(
    estimator: type, labels: bool = True, **params: Any
) -> Callable[[FewLabels, int], float]:
    return partial(run, estimator, labels, **params)
