"""Dicts of arrays reach modules that take several inputs by name."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from scipy.special import softmax
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import EpochScoring
from skorch.helper import SliceDict
from torch import Tensor, nn
from torch.utils.data import Dataset

from skda import (
    ADDAClassifier,
    DANClassifier,
    DANNClassifier,
    DANNRegressor,
    DDCClassifier,
    FinetuneClassifier,
    MCCClassifier,
    MCDClassifier,
    PseudoLabelClassifier,
)
from skda.model_selection import LambdaSearchCV
from tests.shifted import shifted

DATA = shifted(60, 40)
K: dict[str, Any] = {"max_epochs": 2, "random_state": 0}


class Two(nn.Module):
    def __init__(self, n_classes: int = 2) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU())
        self.head = nn.Linear(8, n_classes)

    def forward(self, b: Tensor, a: Tensor) -> Tensor:
        return self.head(self.body(torch.cat([a, b], 1)))


class One(Two):
    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x[:, 2:], x[:, :2])


def halves(X: np.ndarray) -> dict[str, Any]:
    return {"a": X[:, :2], "b": X[:, 2:]}


class Items(Dataset[Any]):
    def __init__(self, X: np.ndarray, y: np.ndarray) -> None:
        self.X, self.y = torch.from_numpy(X), y

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, i: int) -> Any:
        return {"b": self.X[i, 2:], "a": self.X[i, :2]}, int(self.y[i])


KINDS = {
    "dict": lambda X, y: halves(X),
    "other order": lambda X, y: dict(reversed(halves(X).items())),
    "SliceDict": lambda X, y: SliceDict(**halves(X)),
    "mixed": lambda X, y: {"a": torch.tensor(X[:, :2]), "b": pd.DataFrame(X[:, 2:])},
    "sparse and list": lambda X, y: {"a": sparse.dok_matrix(X[:, :2]), "b": X[:, 2:].tolist()},
    "Dataset": Items,
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_trains_as_one_array(kind: str) -> None:
    source, target = KINDS[kind](DATA.X, DATA.y), KINDS[kind](DATA.X_target, DATA.y_target)
    fitted = DANNClassifier(Two, **K).fit(source, DATA.y, target)
    one = DANNClassifier(One, **K).fit(DATA.X, DATA.y, DATA.X_target)
    np.testing.assert_array_equal(fitted.predict_proba(target), one.predict_proba(DATA.X_target))
    np.testing.assert_array_equal(fitted.transform(target), one.transform(DATA.X_target))
    assert fitted.score(target, DATA.y_target) == one.score(DATA.X_target, DATA.y_target)
    if kind == "Dataset":
        assert fitted.score(target) == one.score(DATA.X_target, DATA.y_target)
    for each, X, Xt in ((fitted, source, target), (one, DATA.X, DATA.X_target)):
        each.partial_fit(X, DATA.y, Xt)
    np.testing.assert_array_equal(fitted.predict_proba(source), one.predict_proba(DATA.X))


@pytest.mark.parametrize(
    "cls",
    [
        ADDAClassifier,
        DANClassifier,
        DDCClassifier,
        FinetuneClassifier,
        MCCClassifier,
        MCDClassifier,
        PseudoLabelClassifier,
    ],
)
@pytest.mark.parametrize("options", ["plain", "all"])
def test_other_estimators_and_options(cls: Any, options: str) -> None:
    params: dict[str, Any] = dict(K)
    if options == "all":
        score = EpochScoring("accuracy", on_train=False)
        params |= {"adapt_batch_norm": True, "batch_stats": "joint", "train_split": 0.2}
        params |= {"callbacks": [score], "iterator_train__num_workers": 0}
    y_target = np.where(np.arange(40) < 20, DATA.y_target, -1)
    fitted = cls(Two(), **params).fit(
        halves(DATA.X), DATA.y, halves(DATA.X_target), y_target=y_target
    )
    again = pickle.loads(pickle.dumps(fitted)).predict_proba(halves(DATA.X_target))
    one = cls(One(), **params).fit(DATA.X, DATA.y, DATA.X_target, y_target=y_target)
    assert again.shape == one.predict_proba(DATA.X_target).shape
    if not isinstance(fitted, FinetuneClassifier):
        assert fitted.module_(**{k: torch.zeros(3, 2) for k in "ab"}).shape == (3, 2)


def test_lambda_search_cuts_each_array() -> None:
    searches = [
        LambdaSearchCV(DANNClassifier(module, max_epochs=2), [1.0], cv=2, random_state=0)
        for module in (Two, One)
    ]
    searches[0].fit(halves(DATA.X), DATA.y, halves(DATA.X_target))
    searches[1].set_params(vectorize=False).fit(DATA.X, DATA.y, DATA.X_target)
    assert searches[0].vectorize_reason_ == "the module takes several inputs"
    for a, b in zip(*(s.cv_results_["mean_test_infomax"] for s in searches), strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    np.testing.assert_array_equal(
        searches[0].predict(halves(DATA.X_target)), searches[1].predict(DATA.X_target)
    )


def test_grid_search_cuts_a_slice_dict() -> None:
    grid = {"lam": [0.1, 1.0]}
    search = GridSearchCV(DANNClassifier(Two, **K), grid, cv=2)
    target = (SliceDict(**halves(DATA.X_target)),)
    search.fit(SliceDict(**halves(DATA.X)), DATA.y, X_target=target)
    assert search.predict(halves(DATA.X_target)).shape == (40,)


class Tokens(nn.Module):
    def __init__(self, n_classes: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 3)
        self.head = nn.Linear(3 + 1 + 4, n_classes)

    def forward(self, x: Tensor, words: Tensor, count: Tensor) -> Tensor:
        return self.head(torch.cat([self.embedding(words).mean(1), count, x], 1))


def test_integers_of_one_input_are_embedded_and_those_of_another_are_not() -> None:
    words = np.arange(60)[:, None].repeat(5, 1) % 9
    rows = {"x": DATA.X, "words": words, "count": np.arange(60)[:, None]}
    fitted = FinetuneClassifier(Tokens, **K).fit(rows, DATA.y)
    types = {"x": torch.float32, "words": torch.int64, "count": torch.float32}
    assert fitted.input_dtype_ == types
    assert fitted.predict(rows).shape == (60,)
    with pytest.raises(ValueError, match=r"X\['words'\] has rows of float32.* embeds integers"):
        fitted.predict({**rows, "words": words / 2})


def spoilt() -> dict[str, Any]:
    rows = halves(DATA.X_target.copy())
    rows["b"][3] = np.nan
    return rows


BAD: dict[str, tuple[Any, Any, str]] = {
    "lengths": (
        {"a": DATA.X[:, :2], "b": DATA.X[:-1, 2:]},
        halves(DATA.X_target),
        r"X_source\['b'\] has 59 rows, but X_source\['a'\] has 60",
    ),
    "keys": (
        halves(DATA.X),
        {"a": DATA.X_target},
        r"X_target has the inputs \['a'\], but .* the inputs \['a', 'b'\]",
    ),
    "array": (halves(DATA.X), DATA.X_target, r"X_target is a ndarray, but .* \['a', 'b'\]"),
    "dict": (DATA.X, halves(DATA.X_target), r"X_target is a dict of \['a', 'b'\], but"),
    "nan": (halves(DATA.X), spoilt(), r"Input X_target\['b'\] contains NaN"),
    "width": (
        halves(DATA.X),
        {"a": DATA.X_target, "b": DATA.X_target[:, 2:]},
        r"X_target\['a'\] has 4 features, but DANNClassifier is expecting 2",
    ),
    "strings": ({"a": [["x"]], "b": [["y"]]}, None, r"X_source\['a'\]: could not convert"),
    "1-D": ({"a": DATA.X[:, 0], "b": DATA.X}, None, r"X_source\['a'\]: Expected 2D array"),
    "numbers": ({1: DATA.X}, None, r"X_source is a dict with the keys \[1\]"),
    "empty": ({}, None, r"X_source is a dict with the keys \[\]"),
    "nested": ({"a": halves(DATA.X)}, None, r"X_source\['a'\] is a dict"),
    "argument": (
        {"a": DATA.X, "c": DATA.X},
        {"a": DATA.X, "c": DATA.X},
        r"forward\(a=\.\.\., c=\.\.\.\).*'c' of shape",
    ),
    "items": (
        Items(DATA.X, DATA.y),
        Items(DATA.X_target[:, :3], DATA.y_target),
        r"X_target\['b'\] has a row of shape \(1,\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_dicts_are_refused_by_name(case: str) -> None:
    source, target, message = BAD[case]
    target = halves(DATA.X_target) if target is None else target
    module = One if case == "dict" else Two
    with pytest.raises(ValueError, match=message):
        DANNClassifier(module, **K).fit(source, DATA.y, target)


def test_a_dict_needs_a_module() -> None:
    for rows in (halves(DATA.X), Items(DATA.X, DATA.y)):
        with pytest.raises(ValueError, match=r"'module' parameter cannot be None.* forward\(self"):
            DANNClassifier(**K).fit(rows, DATA.y, rows)


def test_fitted_keys_are_checked_in_predict() -> None:
    fitted = FinetuneClassifier(Two, **K).fit(halves(DATA.X), DATA.y)
    with pytest.raises(ValueError, match=r"X has the inputs \['a'\]"):
        fitted.predict({"a": DATA.X})
    with pytest.raises(ValueError, match="X is a ndarray"):
        fitted.predict(DATA.X)


def test_a_sparse_matrix_that_is_a_dict_is_one_array() -> None:
    for kind in (sparse.dok_matrix, sparse.dok_array):
        source, target = kind(DATA.X), kind(DATA.X_target)
        fitted = DANNClassifier(One, **K).fit(source, DATA.y, target)
        dense = DANNClassifier(One, **K).fit(DATA.X, DATA.y, DATA.X_target)
        np.testing.assert_array_equal(fitted.predict_proba(target), dense.predict_proba(target))
    search = LambdaSearchCV(DANNClassifier(max_epochs=1), [1.0], cv=2, random_state=0)
    assert search.fit(source, DATA.y, target).predict(target).shape == (40,)


class Embedding(Two):
    def __init__(self) -> None:
        super().__init__()
        self.codes = nn.Embedding(5, 2)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(numbers, self.codes(codes))


def with_codes(X: np.ndarray) -> dict[str, np.ndarray]:
    return {"numbers": X[:, :2].astype(np.float32), "codes": (X[:, 2] > 0).astype(np.int64)}


def test_codes_are_one_number_a_row() -> None:
    source, target = with_codes(DATA.X), with_codes(DATA.X_target)
    fitted = DANNClassifier(Embedding, **K).fit(source, DATA.y, target)
    apart = fitted.decision_function({**target, "codes": 1 - target["codes"]})
    assert np.abs(apart - fitted.decision_function(target)).min() > 1e-3
    series = {**source, "codes": pd.Series(source["codes"])}
    again = DANNClassifier(Embedding, **K).fit(series, DATA.y, target)
    np.testing.assert_array_equal(again.predict_proba(target), fitted.predict_proba(target))
    for rows, message in (
        ({**target, "codes": target["codes"] + 0.5}, r"X\['codes'\]: Expected 2D array"),
        ({**target, "codes": target["codes"][:, None]}, r"X\['codes'\] has rows of shape \(1,\)"),
        ({**target, "codes": target["codes"][:7]}, r"X\['codes'\] has 7 rows, but"),
    ):
        with pytest.raises(ValueError, match=message):
            fitted.predict(rows)


@pytest.mark.parametrize("format", ["onnx", "torch.export"])
def test_a_file_for_other_programs_takes_the_inputs_by_name(format: str, tmp_path: Any) -> None:
    target = with_codes(DATA.X_target)
    fitted = DANNClassifier(Embedding, **K).fit(with_codes(DATA.X), DATA.y, target)
    path = tmp_path / "model"
    if format == "onnx":
        pytest.importorskip("onnxscript")
    fitted.export(path, format=format)
    for n in (1, 40):
        rows = {name: values[:n] for name, values in target.items()}
        if format == "onnx":
            session = pytest.importorskip("onnxruntime").InferenceSession(path)
            (logits,) = session.run(["logits"], rows)
        else:
            network = torch.export.load(path).module()
            logits = network({name: torch.from_numpy(rows[name]) for name in rows}).detach().numpy()
        assert np.abs(softmax(logits, axis=1) - fitted.predict_proba(rows)).max() < 1e-6


def test_the_module_of_a_regressor_takes_the_inputs_by_name() -> None:
    target = with_codes(DATA.X_target)
    fitted = DANNRegressor(Regression, **K).fit(with_codes(DATA.X), DATA.y + 10.0, target)
    rows = {name: torch.from_numpy(values) for name, values in target.items()}
    found = fitted.to_module()(**rows).detach().numpy()[:, 0]
    np.testing.assert_allclose(found, fitted.predict(target), rtol=1e-6)


class Regression(Embedding):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(8, 1)
