"""A few labelled photographs of the target, on the features of a pretrained network."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from ..harness import matrix
from ..harness.few_labels import (
    BESIDE,
    BLIND,
    BY_ROW,
    COUNTS,
    ONLY,
    REFERENCES,
    STAGED,
    columns_of,
    few_labels_matrix,
    label_few,
    run_of,
)
from ..harness.goals import Goal, Means
from ..harness.methods import ADAPTING
from ..harness.office_caltech import DOMAINS
from ..harness.photographs import features, head_network
from ..harness.runner import Method
from ..harness.search_internals import DomainData
from ..harness.small_tasks import Sample

EPOCHS = 20
# each domain is a source once; dslr has classes of eight photographs, too few to be a target
TASKS = ("CW", "AC", "DA", "WC")
NAMES = ("DDC", "DAN", "JAN", "DANN", "MCC", "MDD")


class Photographs:
    """Features of the photographs of two domains; half of those of the target only score."""

    steps: Sequence[Any] = ()

    def __init__(self, task: str, n_labels: int, quick: bool) -> None:
        self.task, self.n_labels, self.quick = task, n_labels, quick
        self.params = {"module": head_network, "max_epochs": 1 if quick else EPOCHS}

    def draw(self, seed: int) -> tuple[Sample, np.ndarray]:
        """Return the rows, and labels of the target that are -1 except for a few of each class."""
        size, every = (64, 5) if self.quick else (224, 1)
        (X, names), (rows, names_of_rows) = (
            features(DOMAINS[domain], size, every) for domain in self.task
        )
        y, y_rows = (np.unique(each, return_inverse=True)[1] for each in (names, names_of_rows))
        X_target, X_test, y_target, y_test = train_test_split(
            rows, y_rows, test_size=0.5, stratify=y_rows, random_state=seed
        )
        sample = Sample(DomainData(X, y, X_target), y_target, X_test, y_test)
        return sample, label_few(y_target, self.n_labels, seed)


METHODS = [
    *REFERENCES,
    *(Method(name, run_of(ADAPTING[name])) for name in NAMES),
    *(
        Method(f"{name}{BY_ROW}", run_of(ADAPTING[name], target_label_weight=1.0))
        for name in ("DANN", "MCC")
    ),
]
COLUMNS = columns_of(TASKS)


def gain(method: str, reference: str, n: int, means: Means) -> float:
    """Return the gain of a method over another, in points."""
    return 100 * (means.of(method, COLUMNS[n]) - means.of(reference, COLUMNS[n]))


FEW = few_labels_matrix(
    "A few labels of the target, photographs",
    TASKS,
    Photographs,
    METHODS,
    Path(__file__).parent / "few_labels_photos",
    score_name="",
    introduction=f"""\
Office-Caltech10: 1, 3 or 10 photographs of each class of the target are labelled. The networks are
trained on features of a pretrained network, as on
[the page of all tasks](../office_caltech_photos/office_caltech_photos.md); CW is caltech10 →
webcam. For each seed, `fit` gets another half of the target's photographs; scores are on the other
half. *{ONLY}* trains on the labelled target photographs alone, for as many steps as on the source;
*{STAGED}* is `FinetuneClassifier`; *{BESIDE}* trains on source and labelled target photographs with
one loss and without an adaptation loss; *{BLIND[2:]}* adapts without target labels; *{BY_ROW[2:]}*
is `target_label_weight=1`. Shipped defaults, {EPOCHS} epochs; nothing was tuned for this page.""",
    notes="""\
## What this says

MCC without target labels (.957) is better than a network trained on ten labels a class alone
(.948). Without adaptation, one label a class beside the source adds two points to source-only;
training on these labels alone is eight points below source-only. MCC uses labels best with weights
by row: one label a class then adds nothing, three and ten add a fraction of a point. The methods
that align features add little to *source and few labels*, and nothing with ten labels a class.""",
    references={BESIDE: "†", ONLY: "‡"},
    compared=[*NAMES, *(f"{name}{BY_ROW}" for name in ("DANN", "MCC"))],
    goals=[
        Goal(
            f"{n} a class: gain of MCC over *{reference}*, points",
            partial(gain, "MCC", reference, n),
            0,
        )
        for n in COUNTS
        for reference in (ONLY, BESIDE)
    ],
)

main = partial(matrix.main, FEW)


if __name__ == "__main__":
    main()
