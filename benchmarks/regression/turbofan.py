"""Turbofans: six pairs of conditions, the remaining life of an engine."""

from collections.abc import Callable
from functools import lru_cache, partial
from itertools import permutations

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error

from skda.datasets import fetch_turbofan

from ..harness.runner import Task
from .cases import Case, View

CAP = 125
PAIRS = list(permutations(("FD001", "FD002", "FD003"), 2))
# of the search, and on which pair, for time: the shipped lam, or none
LAMS = (1.0,)
SEARCHED_PAIR = "FD002→FD001"
N_WINDOWS, STEP = 1000, 5
PARAMS = {"max_epochs": 20}
# a channel whose deviation is below this share of its size is constant up to its last digit
CONSTANT = 1e-3


def usual_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the challenge's score in thousands: a life that is said too long costs more."""
    late = y_pred.astype(np.float64) - y_true
    return float(np.expm1(np.where(late < 0, -late / 13, late / 10)).sum() / 1000)


def varying_channels(X: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that keeps the channels that vary in these series, and scales them."""
    mean, spread = (getattr(X, name)((0, 2), keepdims=True) for name in ("mean", "std"))
    kept = (spread > CONSTANT * np.maximum(np.abs(mean), 1)).ravel()
    return lambda series: ((series - mean) / np.where(spread > 0, spread, 1))[:, kept]


def ridge(X: np.ndarray, y: np.ndarray, X_test: np.ndarray) -> np.ndarray:
    """Fit ridge regression to flattened windows, predict others."""
    scale = varying_channels(X)
    rows, of_test = (scale(series).reshape(len(series), -1) for series in (X, X_test))
    predicted: np.ndarray = Ridge().fit(rows, y).predict(of_test)
    return predicted


@lru_cache(maxsize=1)
def case(source: str, target: str, quick: bool, seed: int) -> Case:
    """Return the windows that a seed draws, of each domain's training engines."""
    data = fetch_turbofan(source, target, step=STEP, max_rul=CAP)
    rng = np.random.default_rng(seed)
    n_windows = N_WINDOWS // (10 if quick else 1)
    of_source, of_target = (
        rng.permutation(len(y))[:n_windows] for y in (data.y_source, data.y_target)
    )
    X_target = data.X_target[of_target].astype(np.float64)
    return Case(
        data.X_source[of_source].astype(np.float64),
        data.y_source[of_source, None],
        X_target,
        data.X_target_test.astype(np.float64),
        data.y_target_test[:, None],
        (X_target, data.y_target[of_target, None]),
        varying_channels,
        ridge,
        {"max_epochs": 2} if quick else PARAMS,
        seed,
        limits=(0, CAP),
        lams=LAMS,
    )


def load(
    source: str, target: str, metric: Callable[..., float], quick: bool
) -> Callable[[int], View]:
    """Return the function from a seed to its view of a case."""
    return lambda seed: View(case(source, target, quick, seed), 0, metric)


METRICS = {"RMSE": root_mean_squared_error, "score": usual_score}
UNITS = {"RMSE": "RMSE in cycles", "score": "score in thousands"}
TASKS = [
    Task(
        f"{source}→{target}, {name}",
        partial(load, source, target, metric),
        UNITS[name],
        f"{N_WINDOWS} windows, {PARAMS['max_epochs']} epochs",
    )
    for source, target in PAIRS
    for name, metric in METRICS.items()
]
GROUPS = {
    f"turbofan, {name}": [f"{source}→{target}, {name}" for source, target in PAIRS]
    for name in METRICS
}
