"""A pickle from a machine with a GPU predicts the same on a machine without one.

These tests need no GPU: they make torch record "cuda" as the device of each tensor.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from skorch.exceptions import DeviceWarning

import skda
from skda import (
    ADDAClassifier,
    DANNClassifier,
    DANNRegressor,
    FinetuneClassifier,
    WDGRLClassifier,
)
from skda.model_selection import LambdaSearchCV
from skda.training.watch.callbacks import CallbackNet
from tests.compared import outputs
from tests.shifted import shifted

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")

DATA = shifted()
FEW: dict[str, Any] = {"max_epochs": 2, "random_state": 0}
MAKE: dict[str, Any] = {
    "source only": lambda: FinetuneClassifier(**FEW),
    "networks of its own": lambda: DANNClassifier(**FEW),
    "an optimizer and a generator of its own": lambda: WDGRLClassifier(**FEW),
    "two stages": lambda: ADDAClassifier(**FEW),
    "regressor": lambda: DANNRegressor(**FEW),
    "pipeline": lambda: skda.make_pipeline(StandardScaler(), DANNClassifier(**FEW)),
    "search": lambda: LambdaSearchCV(DANNClassifier(max_epochs=2), [1.0], cv=2, random_state=0),
}


@contextmanager
def as_if_on_a_gpu() -> Iterator[None]:
    """Make torch and all nets record "cuda" as their device while they are pickled."""
    whole = CallbackNet.__getstate__

    def of_gpu(net: Any) -> Any:
        net.device, before = "cuda", net.device
        try:
            return whole(net)
        finally:
            net.device = before

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
        patch.setattr(CallbackNet, "__getstate__", of_gpu)
        yield


@pytest.fixture(scope="module", params=MAKE)
def fitted(request: pytest.FixtureRequest) -> Any:
    return MAKE[request.param]().fit(DATA.X, DATA.y, X_target=DATA.X_target)


def pickled(estimator: Any, path: Path) -> Any:
    return pickle.loads(written(pickle.dumps, estimator))


def written(write: Any, estimator: Any, *args: Any) -> Any:
    with as_if_on_a_gpu():
        return write(estimator, *args)


def joblibbed(estimator: Any, path: Path) -> Any:
    return joblib.load(written(joblib.dump, estimator, path)[0])


def test_the_simulation_fails_as_torch_does() -> None:
    net = torch.nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="deserialize object on a CUDA device"):
        pickle.loads(written(pickle.dumps, net))


@pytest.mark.parametrize("way", [pickled, joblibbed])
def test_it_predicts_the_same_on_the_cpu(fitted: Any, way: Any, tmp_path: Path) -> None:
    with pytest.warns(DeviceWarning, match="'cuda', which torch does not find here. It predicts"):
        loaded = way(fitted, tmp_path / "model")
    for domain in ("source", "target"):
        expected = outputs(fitted, DATA.X_target, domain)
        np.testing.assert_array_equal(outputs(loaded, DATA.X_target, domain), expected)


def test_what_the_loaded_model_can_do(tmp_path: Path) -> None:
    fitted = MAKE["networks of its own"]().fit(DATA.X, DATA.y, DATA.X_target)
    fitted.device = "cuda"
    with pytest.warns(DeviceWarning, match="set the 'device' parameter to 'auto' or 'cpu'"):
        loaded = pickled(fitted, tmp_path)
    assert (loaded.device, loaded.net_.device) == ("cuda", "cpu")
    with pytest.raises(ValueError, match=r"'device' parameter must be .* Got 'cuda' instead"):
        loaded.fit(DATA.X, DATA.y, DATA.X_target)
    for each in (fitted, loaded):  # the optimizer's state came along
        each.set_params(device="cpu").partial_fit(DATA.X, DATA.y, DATA.X_target)
    expected = fitted.predict_proba(DATA.X_target)
    np.testing.assert_array_equal(loaded.predict_proba(DATA.X_target), expected)


def test_a_model_file_has_no_device(tmp_path: Path) -> None:
    fitted = MAKE["two stages"]().fit(DATA.X, DATA.y, DATA.X_target)
    with as_if_on_a_gpu():
        fitted.save(tmp_path / "model")
    loaded = skda.load(tmp_path / "model")
    expected = fitted.predict_proba(DATA.X_target)
    np.testing.assert_array_equal(loaded.predict_proba(DATA.X_target), expected)


@pytest.mark.filterwarnings("ignore:The adaptation loss trained no weight")
def test_cloudpickle_takes_the_class_of_the_network_along() -> None:
    class Local(torch.nn.Linear):
        def __init__(self, n_features: int, n_classes: int) -> None:
            super().__init__(n_features, n_classes)

    fitted = DANNClassifier(Local, **FEW).fit(DATA.X, DATA.y, DATA.X_target)
    with pytest.warns(DeviceWarning):
        loaded = pickle.loads(written(cloudpickle.dumps, fitted))
    expected = fitted.predict_proba(DATA.X_target)
    np.testing.assert_array_equal(loaded.predict_proba(DATA.X_target), expected)
