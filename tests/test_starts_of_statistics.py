"""Running statistics start near the rows of their own domain, in each stage of a training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import Tensor
from torch.utils.data import TensorDataset

from skda import ADDAClassifier, DANClassifier, DANNClassifier

_RNG = np.random.default_rng(0)
X, X_TARGET = (_RNG.normal(size=(n, 3)).astype("float32") for n in (90, 60))
Y = np.arange(90) % 2
SMALL: dict[str, Any] = {"module__hidden": (3,), "max_epochs": 1, "random_state": 0}
NAMES: dict[str, Any] = {"source_domain": ["near", "far"]}


def of_input(estimator: Any, domain: str) -> tuple[Tensor, Tensor]:
    """Return the mean and the variance of the input in the statistics of a domain."""
    statistics = estimator.net_.domain_module_.statistics[domain]
    return tuple(statistics.get_buffer(f"layer0_running_{name}") for name in ("mean", "var"))


def assert_near(estimator: Any, domain: str, rows: np.ndarray) -> None:
    mean, var = of_input(estimator, domain)
    spread = rows.std(0)
    assert_allclose((mean.numpy() - rows.mean(0)) / spread, 0, atol=0.5)
    assert_allclose(var.numpy() / spread**2, 1, atol=0.5)


@pytest.mark.parametrize("as_datasets", [False, True])
@pytest.mark.parametrize("unit", [1.0, 30.0])
def test_each_of_several_sources_starts_at_its_own_rows(unit: float, as_datasets: bool) -> None:
    near, far = X[:45], unit * X[45:] + 100
    sources: list[Any] = [near, far]
    if as_datasets:
        sources = [TensorDataset(torch.tensor(part)) for part in sources]
    clf = DANNClassifier(**SMALL).fit(sources, [Y[:45], Y[45:]], X_TARGET, **NAMES)
    assert clf.source_domains_.tolist() == ["far", "near"]
    assert_near(clf, "source0", far)
    assert_near(clf, "source1", near)
    assert_near(clf, "target", X_TARGET)
    mean, _ = of_input(clf, "source")
    assert_allclose(mean, (far.mean(0) + near.mean(0)) / 2, rtol=0.1)


def test_a_source_far_away_does_not_move_the_start_of_a_target_at_0() -> None:
    clf = DANClassifier(**SMALL).fit(30 * X + 100, Y, X_TARGET)
    assert_near(clf, "source", 30 * X + 100)
    assert_near(clf, "target", X_TARGET)
