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
from sklearn.base import clone
from skorch.callbacks import Callback
from torch import nn
from torch.utils.data import TensorDataset

import skda
from skda import ADDAClassifier, CDANClassifier, DANClassifier, DANNClassifier, DAREGRAMRegressor
from skda.losses import mk_mmd2
from skda.model_selection import LambdaSearchCV
from tests.discovery import every_adapting, every_estimator, has_classes, needs_target, stem

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU"),
    pytest.mark.filterwarnings(
        "ignore:Synchronization debug mode is a prototype",
        # from torch's compiler
        "ignore:.torch.jit.script:DeprecationWarning",
        "ignore:TensorFloat32 tensor cores",
        "ignore:The CUDA Graph is empty",
    ),
]

RNG = np.random.default_rng(0)
X_SOURCE = RNG.normal(size=(256, 8)).astype(np.float32)
Y_SOURCE = (X_SOURCE[:, 0] > 0).astype(int)
X_TARGET = X_SOURCE[:200] + 1
FEW: dict[str, Any] = {"max_epochs": 3, "random_state": 0, "device": "cuda"}
# the transport and the decompositions wait for the GPU in each step
WAIT = {"DeepJDOT", "RSD", "DAREGRAM"}
# dropout draws other masks on a GPU
NO_DROPOUT: dict[str, Any] = {"DaNN": {"module__dropout": 0.0}}


def domains_for(cls: Any) -> tuple[Any, ...]:
    if stem(cls) == "DeepJDOT":
        pytest.importorskip("ot")
    y = Y_SOURCE if has_classes(cls) else X_SOURCE[:, 0] - X_SOURCE[:, 1]
    return (X_SOURCE, y, X_TARGET) if needs_target(cls) else (X_SOURCE, y)


def outputs(estimator: Any) -> np.ndarray:
    name = "predict_proba" if has_classes(type(estimator)) else "predict"
    return getattr(estimator, name)(X_TARGET)


@every_estimator
def test_the_gpu_trains_what_the_cpu_does(cls: Any) -> None:
    given = FEW | NO_DROPOUT.get(stem(cls), {})
    on_gpu, on_cpu = (
        cls(**given | {"device": device}).fit(*domains_for(cls)) for device in ("cuda", "cpu")
    )
    assert next(on_gpu.net_.module_.parameters()).is_cuda
    found, expected = outputs(on_gpu), outputs(on_cpu)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, atol=0.02 * np.ptp(expected))


def test_auto_is_the_gpu() -> None:
    clf = DANNClassifier(**FEW | {"device": "auto"}).fit(X_SOURCE, Y_SOURCE, X_TARGET)
    assert clf.net_.device.startswith("cuda")


@every_estimator
def test_bfloat16(cls: Any) -> None:
    half, full = (cls(amp=amp, **FEW).fit(*domains_for(cls)) for amp in ("bf16", None))
    found, expected = outputs(half), outputs(full)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, atol=0.1 * np.ptp(expected))


