"""What needs a GPU: `make test-gpu`. Elsewhere these are skipped."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skda import ADDAClassifier, CDANClassifier, DANClassifier, DANNClassifier, MCCClassifier
from skda.model_selection import LambdaSearchCV

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU"),
]

RNG = np.random.default_rng(0)
X_SOURCE = RNG.normal(size=(256, 8)).astype(np.float32)
Y_SOURCE = (X_SOURCE[:, 0] > 0).astype(int)
DOMAINS = X_SOURCE, Y_SOURCE, X_SOURCE[:200] + 1
FEW: dict[str, Any] = {"max_epochs": 3, "random_state": 0}
METHODS = (DANNClassifier, DANClassifier, CDANClassifier, MCCClassifier)


@pytest.mark.parametrize("cls", METHODS)
def test_the_gpu_trains_what_the_cpu_does(cls: Any) -> None:
    on_gpu, on_cpu = (cls(device=device, **FEW).fit(*DOMAINS) for device in ("cuda", "cpu"))
    assert next(on_gpu.net_.module_.parameters()).is_cuda
    proba = [each.predict_proba(DOMAINS[2]) for each in (on_gpu, on_cpu)]
    np.testing.assert_allclose(*proba, atol=0.02)


def test_auto_is_the_gpu() -> None:
    assert DANNClassifier(**FEW).fit(*DOMAINS).net_.device.startswith("cuda")


@pytest.mark.parametrize("cls", METHODS)
def test_bfloat16(cls: Any) -> None:
    proba = cls(amp="bf16", **FEW).fit(*DOMAINS).predict_proba(DOMAINS[2])
    assert proba.dtype == np.float32
    assert np.isfinite(proba).all()


@pytest.mark.parametrize("cls", METHODS)
def test_a_step_does_not_wait_for_the_gpu(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net_class = cls._net_class
    step = net_class.train_step_single

    def strict(self: Any, *args: Any, **kwargs: Any) -> Any:
        torch.cuda.set_sync_debug_mode("error")
        try:
            return step(self, *args, **kwargs)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    clf = cls(**FEW).fit(*DOMAINS)  # what is set up once may wait
    monkeypatch.setattr(net_class, "train_step_single", strict)
    clf.partial_fit(*DOMAINS)


@pytest.mark.parametrize("data_device", ["auto", "cpu"])
def test_rows_on_the_gpu_and_pinned_rows_train_the_same(data_device: str) -> None:
    clf = DANNClassifier(data_device=data_device, **FEW).fit(*DOMAINS)
    default = DANNClassifier(**FEW).fit(*DOMAINS)
    np.testing.assert_allclose(
        clf.predict_proba(DOMAINS[2]), default.predict_proba(DOMAINS[2]), atol=1e-4
    )


def test_the_stacked_search_runs_on_the_gpu() -> None:
    search = LambdaSearchCV(DANNClassifier(**FEW), lams=[0.1, 1.0], cv=2, random_state=0)
    search.fit(*DOMAINS)
    assert search.vectorized_, search.vectorize_reason_
    assert search.best_estimator_.net_.device.startswith("cuda")


@pytest.mark.parametrize("cls", [DANNClassifier, ADDAClassifier])
def test_a_pickle_goes_to_a_process_without_the_gpu(cls: Any, tmp_path: Path) -> None:
    clf = cls(**FEW).fit(*DOMAINS)
    path = tmp_path / "model"
    path.write_bytes(pickle.dumps((clf, DOMAINS[2])))
    assert next(pickle.loads(path.read_bytes())[0].net_.module_.parameters()).is_cuda
    code = f"""
import pickle, numpy as np
clf, X = pickle.load(open({str(path)!r}, "rb"))
np.save({str(path) + ".npy"!r}, clf.predict_proba(X))"""
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([sys.executable, "-c", code], check=True, env=hidden)
    expected = clf.predict_proba(DOMAINS[2])
    np.testing.assert_allclose(np.load(str(path) + ".npy"), expected, atol=1e-4)
