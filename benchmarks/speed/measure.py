"""Code of several sections: a row of the page, made data, a network."""

import argparse
from collections.abc import Callable
from typing import NamedTuple

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


def n_rows(n: int, options: argparse.Namespace) -> int:
    """Return how many rows are measured: a thousandth in a quick look."""
    return max(64, n // 1000) if options.quick else n


def table(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d), dtype=np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    return X, y, rng.standard_normal((n, d), dtype=np.float32) + np.float32(0.5)


def mlp(n_features: int, *hidden: int, n_outputs: int = 2) -> Callable[[], nn.Module]:
    return lambda: MLP(n_features, n_outputs, hidden=hidden, batch_norm=False)
