"""Shifts of tables: hearts in four hospitals, wines, activities, gas sensors; gains on them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import permutations

import numpy as np
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import FunctionTransformer

from skda.datasets import fetch_heart_disease, fetch_wine_quality

from .goals import Means
from .methods import ADAPTING, SOURCE_ONLY
from .runner import Task
from .shifts import ACTIVITY_EPOCHS, GAS_EPOCHS, Shift, activity, gas, of_any_seed, shift

HEART_EPOCHS, WINE_EPOCHS = 30, 15
HOSPITALS = {"C": "cleveland", "H": "hungarian", "S": "switzerland", "V": "va"}
CHOLESTEROL = 4


def without_impossible_zeros(X: np.ndarray) -> np.ndarray:
    """Mark a serum cholesterol of 0, which stands for a missing value, as missing."""
    X = np.array(X, dtype=np.float32)
    X[X[:, CHOLESTEROL] == 0, CHOLESTEROL] = np.nan
    return X


def heart(quick: bool, source: str, target: str) -> Shift:
    steps = (
        FunctionTransformer(without_impossible_zeros),
        SimpleImputer(strategy="median", keep_empty_features=True),
        VarianceThreshold(),
    )
    data = fetch_heart_disease(HOSPITALS[source], HOSPITALS[target])
    whole = shift(data, balanced_accuracy_score, HEART_EPOCHS, False, steps=steps)
    # a tenth of the rows of Switzerland may be of a single class
    return replace(whole, max_epochs=2) if quick else whole


def wine(quick: bool, source: str, target: str) -> Shift:
    data = fetch_wine_quality(source, target)
    return shift(data, balanced_accuracy_score, WINE_EPOCHS, quick)


def task(name: str, load: Callable[[bool], Shift], score_name: str, epochs: int) -> Task:
    return Task(name, of_any_seed(load), score_name, f"{epochs} epochs")


BALANCED = "balanced accuracy"
HEART = [
    task(f"heart {s}→{t}", partial(heart, source=s, target=t), BALANCED, HEART_EPOCHS)
    for s, t in permutations(HOSPITALS, 2)
]
WINE = [
    task(f"wine {s}→{t}", partial(wine, source=s, target=t), BALANCED, WINE_EPOCHS)
    for s, t in (("white", "red"), ("red", "white"))
]
ACTIVITY = [
    task(f"{s}→{t}", partial(activity, source=s, target=t), BALANCED, ACTIVITY_EPOCHS)
    for s, t in (("phone", "watch"), ("watch", "phone"))
]
GAS = [task(f"gas 1→{n}", partial(gas, target=f"batch{n}"), "accuracy", GAS_EPOCHS) for n in (2, 6)]
TASKS = [*HEART, *WINE, *ACTIVITY, *GAS]
GROUPS = {
    "heart": [task.name for task in HEART],
    "wine": [task.name for task in WINE],
    "heart and wine": [task.name for task in (*HEART, *WINE)],
    "activity": [task.name for task in ACTIVITY],
    "gas": [task.name for task in GAS],
}


def gain(means: Means, method: str, reference: str = SOURCE_ONLY) -> float:
    """Return the gain of a method over another, as the mean of heart and wine."""
    tasks = GROUPS["heart and wine"]
    return means.of(method, tasks) - means.of(reference, tasks)


def worst_default(means: Means, end: str = "") -> tuple[float, str]:
    """Return the least gain of a default on heart and wine, and the method that has it."""
    return min((gain(means, name + end, SOURCE_ONLY + end), name) for name in ADAPTING)
