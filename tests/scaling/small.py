"""Small domains, a network without batch normalisation, and estimators of it."""

from __future__ import annotations

import runpy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from skda import (
    ADDAClassifier,
    CDANClassifier,
    DANClassifier,
    DANNClassifier,
    DAREGRAMRegressor,
    JANClassifier,
    MCDClassifier,
    WDGRLClassifier,
)

# batches of 16 rows become batches of 15: two processes get 8 and 7 rows
RNG = np.random.default_rng(0)
X_SOURCE = RNG.normal(size=(45, 4)).astype(np.float32)
Y_SOURCE = np.arange(45) % 3
X_SOURCE[:, 0] += Y_SOURCE
X_TARGET = RNG.normal(size=(37, 4)).astype(np.float32) + 1
DOMAINS = X_SOURCE, Y_SOURCE, X_TARGET


class Plain(nn.Module):
    def __init__(self, n_features: int, n_classes: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_features, 16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh())
        self.head = nn.Linear(8, n_classes)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(rows))


FEW: dict[str, Any] = {"max_epochs": 3, "lr": 0.01, "random_state": 0}
MAKE = {
    cls.__name__: partial(cls, Plain, **FEW)
    for cls in (
        DANNClassifier,
        DANClassifier,
        CDANClassifier,
        JANClassifier,
        DAREGRAMRegressor,
        MCDClassifier,
        WDGRLClassifier,
        ADDAClassifier,
    )
}
MAKE["weighted"] = partial(DANNClassifier, Plain, class_weight={0: 5.0}, **FEW)
MAKE["optimal kernels"] = partial(DANClassifier, Plain, kernel_weights="optimal", **FEW)


def state_of(estimator: Any) -> dict[str, Any]:
    """Return the trained tensors and the history of an estimator, without its times."""
    parts = estimator.net_.trained_modules
    weights = [tensor.clone() for part in parts for tensor in part.state_dict().values()]
    kept = [
        {k: v for k, v in row.items() if k not in ("dur", "batches")} for row in history(estimator)
    ]
    return {"weights": weights, "history": kept}


def history(estimator: Any) -> list[dict[str, Any]]:
    return list(estimator.net_.history)


def script(name: str) -> dict[str, Any]:
    """Return the names that a script of examples/scaling defines."""
    folder = Path(__file__).parents[2] / "examples" / "scaling"
    return runpy.run_path(str(folder / f"{name}.py"))