@every_adapting
def test_a_step_does_not_wait_for_the_gpu(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if stem(cls) in WAIT:
        pytest.skip(f"{stem(cls)} reads numbers in each step")
    net_class = cls._net_class
    step = net_class.quiet_step

    def strict(self: Any, batch: Any) -> Any:
        try:
            torch.cuda.set_sync_debug_mode("error")
            return step(self, batch)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    clf = cls(**FEW).fit(*domains_for(cls))  # the setup of the first fit may wait for the GPU
    monkeypatch.setattr(net_class, "quiet_step", strict)
    if hasattr(clf, "partial_fit"):
        clf.partial_fit(*domains_for(cls))
    else:
        clf.set_params(warm_start=True).fit(*domains_for(cls))


@every_estimator
def test_recorded_steps_train_the_same(cls: Any) -> None:
    # with Adam, rounding errors would move the biases before a batch normalisation
    given = FEW | NO_DROPOUT.get(stem(cls), {}) | {"optimizer": torch.optim.SGD, "lr": 0.05}
    estimator = cls(**given, cuda_graphs=True)
    if stem(cls) in WAIT | {"WDGRL"}:
        with pytest.raises(ValueError, match="The 'cuda_graphs' parameter must be False for a"):
            estimator.fit(*domains_for(cls))
        return
    plain = cls(**given).fit(*domains_for(cls))
    np.testing.assert_allclose(
        outputs(estimator.fit(*domains_for(cls))), outputs(plain), rtol=1e-3, atol=1e-3
    )
    found, expected = (each.history_[:, "train_loss"] for each in (estimator, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-3)


class ReadsANumber(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> Any:
        return self.classifier(self.dropout(x) if x.sum() > 0 else -x)


def test_what_cannot_be_recorded_can_be_trained_afterwards() -> None:
    clf = DANNClassifier(ReadsANumber, **FEW, cuda_graphs=True)
    with pytest.raises(ValueError, match="'cuda_graphs' parameter must be False"):
        clf.fit(X_SOURCE, Y_SOURCE, X_TARGET)
    found, expected = (
        clone(clf).set_params(cuda_graphs=False).fit(X_SOURCE, Y_SOURCE, X_TARGET) for _ in "ab"
    )
    np.testing.assert_allclose(outputs(found), outputs(expected), atol=1e-5)


def test_recorded_steps_draw_other_masks_each_time() -> None:
    given = FEW | {"module__dropout": 0.5, "max_epochs": 20, "cuda_graphs": True}
    torch.cuda.manual_seed(3)
    before = torch.cuda.get_rng_state()
    fits = [DANNClassifier(**given).fit(X_SOURCE, Y_SOURCE, X_TARGET) for _ in range(2)]
    assert torch.equal(torch.cuda.get_rng_state(), before)
    np.testing.assert_allclose(*map(outputs, fits), atol=1e-4)
    plain = DANNClassifier(**given | {"cuda_graphs": False}).fit(X_SOURCE, Y_SOURCE, X_TARGET)
    # the same mask in every step would leave half of the network untrained
    assert fits[0].score(X_SOURCE, Y_SOURCE) == pytest.approx(
        plain.score(X_SOURCE, Y_SOURCE), abs=0.05
    )


@pytest.mark.parametrize("data_device", ["auto", "cpu"])
@pytest.mark.parametrize("kind", ["array", "dataset", "uint8 images"])
def test_rows_on_the_gpu_and_pinned_rows_train_the_same(data_device: str, kind: str) -> None:
    domains: tuple[Any, ...] = (X_SOURCE, Y_SOURCE, X_TARGET)
    if kind == "dataset":
        tensors = map(torch.from_numpy, (X_SOURCE, Y_SOURCE))
        domains = (TensorDataset(*tensors), None, TensorDataset(torch.from_numpy(X_TARGET)))
    if kind == "uint8 images":
        images = RNG.integers(0, 255, (60, 1, 16, 16)).astype(np.uint8)
        domains = (images, images[:, 0, 0, 0] // 128, images[::-1].copy())
    on_gpu = DANNClassifier(data_device=data_device, **FEW).fit(*domains)
    on_cpu = DANNClassifier(**FEW | {"device": "cpu"}).fit(*domains)
    probas = [each.predict_proba(domains[2]) for each in (on_gpu, on_cpu)]
    np.testing.assert_allclose(*probas, atol=0.01)


def test_two_fits_are_equal_and_the_generators_are_left_alone() -> None:
    torch.cuda.manual_seed(3)
    before = torch.cuda.get_rng_state()
    dropout = {"module__dropout": 0.3}
    clf = DANNClassifier(**FEW, **dropout).fit(X_SOURCE, Y_SOURCE, X_TARGET)
    again = clone(clf).fit(X_SOURCE, Y_SOURCE, X_TARGET)
    np.testing.assert_allclose(outputs(clf), outputs(again), atol=1e-5)
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_a_deleted_estimator_leaves_no_memory_behind() -> None:
    def memory_after_a_fit() -> int:
        DANClassifier(**FEW).fit(X_SOURCE, Y_SOURCE, X_TARGET).predict(X_TARGET)
        return torch.cuda.memory_allocated()

    first = memory_after_a_fit()
    assert [memory_after_a_fit() for _ in range(3)] == [first] * 3


def test_mmd_of_float32_on_the_gpu() -> None:
    domains = torch.randn(2, 100, 64, generator=torch.Generator().manual_seed(0))
    exact = mk_mmd2(*domains.double())
    assert mk_mmd2(*domains.cuda()).item() == pytest.approx(exact.item(), rel=1e-4)


@pytest.mark.parametrize("compile_mode", ["default", "reduce-overhead"])
def test_a_compiled_network(compile_mode: str) -> None:
    compiled = {"compile": True, "compile__mode": compile_mode}
    clf = DANNClassifier(**FEW, **compiled).fit(X_SOURCE, Y_SOURCE, X_TARGET)
    plain = DANNClassifier(**FEW).fit(X_SOURCE, Y_SOURCE, X_TARGET)
    np.testing.assert_allclose(outputs(clf), outputs(plain), atol=0.02)


@pytest.mark.parametrize("cls", [DANNClassifier, DANClassifier, CDANClassifier, DAREGRAMRegressor])
@pytest.mark.parametrize("recorded", [False, True])
def test_the_stacked_search_trains_what_single_fits_do(cls: Any, recorded: bool) -> None:
    if recorded and stem(cls) in WAIT:
        pytest.skip(f"the steps of {stem(cls)} cannot be recorded")
    options: dict[str, Any] = {"lams": [0.1, 1.0], "cv": 2, "random_state": 0}
    stacked = LambdaSearchCV(cls(**FEW, cuda_graphs=recorded), **options).fit(*domains_for(cls))
    single = LambdaSearchCV(cls(**FEW), **options, vectorize=False).fit(*domains_for(cls))
    assert stacked.vectorized_, stacked.vectorize_reason_
    assert stacked.best_estimator_.net_.device.startswith("cuda")
    for column, values in single.cv_results_.items():
        # mean_test_score is made of ranks, and rounding decides between equal scores
        if column.startswith(("mean_test_", "mean_target_")) and column != "mean_test_score":
            np.testing.assert_allclose(stacked.cv_results_[column], values, atol=0.03)


def test_a_search_in_two_processes() -> None:
    options: dict[str, Any] = {"lams": [1.0], "cv": 2, "random_state": 0, "vectorize": False}
    domains = X_SOURCE, Y_SOURCE, X_TARGET
    apart = LambdaSearchCV(DANNClassifier(**FEW), n_jobs=2, **options).fit(*domains)
    alone = LambdaSearchCV(DANNClassifier(**FEW), **options).fit(*domains)
    np.testing.assert_allclose(outputs(apart), outputs(alone), atol=1e-3)


class Stopped(Exception):
    """Simulates the end of the process."""


class StopAt(Callback):
    epoch: int

    def on_epoch_begin(self, net: Any, **_: Any) -> None:
        if len(net.history) == StopAt.epoch:
            raise Stopped


def test_a_checkpoint_goes_on(tmp_path: Path) -> None:
    domains = X_SOURCE, Y_SOURCE, X_TARGET
    clf = DANNClassifier(**FEW, module__dropout=0.3, callbacks=[StopAt()], checkpoint=tmp_path)
    StopAt.epoch = 3
    with pytest.raises(Stopped):
        clf.fit(*domains)
    StopAt.epoch = -1
    resumed = clone(clf).fit(*domains)
    whole = clone(clf).set_params(checkpoint=None).fit(*domains)
    np.testing.assert_allclose(outputs(resumed), outputs(whole), atol=1e-5)


@pytest.mark.parametrize("cls", [DANNClassifier, ADDAClassifier, DAREGRAMRegressor])
@pytest.mark.parametrize("how", ["pickle", "save"])
def test_a_model_goes_to_a_process_without_the_gpu(cls: Any, how: str, tmp_path: Path) -> None:
    estimator = cls(**FEW).fit(*domains_for(cls))
    path = tmp_path / "model"
    if how == "pickle":
        path.write_bytes(pickle.dumps(estimator))
        assert next(pickle.loads(path.read_bytes()).net_.module_.parameters()).is_cuda
        load = f"pickle.load(open({str(path)!r}, 'rb'))"
    else:
        pytest.importorskip("safetensors")
        estimator.save(path)
        assert next(skda.load(path).net_.module_.parameters()).is_cuda
        load = f"skda.load({str(path)!r})"
    name = "predict_proba" if has_classes(cls) else "predict"
    np.save(tmp_path / "X.npy", X_TARGET)
    code = f"""
import pickle, numpy as np, skda
model = {load}
np.save({str(tmp_path / "out.npy")!r}, model.{name}(np.load({str(tmp_path / "X.npy")!r})))"""
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([sys.executable, "-c", code], check=True, env=hidden)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), outputs(estimator), atol=1e-3)


def test_a_module_for_the_target_stays_on_the_gpu_or_leaves_it() -> None:
    clf = DANNClassifier(**FEW).fit(X_SOURCE, Y_SOURCE, X_TARGET)
    module = clf.to_module(domain="target")
    rows = torch.from_numpy(X_TARGET)
    device = next(module.parameters()).device
    logits = module(rows.to(device)).detach().cpu().numpy()
    expected = clf.decision_function(X_TARGET)
    found = logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_gpu_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="'device' parameter"):
        DANNClassifier(**FEW | {"device": "cuda:99"}).fit(X_SOURCE, Y_SOURCE, X_TARGET)


def test_one_process_of_accelerate() -> None:
    accelerate = pytest.importorskip("accelerate")
    from skda.distributed import accelerated

    with accelerated(accelerate.Accelerator()):
        inside = DANNClassifier(**FEW).fit(X_SOURCE, Y_SOURCE, X_TARGET)
    outside = DANNClassifier(**FEW).fit(X_SOURCE, Y_SOURCE, X_TARGET)
    np.testing.assert_allclose(outputs(inside), outputs(outside), atol=1e-4)
