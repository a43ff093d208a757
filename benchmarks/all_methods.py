"""Every estimator on five shifts, with and without scaling by domain; where each one loses.

    SKDA_DATA_HOME=/folder/of/the/data python benchmarks/all_methods.py

Writes benchmarks/results/all_methods.md, .png and .csv; started again, it goes on where it stopped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matrix
import numpy as np
from first_methods import Shift, activity, gas, network, oracle, shift, z_scores
from matrix import Matrix
from runner import Method, Task
from scipy.sparse import issparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import StandardScaler

import skda
from skda import FinetuneClassifier, make_pipeline
from skda.datasets import fetch_amazon_reviews, make_scanned_digits
from skda.model_selection import LambdaSearchCV
from skda.preprocessing import DomainStandardScaler

SCANNED_EPOCHS, GAS_EPOCHS, ACTIVITY_EPOCHS, AMAZON_EPOCHS = 30, 30, 20, 5
SCALED = ", scaled"
SOURCE_ONLY, ADABN, ORACLE, LOGISTIC = (
    "source-only",
    "AdaBN",
    "target oracle",
    "logistic regression",
)
RAW_COUNTS = "logistic regression, raw counts"
JOINT, SEARCHED = ", joint statistics", ", lam searched"

Data = Callable[[int], Shift]


def scanned(quick: bool) -> Data:
    @cache
    def of_seed(seed: int) -> Shift:
        digits = make_scanned_digits(random_state=seed)
        return shift(digits, accuracy_score, SCANNED_EPOCHS, quick)

    return of_seed


def of_any_seed(load: Callable[[bool], Shift]) -> Callable[[bool], Data]:
    def of_quick(quick: bool) -> Data:
        data = load(quick)
        return lambda seed: data

    return of_quick


def amazon(source: str, target: str) -> Callable[[bool], Data]:
    return of_any_seed(
        lambda quick: shift(
            fetch_amazon_reviews(source, target), accuracy_score, AMAZON_EPOCHS, quick
        )
    )


@dataclass(frozen=True)
class Scaling:
    """How rows are scaled before an estimator sees them."""

    by_domain: bool

    def predictions(self, data: Shift, estimator: Any, **target: Any) -> np.ndarray:
        """Fit on the source, and on what of the target is passed, and predict the test rows."""
        if data.X_source.ndim > 2:
            return self._of_images(data, estimator, **target)
        scaler = DomainStandardScaler if self.by_domain else StandardScaler
        scaling = scaler(with_mean=not issparse(data.X_source))
        pipe = make_pipeline(*data.steps, scaling, estimator)
        if self.by_domain:
            target = {"X_target": data.X_target}
        predicted: np.ndarray = pipe.fit(data.X_source, data.y_source, **target).predict(
            data.X_test
        )
        return predicted

    def _of_images(self, data: Shift, estimator: Any, **target: Any) -> np.ndarray:
        X_source, X_test = data.X_source, data.X_test
        if self.by_domain:
            X_source, X_test = z_scores(X_source, X_source), z_scores(X_test, data.X_target)
        predicted: np.ndarray = estimator.fit(X_source, data.y_source, **target).predict(X_test)
        return predicted


def trained(
    estimator: type, by_domain: bool, takes_target: bool = True, **params: Any
) -> Callable[[Data, int], float]:
    """Return the run of an estimator with its shipped defaults."""

    def run(data_of: Data, seed: int) -> float:
        data = data_of(seed)
        target = {"X_target": data.X_target} if takes_target else {}
        clf = network(estimator, data, seed, **params)
        return data.score(Scaling(by_domain).predictions(data, clf, **target))

    return run


def logistic_regression(by_domain: bool) -> Callable[[Data, int], float]:
    def run(data_of: Data, seed: int) -> float:
        data = data_of(seed)
        return data.score(Scaling(by_domain).predictions(data, LogisticRegression(max_iter=5000)))

    return run


def on_raw_counts(data_of: Data, seed: int) -> float:
    data = data_of(seed)
    clf = LogisticRegression(max_iter=5000).fit(data.X_source, data.y_source)
    return data.score(clf.predict(data.X_test))


def shipped(estimator: type) -> str:
    """Return the defaults in which an estimator differs from the source-only network."""
    plain = FinetuneClassifier().get_params()
    own = {k: v for k, v in estimator().get_params().items() if v != plain.get(k)}
    return ", ".join(f"{k}={v:g}" if isinstance(v, float) else f"{k}={v}" for k, v in own.items())


CLASSES = [getattr(skda, name) for name in skda.__all__ if name.endswith("Classifier")]
ADAPTING = {
    cls.__name__.removesuffix("Classifier"): cls for cls in CLASSES if hasattr(cls(), "lam")
}
# those that LambdaSearchCV takes by itself
VALIDATORS = LambdaSearchCV(FinetuneClassifier()).validator
# not the default: in a long training on few rows it may diverge
UNBIASED = "DDC, unbiased"
COMPARED = [*ADAPTING, UNBIASED]


def rows(by_domain: bool) -> list[Method]:
    end = SCALED if by_domain else ""
    adabn = trained(FinetuneClassifier, by_domain, adapt_batch_norm=True)
    return [
        Method(LOGISTIC + end, logistic_regression(by_domain)),
        Method(SOURCE_ONLY + end, trained(FinetuneClassifier, by_domain, takes_target=False)),
        Method(ADABN + end, adabn),
        *(
            Method(name + end, trained(cls, by_domain), shipped(cls))
            for name, cls in ADAPTING.items()
        ),
        Method(
            UNBIASED + end,
            trained(skda.DDCClassifier, by_domain, unbiased=True),
            f"{shipped(skda.DDCClassifier)}; here unbiased=True",
        ),
    ]


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
    Method(RAW_COUNTS, on_raw_counts),
    Method(ORACLE, lambda data_of, seed: oracle(data_of(seed), seed)),
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


DEFAULTS = "\n".join(
    [
        "## The defaults\n",
        "What differs from the defaults that all estimators share (lr=0.001, lr_schedule=constant,",
        "batch_size=64, Adam):\n",
        *(f"- {name}: {shipped(cls)}" for name, cls in ADAPTING.items()),
    ]
)
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

`max_epochs` is shipped as 100. ADDA does not bear that on small tables: its target network drifts
away from the fixed classifier, and with 100 epochs (seed 0) it scored .31 on phone→watch and .59
on gas, where source-only had .34 and .49.

{DEFAULTS}"""


BENCHMARK = Matrix(
    "Every method on five shifts",
    TASKS,
    METHODS,
    Path(__file__).parent / "results" / "all_methods",
    INTRODUCTION,
    NOTES,
    references={SOURCE_ONLY: "▼", ADABN: "▽"},
    compared=[name + end for end in ("", SCALED) for name in COMPARED],
    has_run=has_run,
    mean=False,
    reference_of=of_same_scaling,
)

if __name__ == "__main__":
    matrix.main(BENCHMARK)
