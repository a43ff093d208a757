"""Small regression tasks on which many networks can be trained, and which were looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from skda.datasets import fetch_corn_nir, fetch_turbofan, make_shifted_regression

N_COMPONENTS = 10
N_WINDOWS, STEP, CAP = 300, 10, 125
CONSTITUENTS = ("moisture", "oil", "protein", "starch")
INSTRUMENTS, CONDITIONS = ("m5", "mp5", "mp6"), ("FD001", "FD002", "FD003")


class Drawn(NamedTuple):
    """The rows and labels of both domains that a seed draws."""

    X_source: NDArray
    y_source: NDArray
    X_target: NDArray
    y_target: NDArray


@dataclass(frozen=True)
class Task:
    """Where the rows come from, how a network is trained, and whether the task was looked at.

    For their error, but not for the validators, predictions are cut to `limits`.
    """

    draw: Callable[[int], Drawn]
    params: Mapping[str, Any]
    looked_at: bool
    limits: tuple[float, float] = (-np.inf, np.inf)


def corn(source: str, target: str, constituent: str, seed: int) -> Drawn:
    """Return the leading components of the source's spectra, each of variance 1."""
    data = fetch_corn_nir(source, target, constituents=[constituent], random_state=seed)
    pca = PCA(N_COMPONENTS, whiten=True, svd_solver="full").fit(data.X_source)
    of_source, of_target = (pca.transform(X) for X in (data.X_source, data.X_target))
    return Drawn(of_source, data.y_source.ravel(), of_target, data.y_target.ravel())


def turbofan(source: str, target: str, seed: int) -> Drawn:
    """Return the mean of each channel in a window, and the difference of its two halves.

    The columns are standardised by the source; columns that are constant there are left out.
    """
    data = fetch_turbofan(source, target, step=STEP, max_rul=CAP)
    rng = np.random.default_rng(seed)

    def some(X: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        rows = rng.permutation(len(y))[:N_WINDOWS]
        first, second = (half.mean(2) for half in np.array_split(X[rows].astype(float), 2, axis=2))
        return np.hstack([(first + second) / 2, second - first]), y[rows]

    X_source, y_source = some(data.X_source, data.y_source)
    X_target, y_target = some(data.X_target, data.y_target)
    mean, spread = X_source.mean(0), X_source.std(0)
    kept = spread > 1e-3 * np.maximum(np.abs(mean), 1)
    scaled = [((X - mean) / np.where(kept, spread, 1))[:, kept] for X in (X_source, X_target)]
    return Drawn(scaled[0], y_source, scaled[1], y_target)


def made(shift: float, high_labels: bool, seed: int) -> Drawn:
    """Return two instruments; with `high_labels`, the target has only the upper half of labels."""
    data = make_shifted_regression(300, 600, shift=shift, random_state=seed)
    kept = data.y_target > np.median(data.y_target) if high_labels else slice(300)
    return Drawn(data.X_source, data.y_source, data.X_target[kept], data.y_target[kept])


CORN_PARAMS = {"max_epochs": 50, "batch_size": 16}
TABLE_PARAMS = {"max_epochs": 20}
LOOKED_AT = {
    *(f"corn {name}" for name in ("moisture", "oil")),
    *("made, shift 2", "made, shift 1, high labels", "made, shift 2, high labels"),
}
TASKS = {
    **{
        f"corn {name} {source}→{target}": Task(
            partial(corn, source, target, name), CORN_PARAMS, f"corn {name}" in LOOKED_AT
        )
        for name in CONSTITUENTS
        for source, target in permutations(INSTRUMENTS, 2)
    },
    **{
        name: Task(partial(made, *options), TABLE_PARAMS, name in LOOKED_AT)
        for name, options in {
            "made, shift 0": (0.0, False),
            "made, shift 2": (2.0, False),
            "made, shift 1, high labels": (1.0, True),
            "made, shift 2, high labels": (2.0, True),
        }.items()
    },
    **{
        f"{source}→{target}": Task(
            partial(turbofan, source, target),
            TABLE_PARAMS,
            True,
            (0, CAP),
        )
        for source, target in permutations(CONDITIONS, 2)
    },
}
