"""With the defaults, adapting is never worse than not adapting, on four kinds of data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from skda import DANClassifier, DANNClassifier, FinetuneClassifier, make_pipeline
from skda.datasets import (
    fetch_gas_drift,
    fetch_phone_watch,
    make_rotated_moons,
    make_scanned_digits,
)


def target_scores(estimator: Any, data: Any) -> float:
    pipe = make_pipeline(StandardScaler(), estimator) if data.X_source.ndim == 2 else estimator
    pipe.fit(data.X_source, data.y_source, X_target=data.X_target)
    return balanced_accuracy_score(data.y_target_test, pipe.predict(data.X_target_test))


def compare(load: Any, epochs: int, n_seeds: int) -> tuple[float, float, float]:
    scores = []
    for seed in range(n_seeds):
        data = load(seed)
        params = {"max_epochs": epochs, "random_state": seed}
        scores.append(
            [
                target_scores(cls(**params), data)
                for cls in (FinetuneClassifier, DANNClassifier, DANClassifier)
            ]
        )
    return tuple(np.mean(scores, axis=0))


def test_scanned_digits() -> None:
    source_only, dann, dan = compare(lambda seed: make_scanned_digits(random_state=seed), 12, 2)
    assert source_only < 0.5
    assert dann > source_only + 0.4
    assert dan > source_only + 0.4


def test_moons() -> None:
    source_only, dann, dan = compare(lambda seed: make_rotated_moons(random_state=seed), 100, 3)
    assert dann > source_only + 0.05
    assert dan > source_only


@pytest.mark.usefixtures("skda_data_home")
def test_gas_sensors_that_drift() -> None:
    source_only, dann, dan = compare(lambda seed: fetch_gas_drift("batch1", "batch6"), 10, 2)
    assert dann > source_only + 0.2
    assert dan > source_only + 0.2


@pytest.mark.usefixtures("skda_data_home")
def test_phone_to_watch() -> None:
    source_only, dann, dan = compare(lambda seed: fetch_phone_watch("phone", "watch"), 5, 2)
    assert dann > source_only + 0.1
    assert dan > source_only + 0.1


def test_moons_by_the_paper_s_protocol() -> None:
    """300 source points, 15 hidden units, target turned by 35 degrees; two seeds."""
    dann, source_only = [], []
    for seed in range(2):
        moons = make_rotated_moons(300, 300, angle=35, random_state=seed)
        params = {
            "module__hidden": (15,),
            "lr": 1e-2,
            "batch_size": 16,
            "random_state": seed,
        }
        plain = FinetuneClassifier(max_epochs=100, **params)
        plain.fit(moons.X_source, moons.y_source)
        adapted = DANNClassifier(max_epochs=400, lr_schedule="constant", **params)
        adapted.fit(moons.X_source, moons.y_source, moons.X_target)
        for scores, estimator in ((source_only, plain), (dann, adapted)):
            scores.append(estimator.score(moons.X_target_test, moons.y_target_test))
    assert 0.7 < np.mean(source_only) < 0.9
    assert np.mean(dann) > 0.95
    assert min(dann) > 0.92
