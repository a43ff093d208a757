"""What was saved comes back equal, to the last bit."""

from __future__ import annotations

import copy
import os
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from skorch.callbacks import EarlyStopping
from skorch.dataset import ValidSplit
from torch import nn

import skda
from skda import DANNClassifier, FinetuneClassifier, make_pipeline
from skda.model_selection import LambdaSearchCV
from skda.nn import ConvNet
from skda.preprocessing import DomainConditionScaler, DomainScaler, DomainStandardScaler
from tests.discovery import WAYS, every_estimator, every_way
from tests.io.helpers import (
    FIT,
    SMALL,
    X_TARGET,
    Own,
    X,
    Y,
    assert_same,
    assert_same_results,
    assert_same_weights,
    my_schedule,
    re_estimated,
    state,
    there_and_back,
)

TRANSFORMERS = [
    skda.CORAL(),
    skda.GFK(1),
    skda.MSDA(n_layers=2),
    skda.TCA(2, kernel="rbf"),
    skda.SubspaceAlignment(1),
    DomainStandardScaler(),
    DomainScaler(MinMaxScaler()),
    DomainConditionScaler(["a"], n_conditions=3),
]


@every_estimator
def test_every_estimator_comes_back_and_goes_on(cls: type, tmp_path: Any) -> None:
    saved = copy.deepcopy(re_estimated(cls))
    loaded = there_and_back(saved, tmp_path, optimizer=True)
    assert_same(loaded, saved)
    assert loaded.get_params() == saved.get_params()
    assert list(loaded.history_[:, "train_loss"]) == list(saved.history_[:, "train_loss"])
    if hasattr(saved, "partial_fit"):
        assert_same_weights(loaded.partial_fit(*FIT), saved.partial_fit(*FIT))
        assert len(loaded.history_) == 3
    if cls in WAYS:
        assert_same_weights(loaded.fit(*FIT), re_estimated(cls))


@every_way
def test_every_estimator_trains_on_without_the_optimizer_s_state(cls: type, tmp_path: Any) -> None:
    saved = cls(**SMALL).fit(*FIT)
    loaded = there_and_back(saved, tmp_path)
    assert_same(loaded, saved)
    if hasattr(saved, "partial_fit"):
        before = state(loaded)
        loaded.partial_fit(*FIT)
        assert any((before[name] != weights).any() for name, weights in state(loaded).items())
        # the optimizer starts anew, from the same weights and with the same batches
        assert loaded.net_.fits_ == saved.net_.fits_ + 1


@every_estimator
def test_an_unfitted_estimator_is_saved_too(cls: type, tmp_path: Any) -> None:
    saved = cls(lr=0.02, module__hidden=(5, 4), optimizer__weight_decay=1e-3)
    loaded = there_and_back(saved, tmp_path)
    assert loaded.get_params() == saved.get_params()
    assert not hasattr(loaded, "net_")


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda t: type(t).__name__)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_transformer_comes_back(transformer: Any, dtype: str, tmp_path: Any) -> None:
    X_source, X_target = (
        pd.DataFrame(rows.astype(dtype), columns=["a", "b"]) for rows in (X, X_TARGET)
    )
    saved = clone(transformer).fit(X_source, X_target=X_target).set_output(transform="pandas")
    assert_same(there_and_back(saved, tmp_path), saved, X_target)


def test_labels_names_and_other_parameters_come_back(tmp_path: Any) -> None:
    frame, target = pd.DataFrame(X, columns=["x", "y"]), pd.DataFrame(X_TARGET, columns=["x", "y"])
    saved = DANNClassifier(
        **{**SMALL, "random_state": np.random.RandomState(3)},
        lam=np.float64(0.1),
        criterion__weight=torch.tensor([1.0, 2.0]),
        optimizer=torch.optim.SGD,
        optimizer__param_groups=[("classifier.*", {"lr": 0.5})],
        lr_schedule="constant",
        train_split=ValidSplit(3),
        callbacks=[("stop", EarlyStopping(patience=7))],
        module__activation=nn.Tanh,
        module__batch_norm=True,
        criterion__label_smoothing=0.1,
    )
    saved.fit(frame, np.array(["no", "yes!"])[Y], target).set_output(transform="pandas")
    loaded = there_and_back(saved, tmp_path)
    assert type(loaded.lam) is np.float64
    assert_array_equal(
        loaded.random_state.randint(9, size=9), saved.random_state.randint(9, size=9)
    )
    assert loaded.callbacks[0][1].patience == 7
    assert loaded.train_split.cv == 3
    assert torch.equal(loaded.criterion__weight, saved.criterion__weight)
    assert loaded.predict(target).dtype == saved.predict(target).dtype == "<U4"
    assert_same_results(loaded, saved, target)
    assert loaded.transform(target).equals(saved.transform(target))


