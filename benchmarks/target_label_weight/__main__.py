"""How much a labelled target row should weigh, on tasks that had no part in the idea."""

from functools import partial
from pathlib import Path

from skda import DANClassifier

from ..harness import matrix
from ..harness.few_labels import (
    BESIDE,
    BLIND,
    BY_ROW,
    COUNTS,
    a_class,
    columns_of,
    few_labels_matrix,
    load,
    run_of,
)
from ..harness.goals import Goal, Means, least
from ..harness.methods import ADAPTING
from ..harness.runner import Method

NAMES = ("USPS→MNIST", "watch→phone", "wine red→white", "heart Cleveland→VA")
COLUMNS = columns_of(NAMES)
ADAPTED = ("DAN", "DANN", "MCC")

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
    """Return the least gain of labels that weigh by row over another row, in points."""
    gains = {
        name: means.of(name + BY_ROW, COLUMNS[n]) - means.of(name + ending, COLUMNS[n])
        for name in ADAPTED
    }
    gain, worst = least(gains)
    return 100 * gain, worst


def goal(text: str, ending: str, n: int) -> Goal:
    told = f"{a_class(n)}: least gain by row over {text}, points"
    return Goal(told, partial(least_gain, ending, n), 0)


WEIGHT = few_labels_matrix(
    "The weight of a labelled target row",
    NAMES,
    load,
    METHODS,
    Path(__file__).parent / "target_label_weight",
    introduction=f"""\
1, 3 or 10 rows of each class of the target are labelled. `target_label_weight` is "batch" (the
default: the labelled rows of a batch together have the weight of all its source rows) or, *by row*,
1 (a labelled target row has the weight of a source row). *{BESIDE}* trains on source and labelled
target rows with one loss and without an adaptation loss. Shipped defaults; epochs and networks are
those of the [page on choosing lam](../selection/selection.md). Only the few labels are used in
training; scores are on other rows. The idea comes from the
[page on few labels](../few_labels/few_labels.md), which has two other tasks.""",
    notes="""\
## What this says

With one label a class, weights by row are better for every adapting method, and no adapting method
loses by the labels. With three or more labels a class, the default weight is better. On the page on
few labels, weights by row were always better for MCC; this page confirms one part of that: pass 1
if there is one label a class.""",
    goals=[
        *(goal("the default weight", "", n) for n in COUNTS),
        goal("no labels", BLIND, 1),
    ],
)

main = partial(matrix.main, WEIGHT)


if __name__ == "__main__":
    main()
