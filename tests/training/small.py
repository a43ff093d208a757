"""One small estimator, and comparisons of its fits."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import Tensor

from skda import DANNClassifier
from skda.training import ArrayRows, DomainPair
from tests.shifted import Shifted, shifted

SMALL: dict[str, Any] = {
    "module__hidden": (6, 5),
    "max_epochs": 3,
    "random_state": 0,
    "lr_schedule": "constant",
}
DATA = shifted()

_PINNED = re.findall(
    r"^torch==(\S+)", (Path(__file__).parents[2] / "constraints.txt").read_text(), re.MULTILINE
)
with_the_pinned_torch = pytest.mark.skipif(
    torch.__version__.split("+")[0] not in _PINNED,
    reason="the numbers are those of one version of torch: another one rounds otherwise",
)


def dann(data: Shifted = DATA, **params: Any) -> DANNClassifier:
    return DANNClassifier(**{**SMALL, "lam": 1.0, **params}).fit(data.X, data.y, data.X_target)


def weights(estimator: Any) -> list[Tensor]:
    return [p.detach().clone() for p in estimator.module_.parameters()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a, b, strict=True))


class Watch(Callback):
    """Note something at each step, before it is taken."""

    def __init__(self, look: Any) -> None:
        self.look = look
        self.seen: list[Any] = []

    def on_batch_begin(self, net: Any, batch: Any = None, training: Any = None, **_: Any) -> None:
        if training:
            self.seen.append(self.look(net, batch))


def held_out_loss(fitted: Any, X: np.ndarray, y: np.ndarray, domain: str) -> float:
    """Cross-entropy of the rows that the estimator's `train_split` holds out."""
    held_in = fitted.net_.get_split_datasets(DomainPair(ArrayRows(X), y))[0].subset
    held_out = np.setdiff1d(np.arange(len(y)), held_in)
    assert len(held_out) == round(fitted.train_split.cv * len(y))
    proba = fitted.predict_proba(X[held_out], domain=domain)
    return float(-np.log(proba[np.arange(len(held_out)), y[held_out]]).mean())
