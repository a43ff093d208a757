"""Classes and functions that a file names and does not hold: the user passes them to `load`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skorch.callbacks
import torch
from sklearn import model_selection
from sklearn.base import clone
from sklearn.model_selection import RepeatedKFold
from skorch.callbacks import Callback
from torch import Tensor, nn

import skda
from skda import DANNClassifier, DDCClassifier
from skda.io import ModelFileError
from skda.io._names import arguments_of, known_name
from skda.model_selection import LambdaSearchCV
from skda.nn import MLP
from tests.io.helpers import (
    FIT,
    SMALL,
    Own,
    assert_same,
    assert_same_results,
    assert_same_weights,
    my_schedule,
    there_and_back,
)


@pytest.mark.parametrize("cls", [DANNClassifier, skda.ADDAClassifier, DDCClassifier])
def test_a_network_of_the_user_s_is_handed_in(cls: type, tmp_path: Any) -> None:
    saved = cls(Own, module__hidden=9, **SMALL).fit(*FIT)
    for given in (Own, Own(2, 2), {"Own": Own}, own):
        loaded = there_and_back(saved, tmp_path, module=given)
        assert_same_results(loaded, saved)
        assert loaded.get_params()["module__hidden"] == 9
    assert_same(there_and_back(saved, tmp_path, module=Own), saved)


def test_an_instance_of_the_user_s_network_is_handed_in(tmp_path: Any) -> None:
    saved = DANNClassifier(Own(2, 2, hidden=3), **SMALL).fit(*FIT)
    loaded = there_and_back(saved, tmp_path, module=Own(2, 2, hidden=3))
    assert_same(loaded, saved)
    assert_same_weights(loaded.fit(*FIT), clone(saved).fit(*FIT))
    with pytest.raises(ModelFileError, match=r"tensors do not fit Own.*'head.weight'"):
        skda.load(tmp_path / "model.safetensors", Own(2, 2, hidden=4))
    with pytest.raises(ModelFileError, match=r"needs 'Own', which only your own code has. Pass lo"):
        skda.load(tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError, match=r"saved with 'Own', and 'module' is 'MLP'"):
        skda.load(tmp_path / "model.safetensors", MLP)


def own(n_features: int, n_classes: int, hidden: int) -> nn.Module:
    return Own(n_features, n_classes, hidden)


class MyClassifier(skda.DANNClassifier):
    """A user's own method."""


def test_functions_and_estimators_of_the_user_s_are_handed_in_by_name(tmp_path: Any) -> None:
    saved = MyClassifier(lam_schedule=my_schedule, **SMALL).fit(*FIT)
    with pytest.raises(ModelFileError, match=r"needs 'MyClassifier', 'my_schedule'.*module=\{'MyC"):
        there_and_back(saved, tmp_path, module=my_schedule)
    given = {"MyClassifier": MyClassifier, "my_schedule": my_schedule}
    assert_same(there_and_back(saved, tmp_path, module=given), saved)


def test_two_functions_of_one_name_are_told_apart(tmp_path: Any) -> None:
    halved, kept = (lambda progress: 0.5), (lambda progress: 1.0)
    saved = DANNClassifier(lam_schedule=halved, lr_schedule=kept, **SMALL).fit(*FIT)
    with pytest.raises(ModelFileError, match=r"'<lambda>', '<lambda> of model.l\w+_schedule'"):
        there_and_back(saved, tmp_path)
    names = {"<lambda>": halved, "<lambda> of model.lr_schedule": kept}
    assert there_and_back(saved, tmp_path, names).lam_schedule is halved


class Activated(nn.Module):
    """A network whose weights do not tell its activation."""

    def __init__(self, activation: str = "relu") -> None:
        super().__init__()
        self.body, self.head = nn.Linear(2, 8), nn.Linear(8, 2)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.head(getattr(torch, self.activation)(3 * self.body(x)))


class Plain(Activated):
    """A network without arguments."""

    def __init__(self) -> None:
        super().__init__("tanh")


class Focused(nn.Module):
    """A loss with an argument."""

    def __init__(self, by: float = 1.0) -> None:
        super().__init__()
        self.by = by

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits * self.by, y)


class Noting(Callback):
    """A callback of the user's, which keeps its arguments as scikit-learn has it."""

    def __init__(self, every: int = 1, names: Any = ("train_loss",)) -> None:
        self.every = every
        self.names = names


class Hiding(Callback):
    """A callback whose attributes do not tell its argument."""

    def __init__(self, every: int = 1) -> None:
        self.often = 2 * every


class Doubling(Callback):
    """A callback whose attribute is not its argument."""

    def __init__(self, every: int = 1) -> None:
        self.every = 2 * every


