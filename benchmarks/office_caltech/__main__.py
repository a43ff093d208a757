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
Accuracy on all target rows, trained on all source rows and, where a method adapts, on all target
rows without labels; CA is caltech10 → amazon. Target labels are used for scores and by the oracle,
for nothing else in this program. One configuration for all twelve tasks: the shallow methods' as in
office_caltech_shallow.md, the deep methods' shipped defaults, {EPOCHS} epochs for each network.
Nothing was tuned for this page: no lam, no epoch was varied. The shipped defaults were chosen on
other data (all_methods.md)."""
NOTES = f"""\
## What the rows are

Each row of features is divided by its sum in all of them.

- **Shallow methods**, with 1-NN, the classic protocol: z-scores within each domain
  (`DomainStandardScaler`), the method, 1-NN. Nothing is random. The numbers, the parameters and
  their origin are those of office_caltech_shallow.md, by `benchmarks/office_caltech_shallow`.
- **{UNIT.removeprefix(", ")}**: z-scores, then rows of unit length before and after the method, as
  in the code that TCA's parameters are from. The step is no adaptation: see how far it lifts plain
  1-NN. That code also divides TCA's L by its norm: "{NORMALISED_L}".
- **logistic regression**, **source-only** and the deep methods, **{SCALED.removeprefix(", ")}**: as
  for the shallow ones, z-scores within each domain. So "source-only{SCALED}" and
  "logistic regression{SCALED}" are the free baseline zT. Without it, z-scores of both domains by
  the source's mean and standard deviation. It changes little for the adapting methods, whose
  networks begin with a batch normalisation by each domain's own statistics in any case.
- The network is the built-in `skda.nn.MLP` (for DaNN its own `skda.nn.ShallowNet`).
- **target oracle**: source-only's network trained on target labels, of {N_FOLDS - 1} of {N_FOLDS}
  folds of the target (drawn by class), predicting the other. On dslr it has 118 rows to learn from.
- **{EPOCHS} epochs are too few for the small domains**: of dslr (157 rows) they are some 90 steps,
  of webcam (295) some 150, so the networks from there, and the oracle on dslr, are undertrained.

The published rows are from a public benchmark page of this protocol; empty cells were not at hand.
The 1-NN here is the published one on every task.
Of the deep methods no published numbers on SURF features are at hand. With networks fine-tuned
from ImageNet instead of SURF features, six-task means: AlexNet .840, DDC .846, DAN .873 (Long
2015)."""
DEFAULTS = "\n".join(f"- {name}: {shipped(ADAPTING[name])}" for name in DEEP)
SHOWN_DEFAULTS = f"""\
## The defaults of the deep methods

What differs from those that all estimators share (lr=0.001, lr_schedule=constant, batch_size=64,
Adam):

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
