"""Handwritten digits: MNIST and USPS both ways, and MNIST to MNIST-M."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from sklearn.metrics import accuracy_score
from torch import nn

from skda import DaNNClassifier, DDCClassifier, FinetuneClassifier
from skda.datasets import fetch_handwritten_digits
from skda.model_selection import LambdaSearchCV

from ..harness import matrix
from ..harness.goals import Goal, Means
from ..harness.matrix import Matrix
from ..harness.methods import (
    ADABN,
    ADAPTING,
    JOINT,
    LOGISTIC,
    ORACLE,
    SEARCHED,
    SOURCE_ONLY,
    UNBIASED,
    VALIDATORS,
    shipped,
)
from ..harness.runner import Method, Task, plan
from ..harness.runs import (
    Run,
    logistic_regression,
    network,
    of_seed,
    oracle,
    trained,
    z_scored_network,
)
from ..harness.shifts import Data, Shift, shift
from .networks import FastConvNet, GaninNet
from .page import INTRODUCTION, NOTES, PUBLISHED

SMALL_EPOCHS, MNISTM_EPOCHS = 15, 16
USPS_EPOCHS, MNIST_EPOCHS = 16, 2  # on all images
LAMS = (0.1, 0.3, 1.0)
SEARCH_EPOCHS, SEARCH_FOLDS = 5, 2
SCALED = ", zT"


@dataclass(frozen=True)
class Pair:
    """Two kinds of digits, the number of images drawn of each, and the length of the training."""

    source: str
    target: str
    n_source: int | None
    n_target: int | None
    max_epochs: int
    module: type[nn.Module] = FastConvNet
    size: int = 16

    def load(self, quick: bool) -> Data:
        # the sets are large, so only those of one seed are kept
        @lru_cache(maxsize=1)
        def drawn(seed: int) -> Shift:
            sizes = {"n_source": self.n_source, "n_target": self.n_target}
            data = fetch_handwritten_digits(
                self.source, self.target, size=self.size, random_state=seed, **sizes
            )
            return shift(data, accuracy_score, self.max_epochs, quick, module=self.module)

        return drawn

    def task(self, name: str) -> Task:
        drawn = f"{self.n_source or 'all'} + {self.n_target or 'all'} images"
        network = f"{self.module.__name__} {self.size}x{self.size}"
        settings = f"{drawn}, {self.max_epochs} epochs, {network}"
        return Task(name, self.load, "accuracy", settings)


def shallow(data: Shift, seed: int) -> float:
    """Train DaNN, which comes with a network of its own."""
    return trained(DaNNClassifier)(replace(data, module=None), seed)


def with_searched_lam(estimator: type) -> Run:
    """Return the run that chooses lam without target labels in few epochs, and then trains."""

    def run(data: Shift, seed: int) -> float:
        brief = replace(data, max_epochs=min(SEARCH_EPOCHS, data.max_epochs))
        search = LambdaSearchCV(
            network(estimator, brief, seed),
            LAMS,
            cv=SEARCH_FOLDS,
            refit=False,
            random_state=seed,
        ).fit(data.X_source, data.y_source, data.X_target)
        return trained(estimator, lam=search.best_params_["lam"])(data, seed)

    return run


def method(name: str, run: Run, settings: str = "") -> Method:
    return Method(name, of_seed(run), settings)


def adapting(name: str) -> Method:
    return method(name, trained(ADAPTING[name]), shipped(ADAPTING[name]))


def joint(name: str) -> Method:
    """Return an estimator's row without per-domain scaling."""
    settings = f"{shipped(ADAPTING[name])}, joint"
    return method(name + JOINT, trained(ADAPTING[name], batch_stats="joint"), settings)


def searched(name: str) -> Method:
    """Return an estimator's row with a lam chosen without labels."""
    rule = " + ".join(VALIDATORS)
    search = f"lams {LAMS}, {SEARCH_FOLDS} folds, {SEARCH_EPOCHS} epochs, {rule}"
    settings = f"{shipped(ADAPTING[name])}; {search}"
    return method(name + SEARCHED, with_searched_lam(ADAPTING[name]), settings)


