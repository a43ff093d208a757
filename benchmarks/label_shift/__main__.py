"""Other class shares in the target: the loss by adapting, and the gain from known shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from skda import FinetuneClassifier

from ..harness import matrix
from ..harness import small_tasks as small
from ..harness.goals import Goal, Means, least
from ..harness.matrix import Matrix
from ..harness.methods import ADAPTING, SOURCE_ONLY
from ..harness.runner import Method, Task
from ..harness.small_tasks import STRESS_TASKS, TASKS, Sample
from ..harness.stress_tasks import MORE_STRESS_TASKS

NAMES = ("DANN", "DAN", "MCC", "DeepCORAL")
KNOWN, ESTIMATED = ", known shares", ", estimated shares"


SHIFTED = {**STRESS_TASKS, **MORE_STRESS_TASKS}
USUAL = {
    name: TASKS[name]
    for name in ("moons", "MNIST→USPS", "gas 1→6", "phone→watch", "heart Cleveland→VA")
}


@dataclass(frozen=True)
class Rows:
    """The rows of each seed of a task, and how networks train on them."""

    task: small.Task
    loaded: Any

    def draw(self, seed: int) -> Sample:
        return small.draw(self.task, self.loaded, seed)


def load(task: small.Task, quick: bool) -> Rows:
    return Rows(small.few_rows(task) if quick else task, task.load())


def shares_of(y: np.ndarray, y_source: np.ndarray) -> dict[Any, float]:
    """Return the shares of the source's classes among the labels of the target."""
    return {label: float(np.mean(y == label)) for label in np.unique(y_source).tolist()}


def run(estimator: type, priors: str | None, rows: Rows, seed: int) -> float:
    """Return the accuracy on the target's test rows; known shares are those of its rows."""
    sample = rows.draw(seed)
    data = sample.train
    shares = shares_of(sample.y_target, data.y_source) if priors == "known" else priors
    clf = small.estimator_for(rows.task, estimator, random_state=seed, target_priors=shares)
    target = {} if estimator is FinetuneClassifier else {"X_target": data.X_target}
    clf.fit(data.X_source, data.y_source, **target)
    return float(clf.score(sample.X_test, sample.y_test))


METHODS = [
    Method(SOURCE_ONLY, partial(run, FinetuneClassifier, None)),
    *(
        Method(name + end, partial(run, ADAPTING[name], priors))
        for name in NAMES
        for end, priors in (("", None), (KNOWN, "known"), (ESTIMATED, "estimate"))
    ),
]


def worst_loss(end: str, tasks: Sequence[str], means: Means) -> tuple[float, str]:
    """Return the least gain over source-only, in points, of a task and a method."""
    gains = {
        f"{name}, {task}": 100 * (means.on(task, name + end) - means.on(task, SOURCE_ONLY))
        for task in tasks
        for name in NAMES
    }
    return least(gains)


def mean_gain(end: str, tasks: Sequence[str], means: Means) -> float:
    """Return the mean gain over source-only, in points."""
    of_methods = [means.of(name + end, tasks) for name in NAMES]
    return 100 * (mean(of_methods) - means.of(SOURCE_ONLY, tasks))


SHIFT = Matrix(
    "Other class shares in the target",
    [Task(name, partial(load, task)) for name, task in {**SHIFTED, **USUAL}.items()],
    METHODS,
    Path(__file__).parent / "label_shift",
    introduction="""\
If the class shares of target and source differ, adapting aligns rows of one class with rows of
another. `target_priors` draws the source rows by class, so that the source has the class shares of
the target. *Known shares* are the true shares of the target's training rows; besides the scores,
only they use target labels. *Estimated shares* are `target_priors="estimate"`: BBSE with the errors
of a short source-only training. The methods have their shipped defaults except for the epochs;
tasks and networks are those of the [page on choosing lam](../selection/selection.md), with a few
hundred rows each. The first table has the means of the shifted tasks and of the usual tasks. In
tasks called `1:9`, `9:1`, `0 to 4` or `5 to 9` the target lacks most or all rows of some classes;
in tasks called `Dirichlet` its class shares are drawn at random.""",
    references={SOURCE_ONLY: "†"},
    compared=[name + end for name in NAMES for end in ("", KNOWN, ESTIMATED)],
    goals=[
        Goal(
            "Known shares, shifted tasks: least gain over source-only of a task and method, points",
            partial(worst_loss, KNOWN, list(SHIFTED)),
            -1.0,
        ),
        *(
            Goal(f"{shares}, {where}: mean gain, points", partial(mean_gain, end, list(tasks)), 0)
            for where, tasks in (("shifted tasks", SHIFTED), ("usual tasks", USUAL))
            for shares, end in (
                ("Known shares", KNOWN),
                ("Estimated shares", ESTIMATED),
                ("No `target_priors`", ""),
            )
        ),
    ],
    groups={"Other shares": list(SHIFTED), "Usual tasks": list(USUAL)},
)

main = partial(matrix.main, SHIFT)


if __name__ == "__main__":
    main()
