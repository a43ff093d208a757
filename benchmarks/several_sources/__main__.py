"""Several sources and one target: sources kept apart, joined, and one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.preprocessing import normalize

from skda import DANClassifier, DANNClassifier, FinetuneClassifier, M3SDAClassifier
from skda.datasets import fetch_gas_drift, fetch_office_caltech

from ..harness import matrix
from ..harness.matrix import Matrix
from ..harness.office_caltech import DOMAINS
from ..harness.runner import Method, Task

EPOCHS = 5
BATCH_SIZE = 64
GAS = ("batch1", "batch2", "batch6")

Domain = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class SeveralSources:
    """Rows and labels of each source and of the target, whose labels are for scores only."""

    sources: Sequence[Domain]
    target: Domain
    epochs: int

    @property
    def several(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        rows, labels = zip(*self.sources, strict=True)
        return list(rows), list(labels)

    @property
    def as_one(self) -> Domain:
        rows, labels = self.several
        return np.concatenate(rows), np.concatenate(labels)


def surf(domain: str, other: str) -> Domain:
    pair = fetch_office_caltech(DOMAINS[domain], DOMAINS[other])
    return normalize(pair.X_source.astype(np.float32), norm="l1"), pair.y_source


def gas(domain: str, other: str) -> Domain:
    pair = fetch_gas_drift(domain, other)
    return pair.X_source, pair.y_source


def load(fetch: Callable[[str, str], Domain], names: Sequence[str], quick: bool) -> SeveralSources:
    """Return the domains of these names; the last one is the target."""
    domains = [fetch(name, names[i - 1]) for i, name in enumerate(names)]
    if quick:
        domains = [(rows[::3], labels[::3]) for rows, labels in domains]
    return SeveralSources(domains[:-1], domains[-1], 1 if quick else EPOCHS)


def fitted_score(
    data: SeveralSources, seed: int, estimator: Any, X: Any, y: Any, steps: int = 1, **params: Any
) -> float:
    """Train for `steps` times the epochs; return the accuracy on the target."""
    clf = estimator(max_epochs=steps * data.epochs, random_state=seed, **params)
    return float(clf.fit(X, y, data.target[0]).score(*data.target))


def as_one(estimator: Any, data: SeveralSources, seed: int) -> float:
    k = len(data.sources)
    size = {"batch_size": k * BATCH_SIZE}
    return fitted_score(data, seed, estimator, *data.as_one, steps=k, **size)


def several(estimator: Any, data: SeveralSources, seed: int, **params: Any) -> float:
    k = len(data.sources)
    return fitted_score(data, seed, estimator, *data.several, steps=k, **params)


def alone(data: SeveralSources, seed: int, choose: Callable[[list[float]], float]) -> float:
    """Adapt from each source alone by DAN, for as many steps as all have; choose one score."""
    n = sum(len(labels) for _, labels in data.sources)
    scores = [
        fitted_score(data, seed, DANClassifier, X, y, steps=max(1, round(n / len(y))))
        for X, y in data.sources
    ]
    return choose(scores)


def mean(scores: list[float]) -> float:
    return float(np.mean(scores))


ONE, UNION, PAIRWISE, ALL = ", as one", ", union", ", pairwise", ", all domains"
ESTIMATORS = {"DAN": DANClassifier, "DANN": DANNClassifier}
METHODS = [
    Method("source-only" + ONE, partial(as_one, FinetuneClassifier)),
    Method("source-only, told apart", partial(several, FinetuneClassifier)),
    Method("DAN, mean of single sources", partial(alone, choose=mean)),
    Method("DAN, best single source", partial(alone, choose=max)),
    *(Method(name + ONE, partial(as_one, cls)) for name, cls in ESTIMATORS.items()),
    Method("DAN" + UNION, partial(several, DANClassifier, multi_source="union")),
    *(Method(name + PAIRWISE, partial(several, cls)) for name, cls in ESTIMATORS.items()),
    Method("DANN" + ALL, partial(several, DANNClassifier, multi_source="all_domains")),
    Method("M3SDA", partial(several, M3SDAClassifier)),
]

INTRODUCTION = """\
Accuracy on all rows of the target. The methods are trained on all labelled rows of several sources
and all unlabelled rows of the target. Target labels are used only for scores and to find the best
single source. Nothing was tuned for this page: all methods have their shipped defaults and the
built-in network."""

NOTES = f"""\
## What the rows are

- **{ONE.removeprefix(", ")}**: all sources in one array, as in a fit without `source_domain`.
- **told apart**, **{UNION.removeprefix(", ")}**, **{PAIRWISE.removeprefix(", ")}**,
  **{ALL.removeprefix(", ")}**: a list of sources. Each source has {BATCH_SIZE} rows in a step on
  average and batch statistics of its own; `multi_source` sets which sources are compared with the
  target. With **{ALL.removeprefix(", ")}** one discriminator separates the target and all sources.
- **single sources**: DAN from each source alone. The best source is chosen by its score on the
  target, which needs target labels: this row is a bound, not a method.
- With k sources, all networks (single sources excepted) are trained for {EPOCHS} k epochs, with
  {BATCH_SIZE} k source rows in each batch, so that all have the same number of steps. A batch has
  {BATCH_SIZE} target rows ("as one": {BATCH_SIZE} k). A single source has batches of {BATCH_SIZE}
  rows and about the same number of steps.
- M3SDA has one classifier for all sources; the paper has one for each source.
- Office-Caltech: SURF features, each row divided by its sum. Gas sensors: batches of months, of
  which skda has 1, 2 and 6."""

OFFICE = {f"→{name}": [*(n for n in DOMAINS if n != name), name] for name in DOMAINS}
GAS_TASKS = {f"gas→{name[-1]}": [*(n for n in GAS if n != name), name] for name in GAS}
MATRIX = Matrix(
    "Several sources: Office-Caltech and gas sensors",
    [
        *(Task(name, partial(load, surf, names), "") for name, names in OFFICE.items()),
        *(Task(name, partial(load, gas, names), "") for name, names in GAS_TASKS.items()),
    ],
    METHODS,
    Path(__file__).parent / "several_sources",
    INTRODUCTION,
    NOTES,
    references={"source-only" + ONE: "▼"},
    compared=[
        *(name + how for name in ESTIMATORS for how in (ONE, PAIRWISE)),
        "DAN" + UNION,
        "DANN" + ALL,
        "M3SDA",
    ],
)

main = partial(matrix.main, MATRIX)


if __name__ == "__main__":
    main()