def test_images_and_instances_of_the_built_in_networks(tmp_path: Any) -> None:
    images = np.random.default_rng(0).integers(0, 256, size=(40, 1, 8, 8), dtype=np.uint8)
    rows = images[:20], np.arange(20) % 2, images[20:]
    linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Linear(4, 2))
    for module in (None, ConvNet(1, 2, width=4), linear):
        saved = DANNClassifier(module, **SMALL).fit(*rows)
        loaded = there_and_back(saved, tmp_path)
        assert_same(loaded, saved, images)
        if module is not None:
            # a new fit starts from the instance's initial weights, not from the trained weights
            assert_same_weights(loaded.fit(*rows), clone(saved).fit(*rows))


def test_metadata_requests_come_back(tmp_path: Any) -> None:
    saved = DANNClassifier()
    with config_context(enable_metadata_routing=True):
        saved.set_score_request(sample_weight=True).set_fit_request(y_target="labels")
    loaded = there_and_back(saved, tmp_path)
    for method in ("fit", "score"):
        requests = [vars(e)["_metadata_request"] for e in (loaded, saved)]
        ours, theirs = (getattr(request, method).requests for request in requests)
        assert ours == theirs
    assert ours["sample_weight"] is True


def test_fine_tuning_in_two_stages(tmp_path: Any) -> None:
    y_target = np.where(np.arange(len(X_TARGET)) < 20, np.arange(len(X_TARGET)) % 2, -1)
    tuned = FinetuneClassifier(reinit=1, **SMALL).fit(*FIT, y_target=y_target)
    loaded = there_and_back(tuned, tmp_path, optimizer=True)
    assert_same(loaded, tuned)
    assert_same_weights(loaded.partial_fit(*FIT), tuned.partial_fit(*FIT))
    of_user = FinetuneClassifier(Own, reinit=1, **SMALL).fit(*FIT, y_target=y_target)
    assert_same(there_and_back(of_user, tmp_path, module=Own), of_user)


def test_fine_tuning_of_a_fitted_estimator_a_network_and_weights(tmp_path: Any) -> None:
    first = FinetuneClassifier(**SMALL).fit(X, Y)
    weights = first.net_.plain_module.state_dict()
    for pretrained in (first, first.net_.plain_module, weights):
        saved = FinetuneClassifier(pretrained=pretrained, n_frozen=1, unfreeze_schedule=1, **SMALL)
        saved.fit(*FIT)
        loaded = there_and_back(saved, tmp_path)
        assert_same_results(loaded, saved)
        assert_same_weights(loaded.fit(*FIT), saved.fit(*FIT))


def test_fine_tuning_of_a_file_does_not_read_it_again(tmp_path: Any) -> None:
    weights = tmp_path / "weights.pt"
    torch.save(Own(2, 2).state_dict(), weights)
    saved = FinetuneClassifier(Own, pretrained=str(weights), reinit=1, **SMALL).fit(*FIT)
    weights.unlink()
    loaded = there_and_back(saved, tmp_path, module=Own)
    assert_same(loaded, saved)


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW", "RMSprop", "Adagrad", "NAdam", "Rprop"])
def test_the_state_of_any_optimizer_comes_back(optimizer: str, tmp_path: Any) -> None:
    momentum = {"optimizer__momentum": 0.9} if optimizer == "SGD" else {}
    saved = FinetuneClassifier(optimizer=getattr(torch.optim, optimizer), **momentum, **SMALL)
    loaded = there_and_back(saved.fit(X, Y), tmp_path, optimizer=True)
    assert_same_weights(loaded.partial_fit(X, Y), saved.partial_fit(X, Y))


class Tempered(nn.Module):
    """A loss of the user's that is trained, and counts its calls in training."""

    def __init__(self, start: float = 1.0) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.tensor(start))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return nn.functional.cross_entropy(logits * self.temperature, y)


