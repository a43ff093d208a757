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
Rows that end in "{SCALED}" are with scaling by domain; ▼ and ▽ hold such a row against source-only
and AdaBN with scaling, the others against those without, by the means over the seeds. Every
estimator has one configuration for all tasks, its shipped defaults, listed at the end; only the
number of epochs differs between tasks, for time, and is the same for every network within a task.

Target labels are used for scores and by the oracle, for nothing else in this program. **But the
defaults were chosen looking at target scores of these very tasks** (moons and digits besides), so
the table shows that one configuration for each method holds on all of them, not what to expect on
a sixth. Tried, with one to three seeds, and kept or not:

- DANN: lam .1, **.3**, 1; learning rate constant, **inverse decay**. CDAN: lam .1, **.3**, 1.
- DAN: lam .3, **1**; learning rate **constant**, inverse decay. DeepCORAL: lam 1, **10**, 100.
- DaNN: lam 1, **3**, 10; 10 scores better still on digits and phone→watch, but collapses a small
  network of another kind. DDC: lam **.25**, 1, 10.
- WDGRL: lam .03, **.1**, .3, 1; lam **constant**, ramp; learning rate constant, **inverse decay**.
- ADDA: learning rate 1e-4, **2e-4**, 3e-4, 5e-4, 1e-3, **constant** and inverse decay. At 1e-3 it
  was below source-only on gas. lam is hardly a lever: Adam cancels the scale of a loss.
- DeepJDOT: lam .03, **.1**, .3, 1; feature_weight .001, **.01**, .1, .3; lam constant, **ramp**;
  learning rate constant, **inverse decay**.
- MCC: lam .3, **1**; learning rate **constant**, inverse decay. Pseudo-labels: lam .3, **1**.
- JAN, MCD, MDD: not varied on these tasks."""
NOTES = f"""\
## What the rows are

- **logistic regression**: tables only; scaled like the networks' rows. Without scaling by domain
  each column is scaled by the source's mean and standard deviation (`StandardScaler`), and with
  it by the domain's own (`DomainStandardScaler`); the sparse counts of the reviews are divided,
  not centred. **Raw counts** leaves them as they are, which is the better baseline there.
- **source-only**: `FinetuneClassifier`, which sees no target rows in training.
- **AdaBN**: `FinetuneClassifier(adapt_batch_norm=True)`, the source-only network with its batch
  statistics re-estimated on the target. Most of what it gains the other methods have as well: the
  built-in networks batch-normalise their input and features with each domain's own statistics, so
  only what is above AdaBN is due to a method's own loss.
- **{UNBIASED}**: `DDCClassifier(unbiased=True)`, the one row that is no default.
- **target oracle**: `FinetuneClassifier` trained on target labels: on the target's training rows,
  or, where there are no test rows apart (phone→watch, gas), on the other folds of the target.
- The networks are the built-in ones: `skda.nn.ConvNet` for images and `skda.nn.MLP` for tables,
  but for DaNN its own `skda.nn.ShallowNet`.

## What scaling by domain does

For tables: `make_pipeline(DomainStandardScaler(), estimator)` against
`make_pipeline(StandardScaler(), estimator)`. For images it is one mean and one standard deviation
of all the pixels of a domain. That is shown for source-only alone: `ConvNet` begins with just this
normalisation, and in every adapting method with each domain's own statistics.

## What the tasks are

- **scanned digits**: `make_scanned_digits(random_state=seed)`, scored on its 297 test images;
  {SCANNED_EPOCHS} epochs.
- **phone→watch**: phone of subjects 1 to 11, watch of subjects 12 to 23; scored on the target rows
  adapted to; balanced accuracy; {ACTIVITY_EPOCHS} epochs.
- **gas 1→6**: all rows of batch 1 and batch 6; scored on the target rows adapted to;
  {GAS_EPOCHS} epochs.
- **books→electronics, kitchen→books**: 2000 labelled source reviews and 2000 unlabelled target
  reviews, 5000 sparse columns; scored on the published test reviews; {AMAZON_EPOCHS} epochs.

ADDA does not bear long trainings on small tables: its target network drifts away from the fixed
classifier, and with 100 epochs (seed 0) it scored .31 on phone→watch and .59
on gas, where source-only had .34 and .49.

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