SMALL = ["MNIST→USPS, 2000/1800", "USPS→MNIST, 1800/2000"]
MNISTM = "MNIST→MNIST-M"
TASKS = [
    Pair("mnist", "usps", 2000, 1800, SMALL_EPOCHS).task(SMALL[0]),
    Pair("usps", "mnist", 1800, 2000, SMALL_EPOCHS).task(SMALL[1]),
    Pair("mnist", "mnistm", 10000, None, MNISTM_EPOCHS, GaninNet, 28).task(MNISTM),
    Pair("usps", "mnist", None, None, USPS_EPOCHS).task("USPS→MNIST, all"),
    Pair("mnist", "usps", None, None, MNIST_EPOCHS).task("MNIST→USPS, all"),
]
OF_LARGE_SETS = ["DeepCORAL", "DAN", "DANN", "CDAN", "MCC"]
NAMES = ["DDC", "JAN", "ADDA", "WDGRL", "DeepJDOT", *OF_LARGE_SETS]
VARIANTS = [*map(joint, NAMES), *map(searched, ("DAN", "DANN"))]
REFERENCES = [
    method(SOURCE_ONLY, trained(FinetuneClassifier)),
    method(SOURCE_ONLY + SCALED, z_scored_network),
    method(ADABN, trained(FinetuneClassifier, adapt_batch_norm=True)),
]
METHODS = [
    method(LOGISTIC, logistic_regression(target_by_itself=False)),
    method(LOGISTIC + SCALED, logistic_regression(target_by_itself=True)),
    *REFERENCES,
    method("DaNN", shallow, shipped(DaNNClassifier)),
    *map(adapting, NAMES),
    method(
        UNBIASED,
        trained(DDCClassifier, unbiased=True),
        f"{shipped(DDCClassifier)}; here unbiased=True",
    ),
    *VARIANTS,
    method(ORACLE, oracle),
]
EVERYWHERE = {*(m.name for m in REFERENCES), *OF_LARGE_SETS, ORACLE}
# for time; zT would change nothing, because GaninNet normalises each image by itself
ON_MNISTM = EVERYWHERE - {SOURCE_ONLY + SCALED}
COMPARED = ["DaNN", *NAMES, UNBIASED, *(m.name for m in VARIANTS)]


def has_run(task: Task, method: Method) -> bool:
    if task.name == MNISTM:
        return method.name in ON_MNISTM
    return task.name in SMALL or method.name in EVERYWHERE


GOALS = {
    **{
        task: Goal(
            f"Best method on {task}", partial(Means.best, methods=COMPARED, task=task), at_least
        )
        for task, at_least in zip(SMALL, (0.90, 0.88), strict=True)
    },
    MNISTM: Goal(f"DANN on {MNISTM}", lambda means: means.on(MNISTM, "DANN"), 0.7666),
}
BENCHMARK = Matrix(
    "Handwritten digits",
    TASKS,
    METHODS,
    Path(__file__).parent / "digits",
    INTRODUCTION,
    NOTES.format(
        validators=", ".join(VALIDATORS),
        search_epochs=SEARCH_EPOCHS,
        small_epochs=SMALL_EPOCHS,
        mnistm_epochs=MNISTM_EPOCHS,
        usps_epochs=USPS_EPOCHS,
        mnist_epochs=MNIST_EPOCHS,
    ),
    references={SOURCE_ONLY: "▼", ADABN: "▽"},
    compared=COMPARED,
    published={
        name: {TASKS[i].name: score for i, score in enumerate(scores) if score is not None}
        for name, scores in PUBLISHED.items()
    },
    goals=list(GOALS.values()),
    has_run=has_run,
    mean=False,
)


def about(tasks: Collection[str]) -> Matrix:
    """Return the benchmark with the goals and the published rows of some tasks only."""
    return replace(
        BENCHMARK,
        goals=[goal for name, goal in GOALS.items() if name in tasks],
        published={
            name: scores
            for name, scores in BENCHMARK.published.items()
            if not scores.keys().isdisjoint(tasks)
        },
    )


def main(arguments: Sequence[str] | None = None) -> None:
    tasks = {task.name for task in plan(BENCHMARK, arguments).tasks}
    matrix.main(about(tasks), arguments)


if __name__ == "__main__":
    main()
