"""Every estimator on five shifts, with and without scaling by domain, and where it loses."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from sklearn.metrics import accuracy_score

from skda.datasets import fetch_amazon_reviews, make_scanned_digits

from ..harness import matrix
from ..harness.matrix import Matrix
from ..harness.methods import (
    ADABN,
    COMPARED,
    DEFAULTS,
    LOGISTIC,
    ORACLE,
    RAW_COUNTS,
    SCALED,
    SOURCE_ONLY,
    UNBIASED,
    rows,
)
from ..harness.runner import Method, Task
from ..harness.runs import of_seed, on_raw_counts, oracle
from ..harness.shifts import (
    ACTIVITY_EPOCHS,
    GAS_EPOCHS,
    Data,
    Shift,
    activity,
    gas,
    of_any_seed,
    shift,
)

SCANNED_EPOCHS, AMAZON_EPOCHS = 30, 5


def scanned(quick: bool) -> Data:
    @cache
    def of_seed(seed: int) -> Shift:
        digits = make_scanned_digits(random_state=seed)
        return shift(digits, accuracy_score, SCANNED_EPOCHS, quick)

    return of_seed


def amazon(source: str, target: str) -> Callable[[bool], Data]:
    return of_any_seed(
        lambda quick: shift(
            fetch_amazon_reviews(source, target), accuracy_score, AMAZON_EPOCHS, quick
        )
    )


IMAGES = "scanned digits"
COUNTS = ["books→electronics", "kitchen→books"]
TASKS = [
    Task(IMAGES, scanned, "accuracy", f"{SCANNED_EPOCHS} epochs"),
    Task("phone→watch", of_any_seed(activity), "balanced accuracy", f"{ACTIVITY_EPOCHS} epochs"),
    Task("gas 1→6", of_any_seed(gas), "accuracy", f"{GAS_EPOCHS} epochs"),
    *(
        Task(pair, amazon(*pair.split("→")), "accuracy", f"{AMAZON_EPOCHS} epochs")
        for pair in COUNTS
    ),
]
METHODS = [
    *rows(by_domain=False),
    Method(RAW_COUNTS, of_seed(on_raw_counts)),
    Method(ORACLE, of_seed(oracle)),
    *rows(by_domain=True),
]


def has_run(task: Task, method: Method) -> bool:
    if task.name == IMAGES:
        return method.name == SOURCE_ONLY + SCALED or not (
            method.name.startswith(LOGISTIC) or method.name.endswith(SCALED)
        )
    return method.name != RAW_COUNTS or task.name in COUNTS


def of_same_scaling(method: str, reference: str) -> str:
    return reference + (SCALED if method.endswith(SCALED) else "")


INTRODUCTION = f"""\
Rows that end in "{SCALED}" have scaling by domain. The marks ▼ and ▽ compare means over the seeds:
rows with scaling are compared with source-only and AdaBN with scaling, the other rows with
source-only and AdaBN without scaling. Every estimator has its shipped defaults on all tasks (listed
at the end). Only the number of epochs differs between tasks, to save time; within a task it is the
same for every network.

This program uses target labels only for scores and to train the oracle. **But the defaults were
chosen by target scores of these very tasks** (and of moons and digits). So the table shows that one
configuration of each method works on all five tasks; it does not show what to expect on a sixth.
These values were tried with one to three seeds; the bold ones were kept:

- DANN: lam .1, **.3**, 1; learning rate constant, **inverse decay**. CDAN: lam .1, **.3**, 1.
- DAN: lam .3, **1**; learning rate **constant**, inverse decay. DeepCORAL: lam 1, **10**, 100.
- DaNN: lam 1, **3**, 10. With 10 DaNN scores better still on digits and phone→watch, but a small
  network of another kind collapses. DDC: lam **.25**, 1, 10.
- WDGRL: lam .03, **.1**, .3, 1; lam **constant**, ramp; learning rate constant, **inverse decay**.
- ADDA: learning rate 1e-4, **2e-4**, 3e-4, 5e-4, 1e-3, **constant** and inverse decay. At 1e-3 ADDA
  was below source-only on gas. lam has hardly any effect: Adam cancels the scale of a loss.
- DeepJDOT: lam .03, **.1**, .3, 1; feature_weight .001, **.01**, .1, .3; lam constant, **ramp**;
  learning rate constant, **inverse decay**.
- MCC: lam .3, **1**; learning rate **constant**, inverse decay. Pseudo-labels: lam .3, **1**.
- JAN, MCD, MDD: not varied on these tasks."""
NOTES = f"""\
## What the rows are

- **logistic regression**: tables only, with the scaling of the networks. Without scaling by domain,
  each column is scaled by the mean and standard deviation of the source (`StandardScaler`); with
  scaling by domain, by those of the row's domain (`DomainStandardScaler`). The sparse counts of the
  reviews are divided, not centred. **Raw counts** are not scaled: the better baseline for reviews.
- **source-only**: `FinetuneClassifier`, trained without target rows.
- **AdaBN**: `FinetuneClassifier(adapt_batch_norm=True)`, the source-only network with batch
  statistics estimated again on the target. The other methods include most of this gain: the
  built-in networks batch-normalise input and features by the statistics of each domain. So only the
  gain over AdaBN is due to a method's own loss.
- **{UNBIASED}**: `DDCClassifier(unbiased=True)`, the only row without the shipped defaults.
- **target oracle**: `FinetuneClassifier` trained on labelled target rows: the training rows or, on
  tasks without separate test rows (phone→watch, gas), the other folds of the target.
- The networks are built in: `skda.nn.ConvNet` for images, `skda.nn.MLP` for tables,
  `skda.nn.ShallowNet` for DaNN.

## What scaling by domain does

Tables: `make_pipeline(DomainStandardScaler(), estimator)` in place of
`make_pipeline(StandardScaler(), estimator)`. Images: all pixels of a domain are scaled by one mean
and one standard deviation. Only source-only has this row for images: `ConvNet` starts with the same
normalisation, and uses the statistics of each domain in every adapting method.

## What the tasks are

- **scanned digits**: `make_scanned_digits(random_state=seed)`, scored on its 297 test images;
  {SCANNED_EPOCHS} epochs.
- **phone→watch**: phone of subjects 1 to 11, watch of subjects 12 to 23; scored on the target rows
  of the adaptation; balanced accuracy; {ACTIVITY_EPOCHS} epochs.
- **gas 1→6**: all rows of batch 1 and batch 6; scored on the target rows of the adaptation;
  {GAS_EPOCHS} epochs.
- **books→electronics, kitchen→books**: 2000 labelled source reviews and 2000 unlabelled target
  reviews, 5000 sparse columns; scored on the published test reviews; {AMAZON_EPOCHS} epochs.

ADDA gets worse in long trainings on small tables: its target network drifts away from the fixed
classifier. With 100 epochs (seed 0) ADDA scored .31 on phone→watch and .59 on gas; source-only
scored .34 and .49.

{DEFAULTS}"""


BENCHMARK = Matrix(
    "Every method on five shifts",
    TASKS,
    METHODS,
    Path(__file__).parent / "all_methods",
    INTRODUCTION,
    NOTES,
    references={SOURCE_ONLY: "▼", ADABN: "▽"},
    compared=[name + end for end in ("", SCALED) for name in COMPARED],
    has_run=has_run,
    mean=False,
    reference_of=of_same_scaling,
)

main = partial(matrix.main, BENCHMARK)

if __name__ == "__main__":
    main()
