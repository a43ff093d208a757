"""Office-Caltech10, SURF features: the classic shallow methods, and the deep ones."""

import csv
import math
from dataclasses import replace
from functools import partial
from pathlib import Path

from sklearn.metrics import accuracy_score
from sklearn.preprocessing import Normalizer

from skda.datasets import fetch_office_caltech

from ..harness import matrix
from ..harness.comparison import Comparison
from ..harness.goals import Goal
from ..harness.matrix import Matrix
from ..harness.methods import ADAPTING, LOGISTIC, ORACLE, SCALED, SOURCE_ONLY, rows, shipped
from ..harness.office_caltech import DOMAINS, NORMALISED_L, PUBLISHED, TASKS, pair_tasks
from ..harness.results import Run
from ..harness.runner import Method, Plan
from ..harness.runs import N_FOLDS, of_seed, oracle
from ..harness.shifts import Shift, shift

SHALLOW = Path(__file__).parents[1] / "office_caltech_shallow" / "office_caltech_shallow.csv"
EPOCHS = 30
UNIT = ", unit rows"
DEEP = ["DaNN", "DDC", "DAN", "DeepCORAL", "JAN", "DANN", "CDAN", "MCC"]


def surf(quick: bool, source: str, target: str) -> Shift:
    data = fetch_office_caltech(DOMAINS[source], DOMAINS[target])
    whole = shift(data, accuracy_score, EPOCHS, False, steps=(Normalizer(norm="l1"),))
    # a tenth of the 157 images of dslr would be too few for ten classes
    return replace(whole, max_epochs=2) if quick else whole


def shallow_rows() -> dict[str, dict[str, float]]:
    """Return the accuracies of the shallow methods by row and task, from the file of their page."""
    if not SHALLOW.exists():
        raise SystemExit(
            f"{SHALLOW} does not exist. Make it: python -m benchmarks.office_caltech_shallow"
        )
    with SHALLOW.open(encoding="utf-8", newline="") as file:
        return {
            row["method"] + (UNIT if row["rows"] == "unit" else ""): {
                task: float(row[task]) / 100 for task in TASKS
            }
            for row in csv.DictReader(file)
        }


def with_shallow(_todo: Plan, comparison: Comparison) -> tuple[Comparison, str]:
    """Put the shallow methods before the others; they are not random, so they have one run."""
    found = shallow_rows()
    tasks = [task.name for task in comparison.tasks]
    runs = {
        (task, name): [Run(row[task], math.nan)] for name, row in found.items() for task in tasks
    }
    methods = [*found, *comparison.methods]
    return replace(comparison, methods=methods, runs={**runs, **comparison.runs}), MATRIX.notes


KNOWN = {row.name: row for by_domain in (False, True) for row in rows(by_domain)}
METHODS = [
    *(KNOWN[name + end] for end in ("", SCALED) for name in (LOGISTIC, SOURCE_ONLY, *DEEP)),
    Method(ORACLE, of_seed(oracle)),
]


INTRODUCTION = f"""\
Accuracy on all target rows. All methods are trained on all source rows, adapting methods also on
all target rows without labels; CA is caltech10 → amazon. This program uses target labels only for
scores and to train the oracle. All twelve tasks have one configuration: shallow methods as in
office_caltech_shallow.md, deep methods with their shipped defaults and {EPOCHS} epochs. Nothing was
tuned for this page: no lam and no number of epochs was varied. The shipped defaults were chosen on
other data (all_methods.md)."""
NOTES = f"""\
## What the rows are

All methods see each feature vector divided by its sum.

- **Shallow methods**, the classic protocol: z-scores within each domain (`DomainStandardScaler`),
  the method, 1-NN. Nothing is random. The numbers, the parameters and their origin are those of
  office_caltech_shallow.md.
- **{UNIT.removeprefix(", ")}**: z-scores, then feature vectors of unit length before and after the
  method, as in the code from which TCA's parameters come. This step is not an adaptation, but it
  raises plain 1-NN as well. The same code also divides TCA's L by its norm: "{NORMALISED_L}".
- **logistic regression**, **source-only** and the deep methods, **{SCALED.removeprefix(", ")}**:
  z-scores within each domain, as for the shallow methods. So "source-only{SCALED}" and
  "logistic regression{SCALED}" are the simple baseline zT. In the rows without "{SCALED}", both
  domains are z-scored by the source's mean and standard deviation. The scaling changes little for
  the adapting methods, whose networks start with a batch normalisation by the statistics of each
  domain.
- The network is the built-in `skda.nn.MLP`, for DaNN `skda.nn.ShallowNet`.
- **target oracle**: the source-only network trained on labelled rows of {N_FOLDS - 1} of {N_FOLDS}
  folds of the target (drawn by class); it predicts the other fold. On dslr it learns from 118 rows.
- **{EPOCHS} epochs are too few for the small domains**: about 90 steps on dslr (157 rows), 150 on
  webcam (295). So networks with these sources, and the oracle on dslr, are undertrained.

The published rows are from a public benchmark page of this protocol; empty cells are unknown to us.
The 1-NN here equals the published 1-NN on every task. We know no published numbers of the deep
methods on SURF features. Networks fine-tuned from ImageNet have these means of six tasks: AlexNet
.840, DDC .846, DAN .873 (Long 2015)."""
DEFAULTS = "\n".join(f"- {name}: {shipped(ADAPTING[name])}" for name in DEEP)
SHOWN_DEFAULTS = f"""\
## The defaults of the deep methods

Differences from the defaults that all estimators share (lr=0.001, lr_schedule=constant,
batch_size=64, Adam):

{DEFAULTS}"""

MATRIX = Matrix(
    "Office-Caltech10, SURF features: shallow and deep domain adaptation",
    pair_tasks(surf, TASKS, f"{EPOCHS} epochs"),
    METHODS,
    Path(__file__).parent / "office_caltech",
    INTRODUCTION,
    f"{NOTES}\n\n{SHOWN_DEFAULTS}",
    references={SOURCE_ONLY: "▼", SOURCE_ONLY + SCALED: "▽"},
    compared=[name + end for end in ("", SCALED) for name in DEEP],
    published={
        name: {task: score / 100 for task, score in row.items()} for name, row in PUBLISHED.items()
    },
    goals=[
        Goal(
            f"{name}, mean of the tasks, as published",
            lambda means, name=name: means.of(name),
            wanted,
        )
        for name, wanted in (("GFK", 0.431), ("TCA" + UNIT, 0.462))
    ],
)

main = partial(matrix.main, MATRIX, finish=with_shallow)


if __name__ == "__main__":
    main()
