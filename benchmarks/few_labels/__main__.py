"""A few labels of the target beside its unlabelled rows: who makes the most of them."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from skda import DANClassifier, FinetuneClassifier, make_pipeline

from ..harness import matrix
from ..harness import small_tasks as small
from ..harness.goals import Goal, Means
from ..harness.matrix import Matrix
from ..harness.methods import ADAPTING, SOURCE_ONLY
from ..harness.runner import Method, Task
from ..harness.search_internals import own_stream, take_rows
from ..harness.small_tasks import TASKS, Sample
from .candidates import AdaMatch, DANNByRow, Entropy, MCCByRow

NAMES = ("scanned digits", "gas 1→6")
COUNTS = (1, 3, 10)
ONLY, STAGED, BESIDE = "few labels only", "source, then few labels", "source and few labels"
BLIND = ", no labels"
CANDIDATES = {
    "entropy": Entropy,
    "relative threshold": AdaMatch,
    "DANN, by row": DANNByRow,
    "MCC, by row": MCCByRow,
}
# WDGRL takes as long as six of the others
METHODS_OF_SKDA = [name for name in ADAPTING if name != "WDGRL"]


class Rows:
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


def load(name: str, n_labels: int, quick: bool) -> Rows:
    return Rows(TASKS[name], n_labels, quick)


def run(estimator: type, labels: bool, rows: Rows, seed: int, **params: Any) -> float:
    """Return the accuracy on the target's test rows, trained with or without the few labels."""
    sample, few = rows.draw(seed)
    data = sample.train
    clf = estimator(random_state=seed, device="cpu", **rows.params, **params)
    of_target = {"y_target": few} if labels else {}
    pipe = make_pipeline(*rows.task.steps, clf)
    pipe.fit(data.X_source, data.y_source, X_target=data.X_target, **of_target)
    return float(pipe.score(sample.X_test, sample.y_test))


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


def run_of(estimator: type, labels: bool = True, **params: Any) -> Callable[[Rows, int], float]:
    return partial(run, estimator, labels, **params)


METHODS = [
    Method(ONLY, run_alone),
    Method(SOURCE_ONLY, run_of(FinetuneClassifier, labels=False)),
    Method(STAGED, run_of(FinetuneClassifier)),
    Method(BESIDE, run_of(DANClassifier, lam=0)),
    *(Method(f"{name}{BLIND}", run_of(ADAPTING[name], labels=False)) for name in ("DANN", "MCC")),
    *(Method(name, run_of(ADAPTING[name])) for name in METHODS_OF_SKDA),
    *(Method(name, run_of(cls)) for name, cls in CANDIDATES.items()),
]
COLUMNS = {n: [f"{name}, {n}" for name in NAMES] for n in COUNTS}


def default_above(reference: str, n: int, means: Means) -> tuple[float, str]:
    """Return what the least adapting default has above a reference, in points."""
    of_reference = means.of(reference, COLUMNS[n])
    gains = {m: 100 * (means.of(m, COLUMNS[n]) - of_reference) for m in METHODS_OF_SKDA}
    worst = min(gains, key=lambda m: gains[m])
    return gains[worst], worst


def shipped_above_candidates(means: Means) -> tuple[float, str]:
    """Return what the best shipped method has above the best candidate, in points."""
    best, other = (means.best(names) for names in (METHODS_OF_SKDA, list(CANDIDATES)))
    return 100 * (best[0] - other[0]), f"{best[1]} against {other[1]}"


FEW = Matrix(
    "A few labels of the target",
    [
        Task(f"{name}, {n}", partial(load, name, n), settings=f"{n} labels a class")
        for n in COUNTS
        for name in NAMES
    ],
    METHODS,
    Path(__file__).parent / "few_labels",
    introduction=f"""\
1, 3 or 10 labelled rows of each class of the target beside its unlabelled rows, 400 of digits or
600 of gas: `fit(X_source, y_source, X_target, y_target=)`. *{ONLY}* trains on these rows
alone, for as many steps as the source has; *{STAGED}* is `FinetuneClassifier`,
*{BESIDE}* the two in one loss without an adaptation loss. Shipped defaults of all
adapting classifiers but WDGRL, left out for its time; the epochs and the network are those of the
page on choosing lam. The labels of the few rows are trained on; all others score only, on other
rows. The rows without labels are the same for 1, 3 and 10.

What is not in skda (`benchmarks/few_labels/candidates.py`): *entropy*, that of the target's
predictions, and *relative threshold*, AdaMatch's pseudo-labels without its augmentation, both at
lam 1, rising; *by row*, a labelled target row weighs as much as a source row, where in skda the
labelled rows of a batch weigh as much as all its source rows.""",
    notes="""\
## What this says

The loss of the labelled rows of a batch weighs as much as that of all its source rows. With one
label a class this overfits them: MCC and DANN are better without these labels. MCC with labels
that weigh by row is better than MCC with or without them for 1, 3 and 10 labels a class, and about
as good as the best candidate. The candidates were compared by the scores on this page, so a choice
between them has to be confirmed on other tasks.""",
    has_run=lambda task, method: BLIND not in method.name or task.name in COLUMNS[1],
    references={BESIDE: "†", ONLY: "‡"},
    compared=[*METHODS_OF_SKDA, *CANDIDATES],
    goals=[
        *(
            Goal(
                f"{n} a class: least gain of an adapting default over *{BESIDE}*, points",
                partial(default_above, BESIDE, n),
                0,
            )
            for n in COUNTS
        ),
        Goal(
            "Best shipped method against the best candidate, mean of all, points",
            shipped_above_candidates,
            0,
        ),
    ],
    groups={f"{n} label{'s' if n > 1 else ''} a class": COLUMNS[n] for n in COUNTS},
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, then write and print the page."""
    matrix.main(FEW, arguments)


if __name__ == "__main__":
    main()
