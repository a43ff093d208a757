"""Shifts between two domains, and the shifts of several pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from torch import nn

from skda.datasets import fetch_gas_drift, fetch_phone_watch

PLAIN_MLP = {"module__batch_norm": False}
GAS_EPOCHS, ACTIVITY_EPOCHS = 30, 20


@dataclass(frozen=True)
class Shift:
    """A labelled source, an unlabelled target, and labels that only scores and the oracle see."""

    X_source: np.ndarray
    y_source: np.ndarray
    X_target: np.ndarray
    y_target: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    metric: Callable[[np.ndarray, np.ndarray], float]
    max_epochs: int
    module: type[nn.Module] | None = None
    without_norm: dict[str, bool] = field(default_factory=dict)
    groups: np.ndarray | None = None
    # steps of the pipeline before any scaling, such as imputation
    steps: Sequence[Any] = ()

    @property
    def has_test_rows(self) -> bool:
        return self.X_test is not self.X_target

    def score(self, y_pred: np.ndarray) -> float:
        return float(self.metric(self.y_test, y_pred))


def few(shift: Shift) -> Shift:
    """Return every tenth row and two epochs."""
    every = slice(None, None, 10)
    X_target = shift.X_target[every]
    return replace(
        shift,
        X_source=shift.X_source[every],
        y_source=shift.y_source[every],
        X_target=X_target,
        y_target=shift.y_target[every],
        X_test=shift.X_test[every] if shift.has_test_rows else X_target,
        y_test=shift.y_test[every],
        groups=None if shift.groups is None else shift.groups[every],
        max_epochs=2,
    )


def shift(data: Any, metric: Any, max_epochs: int, quick: bool, **options: Any) -> Shift:
    whole = Shift(
        data.X_source,
        data.y_source,
        data.X_target,
        data.y_target,
        data.X_target_test,
        data.y_target_test,
        metric,
        max_epochs,
        **options,
    )
    return few(whole) if quick else whole


def gas(quick: bool, target: str = "batch6") -> Shift:
    data = fetch_gas_drift("batch1", target)
    return shift(data, accuracy_score, GAS_EPOCHS, quick, without_norm=PLAIN_MLP)


def activity(quick: bool, source: str = "phone", target: str = "watch") -> Shift:
    data = fetch_phone_watch(source, target)
    options: dict[str, Any] = {"without_norm": PLAIN_MLP, "groups": data.groups_target}
    return shift(data, balanced_accuracy_score, ACTIVITY_EPOCHS, quick, **options)


# the shift of a seed
Data = Callable[[int], Shift]


def of_any_seed(load: Callable[[bool], Shift]) -> Callable[[bool], Data]:
    """Return the loader of rows that are the same for every seed."""

    def of_quick(quick: bool) -> Data:
        data = load(quick)
        return lambda seed: data

    return of_quick
