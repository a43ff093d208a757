"""Turbofans: six pairs of conditions, the remaining life of an engine."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import permutations

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.preprocessing import StandardScaler

from skda import DomainConditionScaler
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
# a channel whose deviation is below this share of its size counts as constant
CONSTANT = 1e-3
# the channels that describe the operating condition
SETTINGS = [0, 1, 2]
BY_CONDITION = " by condition"


def usual_score(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Return the challenge's score in thousands, in which an overestimated life costs more."""
    late = y_pred.astype(np.float64) - y_true
    return float(np.expm1(np.where(late < 0, -late / 13, late / 10)).sum() / 1000)


def varies(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Say of each channel whether its deviation is more than `CONSTANT` of its size."""
    return np.asarray(spread > CONSTANT * np.maximum(np.abs(mean), 1))


def varying_channels(X: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that keeps the channels that vary in these series, and scales them."""
    mean, spread = (getattr(X, name)((0, 2), keepdims=True) for name in ("mean", "std"))
    kept = varies(mean, spread).ravel()
    return lambda series: ((series - mean) / np.where(spread > 0, spread, 1))[:, kept]


def varying_within(scalers: Sequence[StandardScaler]) -> np.ndarray:
    """Say of each channel whether it varies within one of the conditions of a domain."""
    return np.any([varies(scaler.mean_, np.sqrt(scaler.var_)) for scaler in scalers], axis=0)


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


@lru_cache(maxsize=1)
def case_by_condition(source: str, target: str, quick: bool, seed: int) -> Case:
    """Return the same windows, with each sensor scaled within the conditions of its domain.

    A channel that counts as constant within each condition is zero; the settings are left out.
    """
    plain = case(source, target, quick, seed)
    scaler = DomainConditionScaler(SETTINGS).fit(plain.X_source, X_target=plain.X_target)
    of_source, of_target = map(varying_within, (scaler.source_scalers_, scaler.target_scalers_))
    X_target, X_test = (
        scaler.transform(X) * of_target[:, None] for X in (plain.X_target, plain.X_test)
    )
    return replace(
        plain,
        X_source=scaler.transform(plain.X_source, domain="source") * of_source[:, None],
        X_target=X_target,
        X_test=X_test,
        oracle_rows=(X_target, plain.oracle_rows[1]),
        known={},
    )


def load(
    source: str, target: str, by: str, metric: Callable[..., float], quick: bool
) -> Callable[[int], View]:
    """Return the function from a seed to its view of a case."""
    make = case_by_condition if by else case
    return lambda seed: View(make(source, target, quick, seed), 0, metric)


METRICS = {"RMSE": root_mean_squared_error, "score": usual_score}
UNITS = {"RMSE": "RMSE in cycles", "score": "score in thousands"}
TASKS = [
    Task(
        f"{source}→{target}{by}, {name}",
        partial(load, source, target, by, metric),
        UNITS[name],
        f"{N_WINDOWS} windows, {PARAMS['max_epochs']} epochs",
    )
    for by in ("", BY_CONDITION)
    for source, target in PAIRS
    for name, metric in METRICS.items()
]
GROUPS = {
    f"turbofan{by}, {name}": [f"{source}→{target}{by}, {name}" for source, target in PAIRS]
    for by in ("", BY_CONDITION)
    for name in METRICS
}
