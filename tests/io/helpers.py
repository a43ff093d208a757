"""What the tests of saved models share."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from torch import nn

import skda
from skda.datasets import make_rotated_moons

MOONS = make_rotated_moons(n_source=60, n_target=50, random_state=0)
X, Y, X_TARGET = MOONS.X_source, MOONS.y_source, MOONS.X_target
FIT = (X, Y, X_TARGET)
SMALL: dict[str, Any] = {"max_epochs": 2, "batch_size": 16, "random_state": 0}
METHODS = "predict", "predict_proba", "decision_function", "transform"


class Own(nn.Module):
    """A network of the user's."""

    def __init__(self, n_features: int, n_classes: int, hidden: int = 6) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(n_features, hidden), nn.BatchNorm1d(hidden), nn.ReLU())
        self.head = nn.Linear(hidden, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.inner(x))


def my_schedule(progress: float) -> float:
    """A schedule of the user's."""
    return 1 - progress / 2


@cache
def re_estimated(cls: type) -> Any:
    """Return a fit with the target's own statistics: read it, never change it."""
    return cls(**SMALL, adapt_batch_norm=True).fit(*FIT)


def there_and_back(estimator: Any, folder: Path, module: Any = None, **options: Any) -> Any:
    path = folder / "model.safetensors"
    skda.io.save(estimator, path, **options)
    assert [p.name for p in folder.iterdir()] == ["model.safetensors"]
    return skda.load(path, module)


def assert_same_results(loaded: Any, saved: Any, rows: Any = X_TARGET) -> None:
    for method in METHODS:
        if hasattr(saved, method):
            for domain in ("source", "target"):
                assert_array_equal(
                    getattr(loaded, method)(rows, domain=domain),
                    getattr(saved, method)(rows, domain=domain),
                    strict=True,
                )


def assert_same(loaded: Any, saved: Any, rows: Any = X_TARGET) -> None:
    """Compare class, parameters, results and attributes, to the last bit."""
    assert type(loaded) is type(saved)
    assert loaded.get_params(deep=False).keys() == saved.get_params(deep=False).keys()
    assert repr(loaded) == repr(saved)
    assert repr(clone(loaded)) == repr(clone(saved))
    for name in ("classes_", "n_features_in_", "feature_names_in_"):
        assert hasattr(loaded, name) == hasattr(saved, name)
        if hasattr(saved, name):
            assert_array_equal(getattr(loaded, name), getattr(saved, name), strict=True)
    assert_same_results(loaded, saved, rows)


def state(estimator: Any) -> dict[str, np.ndarray]:
    return {name: t.numpy() for name, t in estimator.net_.plain_module.state_dict().items()}


def assert_same_weights(a: Any, b: Any) -> None:
    ours, theirs = state(a), state(b)
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert_array_equal(ours[name], theirs[name], err_msg=name)
