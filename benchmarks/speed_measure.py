"""What the sections of speed.py share: a row of the page, seconds, made data."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from skda import DANClassifier, DANNClassifier, DeepCORALClassifier
from skda.nn import MLP

METHODS = {"DANN": DANNClassifier, "DAN": DANClassifier, "DeepCORAL": DeepCORALClassifier}


class Row(NamedTuple):
    """One number and, where there is one, its goal."""

    section: str
    case: str
    measure: str
    value: float
    unit: str = "ratio"
    goal: str = ""

    @property
    def met(self) -> str:
        if not self.goal:
            return ""
        relation, bound = self.goal.split()
        bound = float(bound)
        return "yes" if (self.value <= bound if relation == "<=" else self.value >= bound) else "NO"


def cpu_seconds(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def side_by_side(
    functions: dict[str, Callable[[], Any]], rounds: int, repeat: int = 1
) -> dict[str, list[float]]:
    """CPU seconds of each function in each round; who begins changes from round to round."""
    names = list(functions)
    for function in functions.values():  # warm
        function()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for i in range(rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            total = cpu_seconds(lambda f=functions[name]: [f() for _ in range(repeat)])
            seconds[name].append(total / repeat)
    return seconds


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median over the rounds of the ratio within a round: what slows the machine slows both."""
    return median(a / b for a, b in zip(above, below, strict=True))


def table(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d), dtype=np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    return X, y, rng.standard_normal((n, d), dtype=np.float32) + np.float32(0.5)


def mlp(n_features: int, *hidden: int) -> Callable[[], nn.Module]:
    return lambda: MLP(n_features, 2, hidden=hidden, batch_norm=False)
