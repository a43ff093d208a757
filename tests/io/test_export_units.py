"""The network of an estimator with an `input_centre_`, or of labels far from zero."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.special import softmax
from torch import Tensor, nn

from skda import DANNClassifier, DANNRegressor
from skda.datasets import make_rotated_moons
from skda.model_selection import LambdaSearchCV

MOONS = make_rotated_moons(n_source=60, n_target=50, random_state=0)
SMALL: dict[str, Any] = {"max_epochs": 3, "random_state": 0}
TIMES = np.array([1.7e9, 0.0])  # times and a plain column
X, Y, TARGET = MOONS.X_source + TIMES, MOONS.y_source, MOONS.X_target + TIMES


class Two(nn.Module):
    """A network that takes each column by name."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(2, 6), nn.Linear(6, 2)

    def forward(self, times: Tensor, values: Tensor) -> Tensor:
        return self.head(torch.cat([times, values], 1).mm(self.body.weight.T).relu())


def by_name(rows: np.ndarray) -> dict[str, np.ndarray]:
    return {"times": rows[:, :1], "values": rows[:, 1:].astype(np.float32)}


def read(path: Path, format: str) -> Any:
    """Return a function from rows, an array or a dict, to logits."""
    if format == "torch.export":
        module = torch.export.load(path).module()
        return lambda rows: module(tensors(rows)).detach().numpy()
    session = pytest.importorskip("onnxruntime").InferenceSession(path)
    return lambda rows: session.run(["logits"], rows if isinstance(rows, dict) else {"rows": rows})[
        0
    ]


def tensors(rows: Any) -> Any:
    if isinstance(rows, dict):
        return {name: torch.from_numpy(part) for name, part in rows.items()}
    return torch.from_numpy(rows)


@pytest.mark.parametrize("domain", ["source", "target"])
def test_the_module_takes_rows_with_their_offset(domain: Any) -> None:
    fitted = DANNClassifier(**SMALL).fit(X, Y, TARGET)
    assert fitted.input_centre_[0] == pytest.approx(1.7e9)
    network = fitted.to_module(domain)
    logits = network(torch.from_numpy(TARGET)).detach().numpy()
    assert logits.dtype == np.float32
    expected = fitted.decision_function(TARGET, domain)
    assert_allclose(logits[:, 1] - logits[:, 0], expected, atol=1e-6)
    assert np.ptp(expected) > 0.1
    # gradients reach the rows in float64
    rows = torch.from_numpy(TARGET).requires_grad_()
    network(rows)[:, 1].sum().backward()
    assert rows.grad is not None
    assert rows.grad.abs().sum() > 0


def test_integers_are_centred_exactly() -> None:
    nanoseconds = np.int64(MOONS.X_source * 1e3) + 1_700_000_000_000_000_000
    target = np.int64(MOONS.X_target * 1e3) + 1_700_000_000_000_000_000
    fitted = DANNClassifier(**SMALL).fit(nanoseconds, Y, target)
    logits = fitted.to_module()(torch.from_numpy(target)).detach().numpy()
    assert_allclose(softmax(logits, axis=1), fitted.predict_proba(target), atol=1e-6)


def test_rows_that_have_lost_their_differences_are_refused() -> None:
    network = DANNClassifier(**SMALL).fit(X, Y, TARGET).to_module()
    rows = torch.from_numpy(TARGET)
    with pytest.raises(
        TypeError, match=r"takes float64 rows.*Got rows of float32 instead. Pass to"
    ):
        network(rows.float())
    with pytest.raises(TypeError, match=r"Got a centre in float32 instead.*leave out .float\(\)"):
        network.float()(rows)


@pytest.mark.parametrize("format", ["onnx", "torch.export"])
@pytest.mark.parametrize("named", [False, True])
def test_a_file_takes_rows_with_their_offset(named: bool, format: str, tmp_path: Path) -> None:
    if format == "onnx":
        pytest.importorskip("onnxscript")
    source, target = (by_name(X), by_name(TARGET)) if named else (X, TARGET)
    fitted = DANNClassifier(Two if named else None, **SMALL).fit(source, Y, target)
    path = tmp_path / ("model.onnx" if format == "onnx" else "model.pt2")
    fitted.export(path, format=format)
    network = read(path, format)
    for n in (1, 7, len(TARGET)):
        rows: Any = by_name(TARGET[:n]) if named else TARGET[:n]
        expected = fitted.predict_proba(rows)
        assert_allclose(softmax(network(rows), axis=1), expected, atol=1e-6)
    lossy = {**target, "times": target["times"].astype(np.float32)} if named else None
    if format == "onnx":  # an older torch.export does not check the type
        with pytest.raises(Exception, match=r"Unexpected input data type.*float"):
            network(TARGET.astype(np.float32) if lossy is None else lossy)


def test_inputs_by_name_in_a_dict_or_as_arguments() -> None:
    target = by_name(TARGET)
    fitted = DANNClassifier(Two, **SMALL).fit(by_name(X), Y, target)
    network = fitted.to_module()
    for found in (network(tensors(target)), network(**tensors(target))):
        probabilities = found.softmax(1).detach().numpy()
        assert_allclose(probabilities, fitted.predict_proba(target), atol=1e-6)
    with pytest.raises(TypeError, match="takes its inputs by name"):
        network(*tensors(target).values())


def test_a_search_ships_the_centre_of_its_best_estimator() -> None:
    search = LambdaSearchCV(DANNClassifier(**SMALL), lams=[0.1], cv=2, random_state=0)
    search.fit(X, Y, TARGET)
    logits = search.to_module()(torch.from_numpy(TARGET)).detach().numpy()
    found = logits[:, 1] - logits[:, 0]
    assert_allclose(found, search.decision_function(TARGET), atol=1e-6)


def test_without_a_centre_the_module_is_the_network_itself() -> None:
    fitted = DANNClassifier(**SMALL).fit(MOONS.X_source, Y, MOONS.X_target)
    assert fitted.input_centre_ is None
    assert type(fitted.to_module()) is type(fitted.module_)


@pytest.mark.parametrize(("offset", "dtype"), [(10.0, "float32"), (1.7e9, "float64")])
def test_labels_far_from_zero_keep_their_differences(
    offset: float, dtype: str, tmp_path: Path
) -> None:
    labels = MOONS.X_source[:, 0] + offset
    fitted = DANNRegressor(**SMALL).fit(X, labels, TARGET)
    fitted.export(tmp_path / "model.pt2", format="torch.export")
    for network in (
        fitted.to_module(),
        torch.export.load(tmp_path / "model.pt2").module(),
    ):
        found = network(torch.from_numpy(TARGET)).detach().numpy()[:, 0]
        assert found.dtype == dtype
        assert_allclose(found - offset, fitted.predict(TARGET) - offset, atol=1e-5)
