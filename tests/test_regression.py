"""Regressors: units, several outputs, labels of some target rows, criteria."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EpochScoring
from torch import nn
from torch.utils.data import TensorDataset

import skda
from skda import (
    DANNRegressor,
    DANRegressor,
    DAREGRAMRegressor,
    FinetuneRegressor,
    RSDRegressor,
    make_pipeline,
)
from tests.compared import assert_same_weights

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
WEIGHTS = np.array([1.0, -2.0, 0.5, 0.0])
Y = 1000 + 30 * (X @ WEIGHTS)
X_TARGET = RNG.normal(size=(90, 4)) * [1, 1, 1, 3]
Y_TARGET = 1000 + 30 * (X_TARGET @ WEIGHTS)
BOTH = np.column_stack([Y, -1e-3 * X[:, 3]])
SMALL: dict[str, Any] = {"max_epochs": 3, "module__hidden": (8, 6), "random_state": 0}
LONG: dict[str, Any] = {"max_epochs": 20, "lr": 0.03, "module__hidden": (16,), "random_state": 0}


def assert_same(a: Any, b: Any) -> None:
    assert_same_weights(a, b)
    assert_array_equal(a.predict(X_TARGET), b.predict(X_TARGET))


def test_predictions_are_in_the_units_of_the_labels() -> None:
    reg = FinetuneRegressor(**LONG).fit(X, Y)
    predicted = reg.predict(X, domain="source")
    assert (predicted.dtype, predicted.shape) == (np.float64, (120,))
    assert reg.score(X, Y, domain="source") == r2_score(Y, predicted) > 0.98
    assert_allclose(reg.y_mean_, Y.mean())
    assert_allclose(reg.y_scale_, Y.std())
    weighted = reg.score(X, Y, sample_weight=np.arange(120), domain="source")
    assert weighted == r2_score(Y, predicted, sample_weight=np.arange(120))
    assert is_regressor(reg)
    assert not is_classifier(reg)
    assert not hasattr(reg, "predict_proba")
    assert not hasattr(reg, "decision_function")


def test_a_shift_and_a_unit_of_the_labels_change_nothing_else() -> None:
    plain = FinetuneRegressor(**SMALL).fit(X, Y - 1000)
    scaled = FinetuneRegressor(**SMALL).fit(X, 2.0**20 * (Y - 1000))
    assert_same_weights(plain, scaled)
    assert_allclose(scaled.predict(X), 2.0**20 * plain.predict(X), rtol=1e-12)
    # float32 cannot represent these labels, but can represent the standardised ones
    far = FinetuneRegressor(**LONG).fit(X, 1e12 + X[:, 0])
    assert far.score(X, 1e12 + X[:, 0], domain="source") > 0.98


@pytest.mark.parametrize("y", [BOTH[:, :1], pd.DataFrame(BOTH)], ids=["one", "two"])
def test_several_outputs_have_a_scale_each(y: Any) -> None:
    reg = DANRegressor(**LONG, lam=0.01).fit(X, y, X_TARGET)
    assert reg.predict(X_TARGET).shape == (90, y.shape[1])
    assert reg.score(X, np.asarray(y), domain="source") > 0.9
    assert_allclose(reg.y_scale_, np.asarray(y).std(axis=0))
    assert reg.transform(X).shape == (120, 16)


def test_a_constant_output_is_predicted_as_it_is() -> None:
    reg = FinetuneRegressor(**LONG).fit(X, np.column_stack([Y, np.full(120, 5.0)]))
    assert_allclose(reg.predict(X)[:, 1], 5, atol=0.2)
    assert reg.y_scale_[1] == 1


def test_labelled_target_rows_join() -> None:
    y_target = np.where(np.arange(90) < 40, Y_TARGET + 100, np.nan)
    params = {**LONG, "lam": 0}
    without = DANNRegressor(**params).fit(X, Y, X_TARGET)
    joined = DANNRegressor(**params).fit(X, Y, X_TARGET, y_target=y_target)
    unseen = X_TARGET[40:], Y_TARGET[40:] + 100
    mean = [np.abs(reg.predict(unseen[0]) - unseen[1]).mean() for reg in (without, joined)]
    assert mean[1] < mean[0] - 20
    as_objects = np.where(np.isnan(y_target), None, y_target)
    assert_same(DANNRegressor(**params).fit(X, Y, X_TARGET, y_target=as_objects), joined)
    nothing = DANNRegressor(**params).fit(X, Y, X_TARGET, y_target=np.full(90, np.nan))
    assert_same(nothing, without)
    # labels as a column give the same
    assert_same(DANNRegressor(**params).fit(X, Y, X_TARGET, y_target=y_target[:, None]), joined)


def test_a_negative_label_is_a_label() -> None:
    y_target = np.full(90, -1.0)
    params = {**SMALL, "lam": 0}
    joined = DANNRegressor(**params).fit(X, Y, X_TARGET, y_target=y_target)
    without = DANNRegressor(**params).fit(X, Y, X_TARGET)
    assert (joined.predict(X) != without.predict(X)).any()


def test_a_target_stage_tunes_on_labelled_target_rows() -> None:
    y_target = np.where(np.arange(90) < 60, Y_TARGET + 50, np.nan)
    source_only = FinetuneRegressor(**LONG).fit(X, Y)
    tuned = clone(source_only).fit(X, Y, X_TARGET, y_target=y_target)
    errors = [np.abs(r.predict(X_TARGET) - Y_TARGET - 50).mean() for r in (source_only, tuned)]
    assert errors[1] < 0.5 * errors[0]


def test_a_pretrained_regressor_starts_in_its_own_units() -> None:
    first = FinetuneRegressor(**LONG).fit(X, Y)
    few = {"pretrained": first, "lr": 1e-9, "max_epochs": 1, "random_state": 0}
    tuned = FinetuneRegressor(**few).fit(X[:40], 5 * Y[:40])
    assert_array_equal(tuned.y_mean_, first.y_mean_)
    assert_allclose(tuned.predict(X), first.predict(X), rtol=0.02)
    renewed = FinetuneRegressor(**few, reinit=1).fit(X[:40], BOTH[:40])
    assert_allclose(renewed.y_mean_, BOTH[:40].mean(axis=0))


@pytest.mark.parametrize(
    "criterion",
    [nn.L1Loss, nn.HuberLoss, nn.SmoothL1Loss(), nn.functional.mse_loss, nn.functional.l1_loss],
)
def test_any_loss_of_torch_is_a_criterion(criterion: Any) -> None:
    reg = FinetuneRegressor(**LONG, criterion=criterion).fit(X, BOTH)
    assert reg.score(X, BOTH, domain="source") > 0.9


def test_an_option_of_the_criterion() -> None:
    delta = FinetuneRegressor(**SMALL, criterion=nn.HuberLoss, criterion__delta=0.1).fit(X, Y)
    huber = FinetuneRegressor(**SMALL, criterion=nn.HuberLoss).fit(X, Y)
    assert (delta.predict(X) != huber.predict(X)).any()


def test_a_criterion_of_classes_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"loss of outputs \(n_rows, n_outputs\) and labels .*torch.nn.MSELoss"
    ):
        FinetuneRegressor(criterion=nn.NLLLoss).fit(X, Y)


@pytest.mark.parametrize("name", ["class_weight", "target_priors"])
def test_what_is_of_classes_is_no_parameter(name: str) -> None:
    with pytest.raises(TypeError, match=f"Unexpected argument {name}"):
        DANNRegressor(**{name: None})
    with pytest.raises(TypeError, match="classes"):
        DANNRegressor().partial_fit(X, Y, X_TARGET, classes=[0, 1])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "DANNRegressor requires y to be passed, but the target y is None"),
        (Y[:7], "y_source has 7 labels, but X_source has 120 rows"),
        (np.where(np.arange(120) == 3, np.nan, Y), "Input y_source contains NaN"),
        (np.full(120, np.inf), "y_source contains infinity"),
        (np.array(["a"] * 120), "y_source: could not convert string to float"),
        (np.zeros((120, 2, 2)), "y_source must have the shape .n_rows,. or .n_rows, n_outputs."),
        (np.zeros((120, 0)), "y_source must have the shape"),
        (1e308 * np.sign(Y - 1000), "y_source has numbers so large"),
    ],
)
def test_labels_that_are_none(y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DANNRegressor(**SMALL).fit(X, y, X_TARGET)


@pytest.mark.parametrize(
    ("y_target", "message"),
    [
        (np.zeros((90, 3)), "y_target has labels of shape (90, 3), but y_source has 2 numbers"),
        (np.zeros((5, 2)), "y_target has 5 labels, but X_target has 90 rows"),
        (np.full((90, 2), np.inf), "y_target contains infinity"),
        (
            np.where(np.arange(180).reshape(90, 2) == 6, np.nan, 0),
            "y_target has rows, such as number 3, with some of their numbers",
        ),
    ],
)
def test_target_labels_that_are_none(y_target: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        DANNRegressor(**SMALL).fit(X, BOTH, X_TARGET, y_target=y_target)


def test_a_failed_fit_keeps_the_previous_one() -> None:
    reg = DANNRegressor(**SMALL).fit(X, Y, X_TARGET)
    before = reg.predict(X)
    with pytest.raises(ValueError, match="criterion"):
        reg.set_params(criterion=nn.NLLLoss).fit(X, 2 * Y, X_TARGET)
    assert_array_equal(reg.predict(X), before)


def test_going_on_keeps_the_units_of_the_weights() -> None:
    reg = FinetuneRegressor(**LONG).fit(X, Y)
    before = reg.predict(X[:30], domain="source")
    reg.set_params(warm_start=True, lr=1e-9, max_epochs=1).fit(X[:30], Y[:30] + 500)
    assert_allclose(reg.y_mean_, Y.mean())
    assert_allclose(reg.predict(X[:30]), before, rtol=0.05)
    reg.partial_fit(X[:30], Y[:30])
    assert_allclose(reg.y_mean_, Y.mean())
    with pytest.raises(ValueError, match=r"y_source has labels of shape \(120, 2\), but Finetune"):
        reg.partial_fit(X, BOTH)


def test_whole_weights_are_repeated_rows() -> None:
    often = RNG.integers(0, 4, 120)
    weighted = DANNRegressor(**SMALL).fit(X, Y, X_TARGET, sample_weight=often)
    repeated = DANNRegressor(**SMALL).fit(
        np.repeat(X, often, axis=0), np.repeat(Y, often), X_TARGET
    )
    assert_same(weighted, repeated)
    assert_array_equal(weighted.y_mean_, repeated.y_mean_)


def test_weights_enter_the_standardisation() -> None:
    share = RNG.random(120)
    reg = DANNRegressor(**SMALL).fit(X, Y, X_TARGET, sample_weight=share)
    assert_allclose(reg.y_mean_, np.average(Y, weights=share))


class Outputs(nn.Module):
    def __init__(self, n_features: int = 4, n_outputs: int = 1, flat: bool = False) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(n_features, 7), nn.Linear(7, n_outputs)
        self.flat = flat

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.head(self.body(x).relu())
        return out[:, 0] if self.flat else out


def test_a_module_of_the_user_s() -> None:
    params = {"max_epochs": 3, "random_state": 0}
    column = DANNRegressor(Outputs, **params).fit(X, Y, X_TARGET)
    flat = DANNRegressor(Outputs, module__flat=True, **params).fit(X, Y, X_TARGET)
    assert_same(column, flat)
    assert column.transform(X).shape == (120, 7)
    two = DANNRegressor(Outputs, **params).fit(X, BOTH, X_TARGET)
    assert two.predict(X).shape == (120, 2)
    with pytest.raises(ValueError, match=r"returns outputs of shape \(n_rows, n_outputs\), here"):
        DANNRegressor(nn.Linear(4, 1), **params).fit(X, BOTH, X_TARGET)
    with pytest.warns(UserWarning, match="ends in a sigmoid.*standardised"):
        FinetuneRegressor(nn.Sequential(nn.Linear(4, 1), nn.Sigmoid()), **params).fit(X, Y)


def test_datasets_of_rows_with_one_or_several_numbers() -> None:
    rows = torch.from_numpy(X).float()
    for y in (Y, BOTH):
        pairs = TensorDataset(rows, torch.from_numpy(y))
        reg = DANNRegressor(**SMALL).fit(pairs, None, X_TARGET)
        assert_same(reg, DANNRegressor(**SMALL).fit(X.astype(np.float32), y, X_TARGET))
        assert reg.score(pairs, domain="source") == reg.score(X, y, domain="source")


def test_series_images_sparse_and_dicts() -> None:
    series = RNG.normal(size=(40, 2, 12))
    images = RNG.integers(0, 255, size=(40, 1, 8, 8), dtype=np.uint8)
    for rows in (series, images, sparse.csr_array(X[:40])):
        reg = DANNRegressor(max_epochs=2, random_state=0).fit(rows, Y[:40], rows[20:])
        assert reg.predict(rows).shape == (40,)

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(4, 3), nn.Linear(3, 1)

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(torch.cat([a, b], 1)))

    by_name = {"a": X[:, :1], "b": X[:, 1:]}
    reg = DANNRegressor(Two, max_epochs=2, random_state=0).fit(by_name, Y, by_name)
    assert reg.predict(by_name).shape == (120,)


def test_pipeline_and_grid_search() -> None:
    pipe = make_pipeline(StandardScaler(), DANNRegressor(**SMALL))
    search = GridSearchCV(pipe, {"dannregressor__lam": [0.0, 0.3]}, cv=2)
    search.fit(X, Y, X_target=(X_TARGET,))
    assert search.best_score_ <= 1
    assert search.predict(X_TARGET).shape == (90,)
    squared = GridSearchCV(DANNRegressor(**SMALL), {"lam": [0.3]}, scoring="neg_mean_squared_error")
    assert squared.fit(X, BOTH, X_target=(X_TARGET,)).best_score_ < 0


def test_callbacks_see_a_regressor_of_standardised_labels() -> None:
    scored = [("r2", EpochScoring("r2", lower_is_better=False))]
    reg = DANNRegressor(**{**LONG, "train_split": 0.25, "callbacks": scored})
    reg.fit(X, Y, X_TARGET)
    assert "valid_acc" not in reg.history_[-1]
    assert reg.history_[-1, "r2"] > 0.8
    assert reg.history_[-1, "valid_loss"] < 0.3


@pytest.mark.parametrize("reg", [DANNRegressor(**SMALL), RSDRegressor(**SMALL)])
@pytest.mark.parametrize("y", [Y, BOTH], ids=["one", "two"])
def test_a_model_file_a_pickle_and_a_checkpoint(reg: Any, y: Any, tmp_path: Any) -> None:
    reg = clone(reg).fit(X, y, X_TARGET)
    reg.save(tmp_path / "reg.safetensors", optimizer=True)
    loaded = skda.load(tmp_path / "reg.safetensors")
    for other in (loaded, pickle.loads(pickle.dumps(reg))):
        assert_same(other, reg)
        assert_array_equal(other.y_mean_, reg.y_mean_)
    half = clone(reg).set_params(checkpoint=str(tmp_path / "run")).fit(X, y, X_TARGET)
    again = clone(half).fit(X, y, X_TARGET)
    assert_same(again, reg)
    assert_same(half, reg)
    assert_same(loaded.partial_fit(X, y, X_TARGET), reg.partial_fit(X, y, X_TARGET))


def test_the_file_of_a_module_of_the_user_s(tmp_path: Any) -> None:
    reg = DANNRegressor(Outputs, module__flat=True, **{"max_epochs": 2, "random_state": 0})
    reg.fit(X, Y, X_TARGET).save(tmp_path / "reg.safetensors")
    assert_same(skda.load(tmp_path / "reg.safetensors", module=Outputs), reg)


@pytest.mark.parametrize("y", [Y, BOTH], ids=["one", "two"])
def test_an_exported_network_predicts_in_the_units_of_the_labels(y: Any, tmp_path: Any) -> None:
    reg = DAREGRAMRegressor(**SMALL).fit(X, y, X_TARGET)
    rows = torch.from_numpy(X_TARGET).float()
    reg.export(tmp_path / "reg.pt2", format="torch.export")
    read = torch.export.load(tmp_path / "reg.pt2").module()
    expected = reg.predict(X_TARGET).reshape(90, -1)
    for network in (reg.to_module(), read):
        predicted = network(rows).detach().numpy()
        assert_allclose(predicted, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("y_scale_", np.zeros(2), "y_scale_ is not positive"),
        ("y_scale_", np.ones(3), "y_mean_ and y_scale_ are none of a row"),
        ("y_mean_", np.array([0.0, np.nan]), "y_mean_ and y_scale_ are none of a row"),
        ("y_mean_", "0", "the standardisation of y must be of type ndarray"),
    ],
)
def test_a_file_with_another_standardisation(
    name: str, value: Any, message: str, tmp_path: Any
) -> None:
    reg = FinetuneRegressor(**SMALL).fit(X, BOTH)
    setattr(reg, name, value)
    reg.save(tmp_path / "reg.safetensors")
    with pytest.raises(ValueError, match=message):
        skda.load(tmp_path / "reg.safetensors")