@pytest.mark.parametrize("criterion", [Tempered, Tempered(1.0)], ids=["class", "instance"])
def test_a_trained_criterion_comes_back_and_goes_on(criterion: Any, tmp_path: Any) -> None:
    saved = DANNClassifier(criterion=criterion, **{**SMALL, "lr": 0.05}).fit(*FIT)
    loaded = there_and_back(saved, tmp_path, Tempered(1.0), optimizer=True)
    ours, theirs = loaded.net_.criterion_, saved.net_.criterion_
    assert theirs.temperature.item() > 1.05
    assert ours.temperature.item() == theirs.temperature.item()
    assert ours.calls.item() == theirs.calls.item() > 8
    assert_same_weights(loaded.partial_fit(*FIT), saved.partial_fit(*FIT))
    assert ours.temperature.item() == theirs.temperature.item()


def test_the_weights_of_torch_s_criteria_are_those_of_the_parameters(tmp_path: Any) -> None:
    saved = DANNClassifier(class_weight={0: 2.0, 1: 1.0}, **SMALL).fit(*FIT)
    loaded = there_and_back(saved, tmp_path, optimizer=True)
    assert torch.equal(loaded.net_.criterion_.weight, saved.net_.criterion_.weight)
    assert_same_weights(loaded.partial_fit(*FIT), saved.partial_fit(*FIT))
    saved.set_params(class_weight=None)
    assert_same_results(there_and_back(saved, tmp_path), saved)


def test_a_file_without_the_state_of_the_criterion_is_loaded(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = DANNClassifier(criterion=Tempered, **SMALL).fit(*FIT)
    with monkeypatch.context() as patch:  # as earlier versions wrote it
        patch.setattr("skda.io._nets._is_trained", lambda criterion: False)
        saved.save(tmp_path / "model.safetensors")
    loaded = skda.load(tmp_path / "model.safetensors", Tempered)
    assert_same_results(loaded, saved)
    assert loaded.net_.criterion_.temperature.item() == 1.0


def test_one_logit_probabilities_and_tied_layers(tmp_path: Any) -> None:
    shared, head = nn.Linear(2, 2), nn.Linear(8, 2)
    attention = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    modules = [
        nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1)),
        nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2), nn.Softmax(dim=1)),
        nn.Sequential(shared, nn.ReLU(), shared, nn.ReLU(), nn.Linear(2, 2)),
        nn.Sequential(nn.Unflatten(1, (2, 1)), nn.Linear(1, 4), attention, nn.Flatten(), head),
        nn.Sequential(nn.LazyLinear(4), nn.GroupNorm(2, 4), nn.ReLU(), nn.Linear(4, 2)),
    ]
    for module in modules:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The 'module' parameter is a network")
            saved = DANNClassifier(module, **SMALL).fit(*FIT)
        lazy = module if module is modules[-1] else None  # a lazy module: the instance has no sizes
        loaded = there_and_back(saved, tmp_path, lazy, optimizer=True)
        assert_same_results(loaded, saved)
        assert_same_weights(loaded.partial_fit(*FIT), saved.partial_fit(*FIT))
    loaded = there_and_back(DANNClassifier(modules[2]), tmp_path)
    assert loaded.module[0] is loaded.module[2]


def test_a_pipeline_comes_back(tmp_path: Any) -> None:
    saved = make_pipeline(StandardScaler(), PCA(2), DomainStandardScaler(), DANNClassifier(**SMALL))
    saved.fit(X, Y, X_target=X_TARGET)
    loaded = there_and_back(saved, tmp_path)
    assert_array_equal(loaded.predict_proba(X_TARGET), saved.predict_proba(X_TARGET))
    assert repr(loaded) == repr(saved)
    saved.save(tmp_path / "model.safetensors")
    plain = Pipeline([("none", "passthrough"), ("clf", saved[-1])])
    loaded = there_and_back(plain, tmp_path)
    assert_array_equal(loaded.predict(X_TARGET), plain.predict(X_TARGET))


