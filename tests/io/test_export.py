"""The network of one domain: as a module, and as files of ONNX and of torch.export."""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from torch import nn

import skda
from skda import DANNClassifier, make_pipeline
from skda.model_selection import LambdaSearchCV
from tests.discovery import has_classes, public_estimators
from tests.io.helpers import FIT, SMALL, X_TARGET, Own, X, Y, re_estimated, state

ROWS = X_TARGET.astype(np.float32)


def decisions(network: nn.Module, rows: np.ndarray) -> np.ndarray:
    logits = network(torch.from_numpy(rows)).detach().numpy()
    return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits


def decided(estimator: Any, domain: str) -> np.ndarray:
    if has_classes(type(estimator)):
        return estimator.decision_function(ROWS, domain)
    return estimator.predict(ROWS, domain)[:, None]


@pytest.mark.parametrize("cls", public_estimators())
def test_the_module_of_a_domain_decides_as_the_estimator(cls: type) -> None:
    estimator = re_estimated(cls)
    before = state(estimator)
    networks = {domain: estimator.to_module(domain) for domain in ("source", "target")}
    for domain, network in networks.items():
        assert not network.training
        expected = decided(estimator, domain)
        assert_allclose(decisions(network, ROWS), expected, atol=1e-6)
    apart = decisions(networks["source"], ROWS) - decisions(networks["target"], ROWS)
    assert np.abs(apart).max() > 1e-3
    with torch.no_grad():
        for network in networks.values():
            for weights in [*network.parameters(), *network.buffers()]:
                weights.zero_()
    for name, weights in state(estimator).items():
        assert_array_equal(weights, before[name])
    assert_allclose(decided(estimator, "target"), expected, atol=0)


def test_the_default_is_the_target_where_the_net_s_own_module_has_the_source() -> None:
    estimator = DANNClassifier(**SMALL).fit(*FIT)
    expected = estimator.decision_function(ROWS)
    assert_allclose(decisions(estimator.to_module(), ROWS), expected, atol=1e-6)
    assert np.abs(decisions(estimator.module_, ROWS) - expected).max() > 1e-3


@pytest.mark.parametrize(
    "module",
    [
        Own,
        nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5), nn.Linear(5, 1)),
        nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5), nn.Linear(5, 2), nn.Softmax(dim=1)),
    ],
    ids=["a user's", "one logit", "probabilities"],
)
def test_what_a_network_returns_is_brought_to_logits(module: Any, tmp_path: Any) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The 'module' parameter is a network")
        estimator = DANNClassifier(module, **SMALL).fit(*FIT)
    assert_allclose(
        decisions(estimator.to_module(), ROWS), estimator.decision_function(ROWS), atol=1e-6
    )
    estimator.export(tmp_path / "model.pt2", format="torch.export")
    network = torch.export.load(tmp_path / "model.pt2").module()
    assert_allclose(decisions(network, ROWS), estimator.decision_function(ROWS), atol=1e-6)


def test_gradients_reach_the_rows() -> None:
    network = DANNClassifier(**SMALL).fit(*FIT).to_module()
    rows = torch.from_numpy(ROWS).requires_grad_()
    network(rows)[:, 1].sum().backward()
    # integrated gradients are complete: they add up to the difference from the baseline
    steps = (torch.arange(2000) + 0.5) / 2000
    path = (steps[:, None] * rows.detach()[:1]).requires_grad_()
    network(path)[:, 1].sum().backward()
    total = (path.grad.mean(dim=0) * rows.detach()[0]).sum()
    ends = network(torch.stack([rows.detach()[0], torch.zeros(2)]))[:, 1]
    assert rows.grad.abs().sum() > 0
    assert total.item() == pytest.approx((ends[0] - ends[1]).item(), rel=1e-2)


def run(path: Any, format: str, rows: np.ndarray) -> np.ndarray:
    if format == "torch.export":
        return torch.export.load(path).module()(torch.from_numpy(rows)).detach().numpy()
    session = pytest.importorskip("onnxruntime").InferenceSession(path)
    assert session.get_inputs()[0].name == "rows"
    assert json.loads(session.get_modelmeta().custom_metadata_map["classes"]) == ["no", "yes"]
    return session.run(["logits"], {"rows": rows})[0]


# `test_what_a_network_returns_is_brought_to_logits` has a table's network in torch.export
@pytest.mark.parametrize(
    ("format", "images"), [("onnx", False), ("onnx", True), ("torch.export", True)]
)
def test_a_file_predicts_as_the_estimator_for_any_number_of_rows(
    format: str, images: bool, tmp_path: Any
) -> None:
    if format == "onnx":
        pytest.importorskip("onnxscript")
    source, labels, target = X, np.array(["no", "yes"])[Y], ROWS
    if images:
        rng = np.random.default_rng(0)
        source, target = rng.random((2, 60, 1, 9, 9), dtype=np.float32)
    estimator = DANNClassifier(**SMALL).fit(source, labels, target)
    path = tmp_path / ("model.onnx" if format == "onnx" else "model.pt2")
    # converting to ONNX takes seconds
    for domain in ("target",) if format == "onnx" else ("source", "target"):
        estimator.export(path, format=format, domain=domain)
        assert list(tmp_path.iterdir()) == [path]
        for n in (1, 7, len(target)):
            expected = estimator.predict_proba(target[:n], domain)
            assert_allclose(softmax(run(path, format, target[:n]), axis=1), expected, atol=1e-6)


@pytest.mark.parametrize("scaled", [False, True])
def test_a_search_gives_the_module_of_its_best_estimator(scaled: bool, tmp_path: Any) -> None:
    estimator = DANNClassifier(**SMALL)
    scaler = StandardScaler().fit(X)
    if scaled:
        estimator = make_pipeline(StandardScaler(), estimator)
    search = LambdaSearchCV(estimator, lams=[0.1], cv=2, random_state=0).fit(*FIT)
    rows = scaler.transform(X_TARGET).astype(np.float32) if scaled else ROWS
    expected = search.decision_function(X_TARGET)
    assert_allclose(decisions(search.to_module(), rows), expected, atol=1e-6)
    search.export(tmp_path / "model.pt2", format="torch.export")
    found = decisions(torch.export.load(tmp_path / "model.pt2").module(), rows)
    assert_allclose(found, expected, atol=1e-6)


def test_wrong_requests_are_refused(tmp_path: Any) -> None:
    estimator = DANNClassifier(**SMALL)
    with pytest.raises(NotFittedError):
        estimator.to_module()
    with pytest.raises(NotFittedError):
        LambdaSearchCV(estimator).export(tmp_path / "model.onnx")
    estimator.fit(*FIT)
    with pytest.raises(ValueError, match="'domain' parameter must be 'source' or 'target'"):
        estimator.to_module("both")
    with pytest.raises(ValueError, match=r"'format' parameter must be one of \['onnx', 'torch.exp"):
        estimator.export(tmp_path / "model.onnx", format="pickle")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    estimator = DANNClassifier(**SMALL).fit(*FIT)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r'pip install "skda\[onnx\]"'):
        estimator.export(tmp_path / "model.onnx")
    scaled = skda.make_pipeline(MinMaxScaler(), estimator)
    for name in ("skops", "skops.io"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "skda\[skops\]"'):
        scaled.save(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())
