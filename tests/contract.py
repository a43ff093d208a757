"""What the tests of the contract fit: small domains, and every estimator at a small size."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from skda import FinetuneClassifier, FinetuneRegressor
from skda.nn import MLP
from tests.discovery import has_classes, stem

# two epochs, because some methods use the features between epochs; the last batch is smaller
SMALL = {"max_epochs": 2, "batch_size": 20, "module__hidden": (8, 6), "random_state": 0}

# parameters that make a method comparable with the others, or fast enough
OWN: dict[str, dict[str, Any]] = {
    "DaNN": {"module": MLP},
    "DDC": {"bottleneck_width": None},
    "WDGRL": {"critic_steps": 2},
}


def small(cls: type) -> dict[str, Any]:
    return {**SMALL, **OWN.get(stem(cls), {})}


class Data:
    """Two Gaussian classes in four columns; the target is moved and stretched."""

    def __init__(self, n_source: int = 50, n_target: int = 70, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.y = np.arange(n_source) % 2
        self.y_target = np.arange(n_target) % 2
        self.X = rng.normal(size=(n_source, 4)) + 2 * self.y[:, None]
        self.X_target = 1.5 * (rng.normal(size=(n_target, 4)) + 2 * self.y_target[:, None]) + 1


def fitted(cls: type, data: Data, **params: Any) -> Any:
    return cls(**{**small(cls), **params}).fit(data.X, data.y, data.X_target)


@cache
def reference(cls: type, **params: Any) -> Any:
    """Return a cached fit on ``Data()`` for comparisons. Do not change it."""
    return fitted(cls, Data(), **params)


_SOURCE_ONLY: dict[tuple[Any, ...], Any] = {}


def source_only(like: Any, X: Any, y: Any) -> Any:
    """Return a fine-tuning estimator with the parameters of `like`, fitted without a target.

    The fit is cached and shared by methods with the same parameters and rows. Do not change it.
    """
    cls = FinetuneClassifier if has_classes(type(like)) else FinetuneRegressor
    own = {name: v for name, v in like.get_params(deep=False).items() if name in cls().get_params()}
    own |= {name: v for name, v in like.get_params().items() if name.startswith("module__")}
    key = (cls, X.tobytes(), *sorted((name, repr(value)) for name, value in own.items()))
    if key not in _SOURCE_ONLY:
        _SOURCE_ONLY[key] = cls(**own).fit(X, y)
    return _SOURCE_ONLY[key]