def test_what_skops_does_not_trust_is_refused_when_it_is_saved(tmp_path: Any) -> None:
    pipe = make_pipeline(FunctionTransformer(my_schedule), DANNClassifier(**SMALL))
    with pytest.raises(
        ValueError, match=r"steps.*FunctionTransformer: skops does not trust .*my_sc"
    ):
        pipe.save(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_what_could_run_another_program_is_refused_when_it_is_saved(tmp_path: Any) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(ValueError, match=r"cannot hold model.compile__options=.* program could"):
        DANNClassifier(compile__options={"cpp.cxx": "sh"}).save(path)
    with pytest.raises(ValueError, match=r"cannot hold model.memory='cache'.*Set it to None"):
        make_pipeline(skda.CORAL(), memory="cache").save(path)
    loaded = there_and_back(DANNClassifier(compile__mode="reduce-overhead"), tmp_path)
    assert loaded.compile__mode == "reduce-overhead"


@pytest.mark.parametrize("scaled", [False, True])
def test_a_search_comes_back(scaled: bool, tmp_path: Any) -> None:
    estimator = DANNClassifier(**SMALL)
    if scaled:
        estimator = make_pipeline(StandardScaler(), estimator)
    saved = LambdaSearchCV(estimator, lams=[0.1], cv=StratifiedKFold(2), random_state=0).fit(*FIT)
    loaded = there_and_back(saved, tmp_path)
    assert_same_results(loaded, saved)
    assert repr(loaded) == repr(saved)
    assert loaded.cv_results_.keys() == saved.cv_results_.keys()
    for name, column in saved.cv_results_.items():
        np.testing.assert_equal(loaded.cv_results_[name], column, err_msg=name)
    for name in ("best_params_", "best_index_", "best_score_", "adapted_", "n_splits_"):
        assert getattr(loaded, name) == getattr(saved, name)
    assert_array_equal(loaded.classes_, saved.classes_)


def test_a_transformed_matrix_is_equal_whatever_its_order_in_memory(tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(2, 60, 33))
    for transformer in (skda.CORAL(), skda.TCA(7), skda.SubspaceAlignment(7), skda.GFK(7)):
        saved = transformer.fit(source, X_target=target)
        assert_same_results(there_and_back(saved, tmp_path), saved, target)


def test_the_file_is_little_larger_than_the_weights(tmp_path: Any) -> None:
    saved = DANNClassifier(module__hidden=(512, 512), **{**SMALL, "max_epochs": 1}).fit(*FIT)
    saved.net_.history_ *= 100
    trained = saved.net_.plain_module, saved.net_.adaptation_
    n_bytes = sum(t.nbytes for module in trained for t in module.state_dict().values())
    assert 1_000_000 < n_bytes < 1_500_000
    saved.save(tmp_path / "model.safetensors")
    assert (tmp_path / "model.safetensors").stat().st_size < 1.1 * n_bytes


def test_an_interrupted_save_leaves_the_file_that_was_there(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    saved = DANNClassifier(**SMALL).fit(*FIT)
    saved.save(path)
    before = path.read_bytes()

    def no_room(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space left"):
        saved.set_params(lr=0.5).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match="nowhere"):
        saved.save(tmp_path / "nowhere" / "model.safetensors")


def test_a_saved_file_has_the_mode_of_any_new_file(tmp_path: Any) -> None:
    skda.CORAL().save(tmp_path / "model.safetensors")
    (tmp_path / "other").touch()
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Any) -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        skda.load(tmp_path / "none.safetensors")


def test_a_model_of_a_device_that_is_not_here_predicts_on_the_cpu(tmp_path: Any) -> None:
    saved = DANNClassifier(**SMALL).fit(*FIT)
    expected = saved.predict_proba(X_TARGET)
    saved.device = "cuda:63"
    with pytest.warns(UserWarning, match="saved with device='cuda:63'"):
        loaded = there_and_back(saved, tmp_path)
    assert loaded.device == "cuda:63"
    assert_array_equal(loaded.predict_proba(X_TARGET), expected)


def test_the_weights_can_be_read_with_safetensors(tmp_path: Any) -> None:
    from safetensors.torch import load_file

    saved = DANNClassifier(**SMALL).fit(*FIT)
    saved.save(tmp_path / "model.safetensors")
    weights = load_file(tmp_path / "model.safetensors")
    name = "classifier.weight"
    assert torch.equal(weights[f"model.net_.module.{name}"], saved.module_.state_dict()[name])
