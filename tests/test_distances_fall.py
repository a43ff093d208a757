"""Training lowers the distance that the method minimises, on training rows of both domains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import skda
from skda.losses import (
    coral,
    deepjdot,
    gaussian_mmd2,
    jmmd2,
    linear_mmd2,
    mcc,
    mk_mmd2,
    pseudo_label,
)
from skda.nn import MLP
from tests.contract import source_only

RNG = np.random.default_rng(0)
Y = np.arange(120) % 3
X = RNG.normal(size=(120, 5)) + 2 * np.eye(3, 5)[Y]
X_TARGET = 1.5 * (RNG.normal(size=(110, 5)) + 2 * np.eye(3, 5)[np.arange(110) % 3]) + 0.7
# no batch normalisation: it would lower a distance by itself
SMALL: dict[str, Any] = {
    "module": MLP,
    "module__batch_norm": False,
    "module__hidden": (16, 8),
    "max_epochs": 30,
    "lr": 1e-2,
}


def features(estimator: Any, rows: np.ndarray, domain: str) -> Tensor:
    return torch.from_numpy(estimator.transform(rows, domain=domain))


def logits(estimator: Any, rows: np.ndarray, domain: str) -> Tensor:
    return torch.from_numpy(estimator.decision_function(rows, domain=domain))


def of_features(distance: Any) -> Any:
    return lambda e: distance(features(e, X, "source"), features(e, X_TARGET, "target")).item()


def joint(e: Any) -> float:
    layers = [
        [features(e, rows, domain), logits(e, rows, domain).softmax(1)]
        for rows, domain in ((X, "source"), (X_TARGET, "target"))
    ]
    return jmmd2(*layers).item()


def transport(e: Any) -> float:
    used = skda.DeepJDOTClassifier()
    options = {"feature_weight": used.feature_weight, "label_weight": used.label_weight}
    rows = features(e, X, "source"), features(e, X_TARGET, "target")
    return deepjdot(*rows, torch.from_numpy(Y), logits(e, X_TARGET, "target"), **options).item()


METHODS = {
    "DaNNClassifier": (1, of_features(gaussian_mmd2)),
    "DDCClassifier": (1, of_features(linear_mmd2)),
    "DANClassifier": (1, of_features(mk_mmd2)),
    "DeepCORALClassifier": (10, of_features(coral)),
    "JANClassifier": (1, joint),
    "MCCClassifier": (1, lambda e: mcc(logits(e, X_TARGET, "target")).item()),
    "PseudoLabelClassifier": (
        1,
        lambda e: pseudo_label(logits(e, X_TARGET, "target"), threshold=0.01).item(),
    ),
    "DeepJDOTClassifier": (1, transport),
}


@pytest.mark.parametrize("name", METHODS)
def test_training_lowers_the_distance(name: str) -> None:
    lam, distance = METHODS[name]
    own = {"bottleneck_width": None} if name == "DDCClassifier" else {}
    before, after = [], []
    for seed in range(3):
        estimator = getattr(skda, name)(lam=lam, random_state=seed, **SMALL, **own)
        # lam=0 is the source-only network to the last bit
        before.append(distance(source_only(estimator, X, Y)))
        after.append(distance(estimator.fit(X, Y, X_TARGET)))
    # self-training and transport start with a low loss: source-only is already confident
    share = 0.9 if name in ("PseudoLabelClassifier", "DeepJDOTClassifier") else 0.7
    assert np.mean(after) < share * np.mean(before)
    assert all(a < b for a, b in zip(after, before, strict=True))
