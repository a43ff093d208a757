"""The number of rows in a batch of a prediction."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from skda import FinetuneClassifier
from skda.nn import Backbone
from skda.preprocessing import PretrainedFeatures
from skda.training.data.rows import ArrayRows
from skda.training.predict import batches_in_order


class Counting(nn.Module):
    """Notes how many rows each pass has."""

    def __init__(self, n_classes: int = 2) -> None:
        super().__init__()
        self.head = nn.Linear(1, n_classes)
        self.sizes: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(x))
        return self.head(x.float().flatten(1).mean(1, keepdim=True))


@pytest.mark.parametrize(
    ("of_a_row", "device", "at_once"),
    [
        ((20,), "cpu", 1024),
        ((30_000,), "cpu", 279),  # matrix products are faster with many rows
        ((1, 8, 8), "cpu", 1024),
        ((3, 32, 32), "cpu", 170),
        ((3, 224, 224), "cpu", 16),
        ((3, 32, 32), "meta", 1024),
        ((3, 224, 224), "meta", 55),
    ],
)
def test_few_images_on_a_cpu(of_a_row: tuple[int, ...], device: str, at_once: int) -> None:
    rows = ArrayRows(np.broadcast_to(np.float32(0), (2000, *of_a_row)))
    batches = batches_in_order(rows, 2000, torch.device(device))
    sizes = [len(batch) for batch in batches]
    assert sizes[0] == at_once
    assert sum(sizes) == 2000


def test_a_prediction_passes_so_many() -> None:
    X = np.random.default_rng(0).normal(size=(400, 3, 32, 32)).astype("float32")
    clf = FinetuneClassifier(Counting, max_epochs=1, device="cpu", random_state=0)
    clf.fit(X, np.arange(400) % 2)
    clf.module_.sizes.clear()
    clf.predict(X)
    assert clf.module_.sizes == [170, 170, 60]


@pytest.mark.parametrize(("given", "sizes"), [({}, [16, 16, 8]), ({"batch_size": 25}, [25, 15])])
def test_features_are_computed_of_16_photographs_at_once(
    given: dict[str, Any], sizes: list[int]
) -> None:
    photos = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8)).astype(np.uint8)
    features = PretrainedFeatures(Backbone(Counting()), device="cpu", **given).fit(photos)
    features.network_.network.sizes.clear()
    found = features.transform(photos)
    assert features.network_.network.sizes == sizes
    np.testing.assert_allclose(found[:, 0], photos.mean((1, 2, 3)), rtol=1e-6)