def test_an_instance_that_takes_arguments_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "model"
    saved = DANNClassifier(Activated("tanh"), **SMALL).fit(*FIT)
    saved.save(path)
    with pytest.raises(
        ModelFileError, match=r"Pass load\(path, module=Activated\(...\)\), each inst"
    ):
        skda.load(path)
    with pytest.raises(
        ModelFileError,
        match=r"instance of 'Activated' whose arguments.*an instance, Activated\(...\), made as",
    ):
        skda.load(path, module=Activated)
    for given in (Activated("tanh"), lambda: Activated("tanh")):
        loaded = skda.load(path, module=given)
        assert_same_results(loaded, saved)
        assert loaded.module.activation == "tanh"
    saved = DANNClassifier(Activated("tanh"), criterion=Focused(3.0), **SMALL).fit(*FIT)
    saved.save(path)
    with pytest.raises(ModelFileError, match=r"\{'Focused': Focused\(...\), 'Activated': Act"):
        skda.load(path)
    given = {"Activated": Activated("tanh"), "Focused": Focused}
    with pytest.raises(
        ModelFileError, match=r"instance of 'Focused'.*Focused\(...\), made as that"
    ):
        skda.load(path, module=given)
    loaded = skda.load(path, module={**given, "Focused": Focused(3.0)})
    assert loaded.criterion.by == 3.0


@pytest.mark.parametrize("given", [Activated("relu"), Activated("sin"), lambda: Activated("cos")])
def test_another_instance_is_recognised_by_its_outputs(given: Any, tmp_path: Path) -> None:
    saved = DANNClassifier(Activated("tanh"), **SMALL).fit(*FIT)
    with pytest.raises(
        ModelFileError,
        match=r"Activated, with the weights of the file, gives other outputs than the network that "
        r"was saved: they differ by \d.*made with the same arguments",
    ):
        there_and_back(saved, tmp_path, module=given)


def test_changed_code_of_a_class_is_recognised_by_its_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = DANNClassifier(Own, **SMALL).fit(*FIT)
    saved.save(tmp_path / "model")
    monkeypatch.setattr(Own, "forward", lambda self, x: self.head(self.inner(x).sigmoid()))
    with pytest.raises(ModelFileError, match=r"Own, with the weights of the file, gives other"):
        skda.load(tmp_path / "model", module=Own)


