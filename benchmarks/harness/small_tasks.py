"""Small tasks on which many networks can be trained: rows, and how a network is trained on them."""

from argparse import Namespace
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split

from skda import make_pipeline
from skda.datasets import (
    fetch_amazon_reviews,
    fetch_gas_drift,
    fetch_handwritten_digits,
    fetch_heart_disease,
    fetch_phone_watch,
    fetch_wine_quality,
    make_digits_on_photos,
    make_rotated_moons,
    make_scanned_digits,
)

from .search_internals import DomainData, own_stream, take_rows

MAX_TEST_ROWS = 1500
HELD_OUT = 0.25


@dataclass(frozen=True)
class Task:
    """Where the rows come from, how many are used, and how the network is trained on them."""

    load: Callable[[], Any]
    n_source: int
    n_target: int
    params: Mapping[str, Any]
    steps: Sequence[Any] = field(default_factory=tuple)


def estimator_for(task: Task, estimator: type, **params: Any) -> Any:
    """Return an unfitted estimator as a task trains it, behind the steps of the task."""
    last = estimator(device="cpu", **task.params, **params)
    return make_pipeline(*task.steps, last) if task.steps else last


IMAGES = {"max_epochs": 10, "lr": 3e-3, "module__width": 8}
DIGITS = partial(fetch_handwritten_digits, size=16)
TABLE = {"max_epochs": 15}


def moons(angle: float = 35.0, random_state: int = 1000) -> Task:
    load = partial(make_rotated_moons, angle=angle, random_state=random_state)
    return Task(load, 300, 300, {"max_epochs": 50, "lr": 1e-2, "batch_size": 32})


def images(load: Callable[[], Any]) -> Task:
    return Task(load, 400, 400, IMAGES)


def gas(source: str, target: str) -> Task:
    return Task(partial(fetch_gas_drift, source, target), 445, 600, {"max_epochs": 20})


def heart(source: str, target: str, n_target: int = 303) -> Task:
    steps = (SimpleImputer(strategy="median"),)
    load = partial(fetch_heart_disease, source, target)
    return Task(load, 303, n_target, {"max_epochs": 20}, steps)


def reviews(source: str, target: str) -> Task:
    return Task(partial(fetch_amazon_reviews, source, target), 500, 500, {"max_epochs": 6})


TASKS = {
    "moons": moons(),
    "scanned digits": images(partial(make_scanned_digits, 500, 500, random_state=1000)),
    "digits on photos": images(partial(make_digits_on_photos, 500, 500, random_state=1000)),
    "USPS→MNIST": images(partial(DIGITS, "usps", "mnist")),
    "MNIST→USPS": images(partial(DIGITS, "mnist", "usps")),
    "phone→watch": Task(partial(fetch_phone_watch, "phone", "watch"), 600, 600, TABLE),
    "watch→phone": Task(partial(fetch_phone_watch, "watch", "phone"), 600, 600, TABLE),
    "gas 1→2": gas("batch1", "batch2"),
    "gas 1→6": gas("batch1", "batch6"),
    "heart Cleveland→VA": heart("cleveland", "va", 200),
    "heart Cleveland→Hungary": heart("cleveland", "hungarian", 294),
    "wine white→red": Task(partial(fetch_wine_quality, "white", "red"), 600, 600, TABLE),
    "wine red→white": Task(partial(fetch_wine_quality, "red", "white"), 600, 600, TABLE),
    "books→electronics": reviews("books", "electronics"),
    "kitchen→books": reviews("kitchen", "books"),
    "dvd→kitchen": reviews("dvd", "kitchen"),
}


def skewed(load: Callable[[], Any], shares: Sequence[float]) -> Any:
    """Keep these shares of the target's classes, in the rows to adapt to and in the test rows."""
    data = load()
    rng = own_stream(0, "selection benchmark, classes of the target")
    for part in ("target", "target_test"):
        X, y = data[f"X_{part}"], np.asarray(data[f"y_{part}"])
        class_index = np.unique(y, return_inverse=True)[1]
        kept = np.flatnonzero(rng.uniform(size=len(y)) < np.asarray(shares)[class_index])
        data[f"X_{part}"], data[f"y_{part}"] = take_rows(X, kept), y[kept]
    return data


