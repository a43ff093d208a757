"""How much a labelled target row should weigh, on tasks that had no part in the idea."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from skda import DANClassifier

from ..harness import matrix
from ..harness.few_labels import COUNTS, load, run_of
from ..harness.goals import Goal, Means
from ..harness.matrix import Matrix
from ..harness.methods import ADAPTING
from ..harness.runner import Method, Task

NAMES = ("USPS→MNIST", "watch→phone", "wine red→white", "heart Cleveland→VA")
COLUMNS = {n: [f"{name}, {n}" for name in NAMES] for n in COUNTS}
ADAPTED = ("DAN", "DANN", "MCC")
BESIDE, BLIND, BY_ROW = "source and few labels", ", no labels", ", by row"

METHODS = [
    *(Method(f"{name}{BLIND}", run_of(ADAPTING[name], labels=False)) for name in ADAPTED),
    Method(BESIDE, run_of(DANClassifier, lam=0)),
    Method(f"{BESIDE}{BY_ROW}", run_of(DANClassifier, lam=0, target_label_weight=1.0)),
    *(
        Method(f"{name}{ending}", run_of(ADAPTING[name], **params))
        for name in ADAPTED
        for ending, params in (("", {}), (BY_ROW, {"target_label_weight": 1.0}))
    ),
]


def least_gain(ending: str, n: int, means: Means) -> tuple[float, str]:
    """Return what labels that weigh by row gain at least over another row, in points."""
    gains = {
        name: 100
        * (means.of(f"{name}{BY_ROW}", COLUMNS[n]) - means.of(f"{name}{ending}", COLUMNS[n]))
        for name in ADAPTED
    }
    worst = min(gains, key=lambda name: gains[name])
    return gains[worst], worst


def goal(text: str, ending: str, n: int) -> Goal:
    a_class = f"{n} label{'s' if n > 1 else ''} a class"
    return Goal(
        f"{a_class}: least gain by row over {text}, points", partial(least_gain, ending, n), 0
    )


WEIGHT = Matrix(
    "The weight of a labelled target row",
    [
        Task(f"{name}, {n}", partial(load, name, n), settings=f"{n} labels a class")
        for n in COUNTS
        for name in NAMES
    ],
    METHODS,
    Path(__file__).parent / "target_label_weight",
    introduction=f"""\
1, 3 or 10 labelled rows of each class of the target beside its unlabelled rows, with
`target_label_weight="batch"` (the default: the labelled rows of a batch weigh as much as all of its
source rows) and, *by row*, with 1 (a labelled target row weighs as much as a source row).
*{BESIDE}* is the one loss without an adaptation loss. Shipped defaults; the epochs and the network
are those of the page on choosing lam. The labels of the few rows are trained on; all others score
only, on other rows. The page on few labels, where the idea comes from, has two other tasks.""",
    notes="""\
## What this says

With one label a class a weight by row is better for every method here, and no method loses by the
labels; with three or more the default weight is. Of the page on few labels, where weights by row
were better for MCC throughout, one part is confirmed: pass 1 where there is one label a class.""",
    has_run=lambda task, method: BLIND not in method.name or task.name in COLUMNS[1],
    goals=[
        *(goal("the default weight", "", n) for n in COUNTS),
        goal("no labels", BLIND, 1),
    ],
    groups={f"{n} label{'s' if n > 1 else ''} a class": COLUMNS[n] for n in COUNTS},
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, then write and print the page."""
    matrix.main(WEIGHT, arguments)


if __name__ == "__main__":
    main()
