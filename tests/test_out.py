"""Predictions that are written into the user's array, batch by batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from torch.utils.data import TensorDataset

import skda
from skda import DANNClassifier, DANNRegressor
from skda.model_selection import LambdaSearchCV
from skda.training import DivergenceError
from tests.shifted import shifted

DATA = shifted(n_classes=3)
X = np.random.default_rng(0).normal(size=(2500, 4)).astype(np.float32)  # three batches
FEW: dict[str, Any] = {"max_epochs": 2, "random_state": 0}
METHODS = ("predict", "predict_proba", "decision_function", "transform")


@pytest.fixture(scope="module")
def clf() -> Any:
    return DANNClassifier(**FEW).fit(DATA.X, DATA.y, DATA.X_target)


def numbers(data: Any, columns: int) -> np.ndarray:
    return data.X[:, :columns].squeeze() * 10 + 100


def like(result: np.ndarray) -> np.ndarray:
    return np.empty_like(result)


@pytest.mark.parametrize("domain", ["source", "target"])
@pytest.mark.parametrize("method", METHODS)
def test_out_gets_what_is_returned_without_it(clf: Any, method: str, domain: str) -> None:
    respond = getattr(clf, method)
    expected = respond(X, domain=domain)
    out = like(expected)
    assert respond(X, domain=domain, out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_two_classes_have_one_column_of_logits() -> None:
    two = DANNClassifier(**FEW).fit(DATA.X, DATA.y == 1, DATA.X_target)
    for method in METHODS:
        expected = getattr(two, method)(X)
        assert expected.ndim == (2 if method in ("predict_proba", "transform") else 1)
        np.testing.assert_array_equal(getattr(two, method)(X, out=like(expected)), expected)


@pytest.mark.parametrize("columns", [1, 2])
def test_a_regressor_writes_in_the_units_of_its_labels(columns: int) -> None:
    reg = DANNRegressor(**FEW).fit(DATA.X, numbers(DATA, columns), DATA.X_target)
    expected = reg.predict(X)
    np.testing.assert_array_equal(reg.predict(X, out=like(expected)), expected)
    single = np.empty(expected.shape, dtype=np.float32)
    np.testing.assert_array_equal(reg.predict(X, out=single), expected.astype(np.float32))


def test_a_file_is_written(clf: Any, tmp_path: Path) -> None:
    shape = clf.transform(X).shape
    path = tmp_path / "features.npy"
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    assert clf.transform(X, out=out) is out
    out.flush()
    np.testing.assert_array_equal(np.load(path), clf.transform(X))


def test_each_batch_is_written_before_the_next_is_computed(clf: Any) -> None:
    events: list[tuple[str, int]] = []

    class Watched(np.ndarray):
        def __setitem__(self, where: Any, part: Any) -> None:
            events.append(("written", len(part)))
            super().__setitem__(where, part)

    handle = clf.module_.register_forward_hook(
        lambda _, inputs, __: events.append(("computed", len(inputs[0])))
    )
    clf.transform(X, out=np.empty((2500, 64), np.float32).view(Watched))
    handle.remove()
    assert events == [(what, n) for n in (1024, 1024, 452) for what in ("computed", "written")]


def test_parts_of_an_array_and_datasets(clf: Any) -> None:
    both = np.zeros((5000, 3), dtype=np.float32)
    rows = TensorDataset(torch.from_numpy(X))
    clf.predict_proba(rows, out=both[2500:])
    assert not both[:2500].any()
    np.testing.assert_array_equal(both[2500:], clf.predict_proba(X))


def test_a_pipeline_and_a_search_hand_it_to_the_last_step() -> None:
    pipe = skda.make_pipeline(StandardScaler(), DANNClassifier(**FEW))
    search = LambdaSearchCV(pipe, [1.0], cv=2, random_state=0)
    for each in (pipe, search):
        each.fit(DATA.X, DATA.y, X_target=DATA.X_target)
        for method in METHODS[:3]:
            expected = getattr(each, method)(X, domain="source")
            out = like(expected)
            assert getattr(each, method)(X, domain="source", out=out) is out
            np.testing.assert_array_equal(out, expected)
    assert search.transform(X, out=like(search.transform(X))).shape == (2500, 64)


def test_a_transformer_in_the_middle_does_not_write() -> None:
    chain = skda.make_pipeline(DANNClassifier(**FEW), DANNClassifier(**FEW))
    chain.fit(DATA.X, DATA.y, X_target=DATA.X_target)
    expected = chain.predict_proba(X)
    np.testing.assert_array_equal(chain.predict_proba(X, out=like(expected)), expected)


@pytest.mark.parametrize(
    ("method", "out", "message"),
    [
        ("predict", np.empty(2499, int), r"must have the shape of the result, \(2500,\)"),
        ("predict", np.empty((2500, 1), int), r"Got shape \(2500, 1\) instead"),
        ("predict_proba", np.empty((2500, 2), "f4"), r"the result, \(2500, 3\)"),
        ("predict_proba", np.empty((2500, 3), int), "can hold float32, as the result has. Got int"),
        ("transform", np.empty((2500, 64), bool), "can hold float32, as the result has. Got bool"),
        ("predict_proba", np.empty((2500, 3), "U3"), "can hold float32, .* Got <U3 instead"),
        ("decision_function", np.empty((2500, 3), "S9"), r"can hold float32, .* Got \|S9 instead"),
        ("transform", np.empty((2500, 64), "V8"), r"can hold float32, .* Got \|V8 instead"),
        ("predict", np.empty(2500, "U9"), "can hold all labels of 'classes_'. Got <U9"),
        ("predict", np.empty(2500, bool), "can hold all labels of 'classes_'. Got bool"),
        ("predict", np.empty(2500, "U1")[:0], "'out' parameter must have the shape"),
        ("predict", np.broadcast_to(0, 2500), "array that can be written to"),
    ],
)
def test_what_out_must_be(clf: Any, method: str, out: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(clf, method)(X, out=out)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "O"])
def test_numbers_need_a_dtype_of_numbers(clf: Any, dtype: str) -> None:
    expected = clf.predict_proba(X)
    out = clf.predict_proba(X, out=np.empty((2500, 3), dtype))
    np.testing.assert_array_equal(out, expected.astype(dtype))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_what_is_written_is_returned_whatever_set_output_asks_for(library: str) -> None:
    framed = DANNClassifier(**FEW).fit(DATA.X, DATA.y, DATA.X_target)
    expected = framed.transform(X)
    framed.set_output(transform=library)
    found = framed.transform(X)
    assert type(found).__module__.split(".")[0] == library
    assert list(found.columns) == framed.get_feature_names_out().tolist()
    out = like(expected)
    assert framed.transform(X, out=out) is out
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(found.to_numpy(), expected)


def test_out_is_an_array(clf: Any) -> None:
    with pytest.raises(TypeError, match=r"'out' parameter must be a numpy array.* Got list"):
        clf.predict(X, out=[0] * 2500)


@pytest.mark.parametrize(
    ("names", "fits", "does_not"),
    [
        ([0, 1, 200], ["u1", "i2", "f4", "i8"], ["i1", "bool"]),
        ([-2, 0, 1], ["i1", "i8"], ["u1", "u8"]),
        ([1.0, 2.0, 300.0], ["f4", "i2"], ["u1", "U9"]),
        (["a", "b", "long"], ["U4", "U9", "O"], ["U3", "i8", "f4"]),
    ],
)
def test_labels_need_a_dtype_that_holds_each(
    names: list[Any], fits: list[str], does_not: list[str]
) -> None:
    y = np.array(names)[DATA.y]
    fitted = DANNClassifier(max_epochs=1, random_state=0).fit(DATA.X, y, DATA.X_target)
    expected = fitted.predict(X)
    for dtype in fits:
        out = fitted.predict(X, out=np.empty(2500, dtype))
        assert out.dtype == dtype
        np.testing.assert_array_equal(out, expected)
    for dtype in does_not:
        with pytest.raises(ValueError, match="can hold all labels"):
            fitted.predict(X, out=np.empty(2500, dtype))


def test_undefined_results_are_refused_with_their_place(clf: Any) -> None:
    rows = X.copy()
    rows[1500] = 3e38
    with pytest.raises(DivergenceError, match="1 of 1024 rows of X from row 1024 on"):
        clf.transform(rows, out=np.empty((2500, 64), np.float32))
