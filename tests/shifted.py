"""Two small domains, and the distance of their features in a fitted estimator."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from torch import nn

from tests.contract import source_only


class Shifted(NamedTuple):
    X: np.ndarray
    y: np.ndarray
    X_target: np.ndarray
    y_target: np.ndarray


def shifted(
    n_source: int = 60, n_target: int = 60, seed: int = 0, shift: float = 1.5, n_classes: int = 2
) -> Shifted:
    """Balanced Gaussian classes in four columns; the target moves, also towards other classes."""
    rng = np.random.default_rng(seed)
    centres = 3 * np.eye(n_classes, 4)
    y, y_target = np.arange(n_source) % n_classes, np.arange(n_target) % n_classes
    return Shifted(
        rng.normal(size=(n_source, 4)) + centres[y],
        y,
        rng.normal(size=(n_target, 4)) + centres[y_target] + shift * np.array([1.5, -0.5, 1, 1]),
        y_target,
    )


def two_classes(n: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels of two classes, one standard deviation apart in each of four columns."""
    y = np.arange(n) % 2
    X = np.random.default_rng(0).normal(size=(n, 4)) + y[:, None]
    return X.astype(np.float32), y


def separability(estimator: Any, data: Shifted) -> float:
    """Accuracy of a linear classifier of the domains on the features; .5 is chance."""
    features = np.concatenate(
        [estimator.transform(data.X, domain="source"), estimator.transform(data.X_target)]
    )
    features = (features - features.mean(0)) / (features.std(0) + 1e-6)
    domain = np.repeat([0, 1], [len(data.X), len(data.X_target)])
    return cross_val_score(LogisticRegression(max_iter=1000), features, domain, cv=5).mean()


def gain(cls: type, seed: int) -> float:
    """Target accuracy that the default network gains by lam = 1 over lam = 0."""
    data = shifted(200, 200, seed=seed, shift=2.0)
    adapted = cls(max_epochs=20, random_state=seed, lam=1)
    # equal to lam=0 to the last bit
    without = source_only(adapted, data.X, data.y)
    adapted.fit(data.X, data.y, data.X_target)
    return float(
        adapted.score(data.X_target, data.y_target) - without.score(data.X_target, data.y_target)
    )


def count_hooks(module: nn.Module) -> int:
    """Number of hooks of any kind on the module and everything in it."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(m, kind)) for m in module.modules() for kind in kinds)
