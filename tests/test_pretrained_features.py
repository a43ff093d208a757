import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from torch import nn

from skda import DANNClassifier, make_pipeline
from skda.datasets import ImageFiles
from skda.model_selection import LambdaSearchCV
from skda.nn import Backbone
from skda.preprocessing import PretrainedFeatures

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (24, 3, 8, 8)).astype(np.uint8)
Y = np.arange(24) % 2


class Network(nn.Module):
    calls = 0

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.fc = nn.Linear(6, 100)
            self.body = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU())

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        type(self).calls += 1
        return self.fc(self.body(rows).mean((2, 3)))


def backbone() -> Backbone:
    return Backbone(Network(), mean=127.0, std=128.0, size=8)


def expected(rows: Any) -> np.ndarray:
    pixels = (torch.from_numpy(np.asarray(rows)).float() - 127) / 128
    with torch.no_grad():
        return Network().eval().body(pixels).mean((2, 3)).numpy()


def test_the_features_are_the_input_of_the_classifier() -> None:
    features = PretrainedFeatures(backbone(), batch_size=7).fit(X)
    found = features.transform(X)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected(X), atol=1e-6)
    assert features.get_feature_names_out()[-1] == "pretrainedfeatures5"
    again = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(again.transform(X), found)


def test_rows_of_a_dataset_and_of_files(tmp_path: Path) -> None:
    for i, pixels in enumerate(X[:3]):
        Image.fromarray(pixels.transpose(1, 2, 0)).save(tmp_path / f"{i}.png")
    paths = np.array([str(tmp_path / f"{i}.png") for i in range(3)])
    features = PretrainedFeatures(backbone())
    for rows in (paths, ImageFiles(paths, size=8), torch.from_numpy(X[:3]), X[:3].tolist()):
        np.testing.assert_allclose(features.fit_transform(rows), expected(X[:3]), atol=1e-6)


class Pooled(nn.Module):
    """A network whose class, layers and weights do not tell how it pools."""

    def __init__(self, pool: str = "mean", shift: float = 0.0, handle: Any = None) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)
        self.pool, self.handle = pool, handle
        self.register_buffer("shift", torch.tensor(shift), persistent=False)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        pixels = self.conv(rows.float()).flatten(2) + self.shift
        return self.fc(pixels.amax(2) if self.pool == "max" else pixels.mean(2))


class OtherPooled(Pooled):
    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return super().forward(rows / 255)


def test_the_cache_is_read_by_another_object_and_knows_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = PretrainedFeatures(Pooled(), cache=tmp_path).fit(X)
    first = features.transform(X)
    other = clone(features).fit(X)
    computed = []
    compute = PretrainedFeatures._computed
    monkeypatch.setattr(
        PretrainedFeatures, "_computed", lambda *args: computed.append(1) or compute(*args)
    )
    np.testing.assert_array_equal(other.transform(X.copy()), first)
    assert not computed
    assert not np.array_equal(other.transform(255 - X), first)
    assert len(computed) == 1


@pytest.mark.parametrize(
    "network", [Pooled("max"), Pooled(shift=3.0), OtherPooled(), "zeros"], ids=lambda n: repr(n)[:5]
)
def test_the_cache_knows_the_network(tmp_path: Path, network: Any) -> None:
    first = PretrainedFeatures(Pooled(), cache=tmp_path).fit_transform(X)
    if network == "zeros":
        network = Pooled()
        nn.init.zeros_(network.conv.weight)
    found = PretrainedFeatures(network, cache=tmp_path).fit_transform(X)
    np.testing.assert_array_equal(found, PretrainedFeatures(network).fit_transform(X))
    assert np.abs(found - first).max() > 0.1


def test_features_of_a_network_that_cannot_be_described_are_not_cached(tmp_path: Path) -> None:
    class Handle:
        def __reduce__(self) -> Any:
            raise TypeError("no pickle")

        def __deepcopy__(self, memo: Any) -> Any:
            return self

    features = PretrainedFeatures(Pooled(handle=Handle()), cache=tmp_path).fit(X)
    with pytest.warns(UserWarning, match=r"not cached: the 'network' parameter holds .*Handle\)"):
        first = features.transform(X)
    np.testing.assert_array_equal(first, PretrainedFeatures(Pooled()).fit_transform(X))
    assert not any(tmp_path.iterdir())


def test_rows_that_change_are_computed_anew(tmp_path: Path) -> None:
    Image.fromarray(X[0].transpose(1, 2, 0)).save(tmp_path / "0.png")
    shades = iter(range(9))
    images = ImageFiles(
        [tmp_path / "0.png"], transform=lambda image: torch.full((3, 8, 8), 20.0 * next(shades))
    )
    features = PretrainedFeatures(backbone(), cache=tmp_path / "cache").fit(images)
    assert not np.array_equal(features.transform(images), features.transform(images))


def test_a_search_over_lam_trains_on_the_features() -> None:
    search = LambdaSearchCV(DANNClassifier(max_epochs=2, random_state=0), cv=2, random_state=0)
    pipe = make_pipeline(PretrainedFeatures(backbone(), batch_size=24), search)
    Network.calls = 0
    pipe.fit(X, Y, X_target=255 - X)
    assert Network.calls <= 5  # the first run, and one pass over each domain
    assert pipe.predict(X).shape == (24,)


def test_messages() -> None:
    with pytest.raises(ValueError, match=r"X must be images .* or paths. Got float64 of shape .3,"):
        PretrainedFeatures(backbone()).fit(np.ones(3))
    with pytest.raises(ValueError, match="'network' parameter of PretrainedFeatures must be"):
        PretrainedFeatures(3).fit(X)


def test_rows_that_do_not_fit_are_refused() -> None:
    features = PretrainedFeatures(backbone()).fit(X)
    # torch would take one image of three channels for three rows, and return as many columns
    for rows in (X[0], X[:, :1], X.transpose(0, 2, 3, 1), X[:, 0, 0]):
        message = (
            rf"X has rows of shape {re.escape(str(rows.shape[1:]))}, but .* \(3, 8, 8\)\. Only"
        )
        with pytest.raises(ValueError, match=message):
            features.transform(rows)
    assert features.transform(np.tile(X[:2], (1, 1, 2, 2))).shape == (2, 6)
    for given in (features, PretrainedFeatures(backbone())):
        with pytest.raises(ValueError, match=r"^X is empty: it has no rows"):
            given.fit(X[:0]) if given is not features else given.transform(X[:0])
        for rows in ({"a": X}, pd.DataFrame({"path": ["a.png"]}), (row for row in X)):
            with pytest.raises(ValueError, match=r"^X must be images .* or paths. Got object"):
                given.fit(rows)
    floats = X.astype(np.float32)
    floats[5, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"^X has 1 rows, the first of them row 5, whose features"):
        features.transform(floats)
