"""The built-in network for series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from skda import DANNClassifier, FinetuneClassifier
from skda.model_selection import LambdaSearchCV
from skda.nn import ConvNet1d, resolve_layers


def patterns(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make noise of two channels and 24 steps that holds a bump or a wave, anywhere."""
    rng = np.random.default_rng(seed)
    shapes = 5 * np.stack([np.hanning(7), np.sin(np.linspace(0, 2 * np.pi, 7))])
    X, y = rng.normal(size=(n, 2, 24)), np.arange(n) % 2
    for row, label, start in zip(X, y, rng.integers(0, 18, n), strict=True):
        row[0, start : start + 7] += shapes[label]
    return X, y


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("factor", "offset"), [(1.0, 0.0), (1e-6, 1e-4), (1e4, -5e6)])
def test_a_pattern_anywhere_is_found_in_any_unit(seed: int, factor: float, offset: float) -> None:
    X, y = patterns(200, seed)
    X_target, y_target = patterns(200, seed + 100)
    params: dict[str, Any] = {"max_epochs": 8, "lr": 5e-3, "random_state": seed}
    X, X_target = factor * X + offset, factor * (2 * X_target + 1) + offset
    fitted = DANNClassifier(**params).fit(X, y, X_target)
    assert isinstance(fitted.module_, ConvNet1d)
    assert fitted.score(X_target, y_target) >= 0.9
    assert fitted.n_features_in_ == 2


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8])
def test_short_series(length: int) -> None:
    y = np.arange(41) % 2
    X = np.random.default_rng(0).normal(size=(41, 2, length)) + 4 * y[:, None, None]
    params: dict[str, Any] = {"max_epochs": 5, "lr": 1e-2, "batch_size": 20, "random_state": 0}
    assert FinetuneClassifier(**params).fit(X, y).score(X, y) == 1


def test_by_its_parts() -> None:
    net = ConvNet1d(2, 3, width=4, bottleneck=5, dropout=0.5).eval()
    x = torch.randn(6, 2, 30, generator=torch.Generator().manual_seed(0))
    maps = net.convolutions(x)
    assert maps.shape == (6, 8, 4)
    whole = net.convolutions[:-1](x)
    torch.testing.assert_close(maps.amax(-1), whole.amax(-1))
    linear, norm = net.bottleneck[1], net.bottleneck[2]
    features = norm(maps.flatten(1) @ linear.weight.T + linear.bias).relu()
    torch.testing.assert_close(net(x), net.classifier(features))
    assert net.bottleneck[-1].p == 0.5
    assert resolve_layers(net) == [("classifier", "input")]
    convolutions = (2 * 7 * 4 + 4) + 2 * 4 + (4 * 7 * 8 + 8) + 2 * 8
    count = sum(p.numel() for p in net.parameters())
    assert count == convolutions + (32 * 5 + 5) + 2 * 5 + (5 * 3 + 3)


def test_a_search_over_series() -> None:
    X, y = patterns(40, 0)
    search = LambdaSearchCV(DANNClassifier(max_epochs=1), [1.0], cv=2, random_state=0)
    assert search.fit(X, y, X).predict(X).shape == (40,)
