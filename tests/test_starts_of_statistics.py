"""Running statistics start near the rows of their own domain, in each stage of a training."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import Tensor
from torch.utils.data import TensorDataset

from skda import ADDAClassifier, DANClassifier, DANNClassifier, FinetuneClassifier

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


@pytest.mark.parametrize("cls", [ADDAClassifier, FinetuneClassifier])
@pytest.mark.parametrize("several", [False, True])
def test_the_second_stage_starts_at_the_target_s_rows(cls: type, several: bool) -> None:
    target = 30 * X_TARGET + 100
    labels = {"y_target": np.arange(60) % 2} if cls is FinetuneClassifier else {}
    source: tuple[Any, Any] = ([X[:45], X[45:] - 50], [Y[:45], Y[45:]]) if several else (X, Y)
    clf = cls(**SMALL).fit(*source, target, **labels, **(NAMES if several else {}))
    assert_near(clf, "target", target)


@pytest.mark.parametrize("wise_ft", [1.0, 0.0])
def test_fine_tuning_keeps_the_statistics_of_each_source(wise_ft: float) -> None:
    few = np.where(np.arange(60) < 12, np.arange(60) % 2, -1)
    given = [X, 2 * X + 9], [Y, Y], X_TARGET
    options = {**SMALL, "max_epochs": 5}
    plain = FinetuneClassifier(**options).fit(*given, **NAMES)
    tuned = FinetuneClassifier(**options, wise_ft=wise_ft).fit(*given, y_target=few, **NAMES)
    for domain in ("source0", "source1", "source"):
        kept, found = (clf.net_.domain_module_.statistics[domain] for clf in (plain, tuned))
        assert found.seen
        for name, value in kept.named_buffers():
            torch.testing.assert_close(found.get_buffer(name), value)
    near, far = (tuned.predict_proba(X, domain=domain) for domain in ("near", "far"))
    assert abs(near - far).max() > 0.1
    if wise_ft == 0:
        for domain in ("near", "far", "source"):
            expected = plain.predict_proba(X, domain=domain)
            assert_allclose(tuned.predict_proba(X, domain=domain), expected, rtol=1e-5)
    again = pickle.loads(pickle.dumps(tuned))
    assert_allclose(again.predict_proba(X, domain="near"), near)