def with_shares(task: Task, shares: Sequence[float]) -> Task:
    """Return a task that keeps these shares of the target's classes."""
    return replace(task, load=partial(skewed, task.load, shares))


def halved(task: Task, stream: str) -> Task:
    """Return a task without a shift: its domains are two halves of the source."""
    return replace(task, load=partial(_halves, task.load, stream))


def _halves(load: Callable[[], Any], stream: str) -> Any:
    data = load()
    X, y = data.X_source, np.asarray(data.y_source)
    rows = own_stream(0, stream).permutation(len(y))
    parts = {"source": rows[::2], "target": rows[1::2], "target_test": rows[1::2]}
    for part, kept in parts.items():
        data[f"X_{part}"], data[f"y_{part}"] = take_rows(X, kept), y[kept]
    return data


def few_rows(task: Task, n_source: int = 120, n_target: int = 100) -> Task:
    """Return a task with few rows and one epoch: enough to see that a page runs."""
    return replace(
        task, n_source=n_source, n_target=n_target, params={**task.params, "max_epochs": 1}
    )


def missing_tasks(
    options: Namespace, tasks: Mapping[str, Task], done: Container[tuple[str, float]]
) -> Iterator[tuple[str, int, Task]]:
    """Yield the name, the seed and the task of what `options` ask for and is not done."""
    for seed in options.seeds:
        for name in options.tasks:
            if (name, seed) not in done:
                yield name, seed, few_rows(tasks[name]) if options.quick else tasks[name]


HALF_THE_DIGITS = (1.0,) * 5 + (0.0,) * 5
STRESS_TASKS = {
    "moons not turned, 1:9": with_shares(moons(0.0), (1.0, 0.11)),
    "scanned digits 0 to 4": with_shares(TASKS["scanned digits"], HALF_THE_DIGITS),
    "MNIST→USPS 0 to 4": with_shares(TASKS["MNIST→USPS"], HALF_THE_DIGITS),
    "gas 1→2, three gases": with_shares(TASKS["gas 1→2"], (1.0, 1.0, 1.0, 0.0, 0.0, 0.0)),
    "wine white→red, 1:9": with_shares(TASKS["wine white→red"], (1.0, 0.1)),
    "books→electronics, 1:9": with_shares(TASKS["books→electronics"], (1.0, 0.11)),
}
ALL_TASKS = {**TASKS, **STRESS_TASKS}


class Sample(NamedTuple):
    """The rows that a search gets, and the rows and labels of the target that only scores see."""

    train: DomainData
    y_target: NDArray
    X_test: Any
    y_test: NDArray


def draw(task: Task, loaded: Any, seed: int) -> Sample:
    """Draw rows of a task; each seed draws other rows if there are more than are used."""
    rng = own_stream(seed, "selection benchmark, rows")

    def some(X: Any, y: Any, n: int) -> tuple[Any, NDArray]:
        rows = rng.permutation(len(y))[:n]
        return take_rows(X, rows), np.asarray(y)[rows]

    X_source, y_source = some(loaded.X_source, loaded.y_source, task.n_source)
    X_target, y_target = some(loaded.X_target, loaded.y_target, task.n_target)
    X_test, y_test = some(loaded.X_target_test, loaded.y_target_test, MAX_TEST_ROWS)
    return Sample(DomainData(X_source, y_source, X_target), y_target, X_test, y_test)


def hold_out(data: DomainData, seed: int, stream: str) -> tuple[DomainData, DomainData]:
    """Return the data with three quarters of the source rows, and with the others."""
    parts = train_test_split(
        np.arange(len(data.y_source)),
        test_size=HELD_OUT,
        stratify=data.y_source,
        random_state=own_stream(seed, stream),
    )
    fitted_on, held_out = (
        DomainData(take_rows(data.X_source, rows), data.y_source[rows], data.X_target)
        for rows in parts
    )
    return fitted_on, held_out
