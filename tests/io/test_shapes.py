"""Messages of layers about rows of other sizes, computed without rows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn

import skda
from skda.io._shapes import _NORMALISATIONS, _ROW_BY_ROW
from tests.io.helpers import FIT, SMALL, X_TARGET, there_and_back

# layer, shape of a row of another size
SIZED: list[tuple[nn.Module, tuple[int, ...]]] = [
    (nn.Linear(3, 4), (5,)),
    (nn.Conv1d(3, 4, 3), (5, 8)),
    (nn.Conv1d(3, 4, 3), (3, 2)),
    (nn.Conv2d(3, 4, 3), (5, 8, 8)),
    (nn.BatchNorm1d(3), (5,)),
    (nn.BatchNorm2d(3), (5, 4, 4)),
    (nn.LayerNorm(3), (5,)),
    (nn.PReLU(3), (5,)),
    (nn.MaxPool1d(3), (3, 2)),
    (nn.MaxPool2d(3), (3, 2, 2)),
    (nn.AvgPool1d(3), (3, 2)),
    (nn.AvgPool2d(3), (3, 2, 2)),
]


@pytest.mark.parametrize(("layer", "row"), SIZED, ids=[str(layer) for layer, _ in SIZED])
def test_all_but_batch_normalisations_refuse_them(layer: nn.Module, row: tuple[int, ...]) -> None:
    assert type(layer) in _ROW_BY_ROW
    layer.eval()
    with pytest.raises(RuntimeError):
        layer(torch.zeros(1, *row))
    if isinstance(layer, _NORMALISATIONS):
        assert layer(torch.zeros(0, *row)).shape == (0, *row)
    else:
        with pytest.raises(RuntimeError):
            layer(torch.zeros(0, *row))


def test_loading_multiplies_no_rows(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = skda.DANNClassifier(**SMALL).fit(*FIT)
    sizes: list[int] = []
    forward = nn.Linear.forward

    def noted(layer: nn.Linear, rows: torch.Tensor) -> torch.Tensor:
        if layer.in_features == 2:  # only the network, not the discriminator
            sizes.append(len(rows))
        return forward(layer, rows)

    monkeypatch.setattr(nn.Linear, "forward", noted)
    there_and_back(saved, tmp_path)
    assert sizes == [0]


def test_a_normalisation_without_statistics_is_loaded(tmp_path: Any) -> None:
    layers = nn.BatchNorm1d(6, track_running_stats=False), nn.ReLU()
    module = nn.Sequential(nn.Linear(2, 6), *layers, nn.Linear(6, 2))
    with pytest.warns(UserWarning, match="track_running_stats"):
        saved = skda.DANNClassifier(module, **SMALL).fit(*FIT)
    loaded = there_and_back(saved, tmp_path)
    assert_array_equal(loaded.predict_proba(X_TARGET), saved.predict_proba(X_TARGET))