class Drawn(Activated):
    """A network that draws random numbers, also in evaluation."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(nn.functional.dropout(x))


class OfFewRows(Activated):
    """A network that refuses rows outside of its range."""

    def forward(self, x: Tensor) -> Tensor:
        if len(x) and (x.sum(1) == 1).any():
            raise ValueError("never")
        return super().forward(x.log())


@pytest.mark.parametrize("module", [Drawn(), OfFewRows()], ids=["random", "undefined"])
@pytest.mark.filterwarnings("ignore:The 'module' parameter is a network whose outputs")
def test_a_network_without_definite_outputs_is_not_compared(module: Any, tmp_path: Path) -> None:
    X, y, X_target = FIT
    saved = DANNClassifier(module, **SMALL).fit(np.abs(X) + 1, y, np.abs(X_target) + 1)
    global_state = torch.get_rng_state()
    loaded = there_and_back(saved, tmp_path, module=module)
    assert torch.equal(torch.get_rng_state(), global_state)
    assert_same_weights(loaded, saved)


def test_a_file_without_outputs_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = DANNClassifier(Activated("tanh"), **SMALL).fit(*FIT)
    with monkeypatch.context() as patch:  # as earlier versions wrote it
        patch.setattr("skda.io._nets.some_outputs", lambda module, estimator: None)
        saved.save(tmp_path / "model")
    assert_same_results(skda.load(tmp_path / "model", module=Activated("tanh")), saved)


def test_the_class_of_an_instance_without_arguments_is_enough(tmp_path: Path) -> None:
    saved = DANNClassifier(Plain(), **SMALL).fit(*FIT)
    saved.save(tmp_path / "model")
    with pytest.raises(ModelFileError, match=r"Pass load\(path, module=Plain\)\.$"):
        skda.load(tmp_path / "model")
    assert_same_results(skda.load(tmp_path / "model", module=Plain), saved)


@pytest.mark.parametrize("given", [Noting, Noting(2), lambda: Noting(2)])
def test_a_callback_of_the_user_s_keeps_its_arguments(given: Any, tmp_path: Path) -> None:
    saved = DANNClassifier(callbacks=[("note", Noting(7, [1, 2])), Noting()], **SMALL).fit(*FIT)
    loaded = there_and_back(saved, tmp_path, module=given)
    (name, first), second = loaded.callbacks
    assert name == "note"
    assert (type(first), first.every, first.names) == (Noting, 7, [1, 2])
    assert (type(second), second.every, second.names) == (Noting, 1, ("train_loss",))
    loaded.fit(*FIT)


@pytest.mark.parametrize("cls", [Hiding, Doubling])
def test_a_callback_that_hides_its_arguments_is_handed_in(cls: Any, tmp_path: Path) -> None:
    saved = DANNClassifier(callbacks=[cls(7)], **SMALL)
    given = cls(7)
    assert type(there_and_back(saved, tmp_path, module=given).callbacks[0]) is cls
    with pytest.raises(
        ModelFileError, match=rf"instance of '{cls.__name__}'.*{cls.__name__}\(...\)"
    ):
        skda.load(tmp_path / "model.safetensors", module=cls)


def test_a_splitter_that_hides_its_arguments_is_handed_in(tmp_path: Path) -> None:
    saved = LambdaSearchCV(DANNClassifier(), cv=RepeatedKFold(n_splits=3))
    with pytest.raises(ModelFileError, match=r"module=RepeatedKFold\(...\)"):
        there_and_back(saved, tmp_path)
    with pytest.raises(ModelFileError, match=r"Pass an instance, RepeatedKFold\(...\)"):
        there_and_back(saved, tmp_path, module=RepeatedKFold)
    assert there_and_back(saved, tmp_path, module=RepeatedKFold(n_splits=3)).cv.cvargs == {
        "n_splits": 3
    }


OF_SKORCH = [
    skorch.callbacks.BatchScoring("accuracy", name="hits"),
    skorch.callbacks.EarlyStopping(patience=7),
    skorch.callbacks.EpochScoring("accuracy", on_train=True),
    skorch.callbacks.EpochTimer(),
    skorch.callbacks.GradientNormClipping(0.5),
    skorch.callbacks.LRScheduler("StepLR", step_size=1, gamma=0.5),
    skorch.callbacks.LRScheduler(torch.optim.lr_scheduler.ExponentialLR, gamma=0.9),
    skorch.callbacks.LRScheduler(skorch.callbacks.WarmRestartLR, base_period=3),
    skorch.callbacks.PassthroughScoring("train_loss", on_train=True),
    skorch.callbacks.PrintLog(floatfmt=".2f"),
    skorch.callbacks.ProgressBar(batches_per_epoch=3),
]


@pytest.mark.parametrize("callback", OF_SKORCH, ids=lambda c: type(c).__name__)
def test_callbacks_of_skorch_come_back(callback: Any, tmp_path: Path) -> None:
    saved = DANNClassifier(callbacks=[callback])
    (loaded,) = there_and_back(saved, tmp_path).callbacks
    assert type(loaded) is type(callback)
    assert loaded.get_params() == callback.get_params()


def test_a_schedule_of_skorch_trains_on_as_it_did(tmp_path: Path) -> None:
    schedule = skorch.callbacks.LRScheduler("StepLR", step_size=1, gamma=0.5)
    saved = DANNClassifier(callbacks=[schedule, skorch.callbacks.EpochTimer()], **SMALL).fit(*FIT)
    loaded = there_and_back(saved, tmp_path)
    assert_same_results(loaded, saved)
    assert_same_weights(loaded.fit(*FIT), saved)
    rates = [row["event_lr"] for row in loaded.history_]
    np.testing.assert_allclose(rates, [1e-3, 5e-4])


def test_callbacks_of_skorch_that_write_files_are_allowed_by_hand(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    saved = DANNClassifier(
        callbacks=[skorch.callbacks.Checkpoint(monitor=None, dirname=str(folder), f_pickle="x")]
    )
    with pytest.raises(
        ModelFileError,
        match=r"needs 'Checkpoint', of skorch, which a file may not name.*module=Checkpoint\)\.$",
    ):
        there_and_back(saved, tmp_path)
    loaded = skda.load(tmp_path / "model.safetensors", module=skorch.callbacks.Checkpoint)
    (callback,) = loaded.callbacks
    assert callback.get_params() == saved.callbacks[0].get_params()
    frozen = DANNClassifier(callbacks=[skorch.callbacks.Freezer("head*")])
    with pytest.raises(
        ModelFileError, match=r"needs 'Freezer', of skorch.*module=Freezer\(...\)\)"
    ):
        there_and_back(frozen, tmp_path)


def test_the_arguments_of_every_splitter_of_the_list_are_known() -> None:
    made = 0
    for cls in vars(model_selection).values():
        if not inspect.isclass(cls) or known_name(cls) is None or inspect.isabstract(cls):
            continue
        parameters = inspect.signature(cls).parameters.values()
        arguments = {
            p.name: [0, 1] if p.name == "test_fold" else 3
            for p in parameters
            if p.default is p.empty or p.name == "n_splits"
        }
        value = cls(**arguments)
        assert arguments_of(value).keys() >= {n for n in arguments if n != "test_fold"}, cls
        made += 1
    assert made > 8
