"""Columns far from zero keep their information: centred in float64 before the cast to float32."""

from __future__ import annotations

import pickle
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from skda import DANNClassifier, FinetuneClassifier
from skda._building.precision import find_centre
from skda.model_selection import LambdaSearchCV
from tests.shifted import shifted

DATA = shifted(120, 80)
MINUTES = 60.0
FAR = np.array([1.7e9, 0.0, -5e8, 0.0])
UNIT = np.array([MINUTES, 1.0, 1.0, 1.0])
# enough epochs to learn from the columns far from zero
SHORT: dict[str, Any] = {"max_epochs": 8, "lr": 1e-2, "random_state": 0}
LONG: dict[str, Any] = {"max_epochs": 20, "lr": 1e-2, "random_state": 0}


def far(X: np.ndarray) -> np.ndarray:
    return X * UNIT + FAR


def mapped(X: np.ndarray, path: Path) -> np.ndarray:
    path.mkdir(exist_ok=True)
    rows = np.memmap(path / f"rows{len(X)}", dtype=X.dtype, mode="w+", shape=X.shape)
    rows[:] = X
    return rows


KINDS = {
    "array": lambda X, path: X,
    "Fortran order": lambda X, path: np.asfortranarray(X),
    "list": lambda X, path: X.tolist(),
    "frame": lambda X, path: pd.DataFrame(X, columns=list("abcd")),
    "frame of objects": lambda X, path: pd.DataFrame(X, columns=list("abcd"), dtype=object),
    "tensor": lambda X, path: torch.from_numpy(X),
    "memory map": mapped,
    "Dataset": lambda X, path: TensorDataset(torch.from_numpy(X)),
}


@cache
def score_of_near_rows() -> float:
    plain = DANNClassifier(**SHORT).fit(DATA.X, DATA.y, DATA.X_target)
    return float(plain.score(DATA.X_target, DATA.y_target))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_any_kind_lose_nothing(kind: str, tmp_path: Path) -> None:
    source, target = (KINDS[kind](far(X), tmp_path) for X in (DATA.X, DATA.X_target))
    fitted = DANNClassifier(**SHORT).fit(source, DATA.y, target)
    assert fitted.input_centre_.tolist() == pytest.approx(FAR.tolist(), rel=1e-3)
    assert fitted.input_centre_[[1, 3]].tolist() == [0, 0]
    assert fitted.score(target, DATA.y_target) >= score_of_near_rows() - 0.03
    assert fitted.score(source, DATA.y, domain="source") >= 0.95
    again = pickle.loads(pickle.dumps(fitted))
    if "frame" not in kind:
        np.testing.assert_allclose(
            again.predict_proba(far(DATA.X_target)), fitted.predict_proba(target), atol=1e-6
        )
    assert not hasattr(clone(fitted), "input_centre_")


def test_integers_of_times_are_centred_and_those_around_zero_refused() -> None:
    times = np.int64(far(1000 * DATA.X))
    fitted = FinetuneClassifier(**LONG).fit(times, DATA.y)
    assert fitted.score(times, DATA.y) >= 0.95
    assert (fitted.input_centre_ % 1 == 0).all()
    ids = 2**24 + np.arange(120)[:, None]
    assert (
        FinetuneClassifier(**LONG)
        .fit(ids, ids[:, 0] >= 2**24 + 60)
        .score(ids, ids[:, 0] >= 2**24 + 60)
        >= 0.95
    )
    nanoseconds = np.int64(DATA.X * 60 * MINUTES * 1e9) + 1_700_000_000_000_000_000
    assert FinetuneClassifier(**LONG).fit(nanoseconds, DATA.y).score(nanoseconds, DATA.y) >= 0.95
    with pytest.raises(ValueError, match="X_source has integers above"):
        FinetuneClassifier(**LONG).fit(np.int64(DATA.X * 2**26), DATA.y)
    dataset = TensorDataset(torch.from_numpy(times))
    by_item = FinetuneClassifier(**LONG).fit(dataset, DATA.y)
    assert by_item.score(dataset, DATA.y) >= 0.95
    with pytest.raises(ValueError, match="X has integers above"):
        by_item.predict(TensorDataset(torch.from_numpy(times + 2**40)[:, [1, 1, 1, 1]]))


class Seen(nn.Module):
    rows: list[Tensor] = []  # noqa: RUF012 - of all instances: they are copied

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(n_features, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        self.rows.append(x)
        return self.head(x)


@pytest.mark.parametrize(
    "offset", [0.0, 100.0, 1e3, np.array([3.0, 0, 0, -1e3]), np.array([0, 1e4, 0, 0])]
)
def test_other_columns_stay_as_they_are_to_the_bit(offset: Any) -> None:
    Seen.rows.clear()
    X = DATA.X + offset
    X[:, 3] = 0.1  # a constant column, changed by rounding
    fitted = FinetuneClassifier(Seen, max_epochs=1, batch_size=200, random_state=0).fit(X, DATA.y)
    fitted.predict(X)
    assert fitted.input_centre_ is None
    np.testing.assert_array_equal(Seen.rows[-1].numpy(), X.astype(np.float32))


def test_float32_rows_are_never_centred_at_fit_but_follow_the_fit() -> None:
    params: dict[str, Any] = {"max_epochs": 1, "random_state": 0}
    rounded = (DATA.X * 1e4 + 1e9).astype(np.float32)
    assert FinetuneClassifier(**params).fit(rounded, DATA.y).input_centre_ is None
    wide = FinetuneClassifier(**params).fit(rounded.astype(float) + 0.3, DATA.y)
    expected = wide.predict_proba(rounded.astype(float))
    np.testing.assert_array_equal(wide.predict_proba(rounded), expected)
    np.testing.assert_array_equal(wide.predict_proba(sparse.csr_matrix(rounded)), expected)


def test_the_warning_is_for_what_is_lost() -> None:
    fitted = FinetuneClassifier(max_epochs=1, random_state=0).fit(DATA.X, DATA.y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.predict(DATA.X + 1e6)  # float32 resolves a sixteenth of the spread
        FinetuneClassifier(max_epochs=1).fit(DATA.X + 1.7e9, DATA.y)
    with pytest.warns(UserWarning, match=r"^X has columns, numbers \[0, 1, 2, 3\]"):
        fitted.predict(DATA.X + 1e8)


def test_going_on_keeps_the_centre_and_a_new_fit_forgets_it() -> None:
    estimator = FinetuneClassifier(**LONG).fit(far(DATA.X), DATA.y)
    centre = estimator.input_centre_
    estimator.partial_fit(far(DATA.X) + UNIT, DATA.y)
    assert estimator.input_centre_ is centre
    estimator.fit(DATA.X, DATA.y)
    assert estimator.input_centre_ is None


def test_series_are_centred_by_channel_and_dicts_by_input() -> None:
    rng = np.random.default_rng(0)
    series = rng.normal(size=(60, 2, 8)) + np.array([1.7e9, 0.0])[:, None]
    centre = find_centre(series, "X")
    assert centre is not None
    assert centre.shape == (2, 1)
    assert centre[:, 0].tolist() == pytest.approx([1.7e9, 0], abs=1)

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2))

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return self.head(torch.cat([a, b], 1))

    rows = {"a": far(DATA.X)[:, :2], "b": DATA.X[:, 2:]}
    fitted = FinetuneClassifier(Two, adapt_layers="head.0", **LONG).fit(rows, DATA.y)
    assert fitted.score(rows, DATA.y) >= 0.9
    assert fitted.input_centre_["b"] is None


def test_a_search_centres_each_fold() -> None:
    search = LambdaSearchCV(DANNClassifier(**LONG), [0.3], cv=2, random_state=0)
    search.fit(far(DATA.X), DATA.y, far(DATA.X_target))
    assert search.vectorized_
    assert search.cv_results_["mean_source_accuracy"].min() >= 0.9


def test_the_centre_by_hand() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(1000, 3)) * [1, 100, 1e-3] + [1e5, 1e5, 1e5]
    # rounding at 1e5 moves a value by up to 1/256, a thousandth of the deviation is 1/1024
    centre = find_centre(table, "X")
    assert centre is not None
    assert (centre != 0).tolist() == [True, False, True]
    np.testing.assert_allclose(centre, table.mean(0) * (centre != 0), rtol=1e-12)
    assert find_centre(np.full((9, 2), 0.1), "X") is None
    assert find_centre(np.full((9, 2), np.nan), "X") is None
    assert find_centre(table * 1e300, "X") is None


def test_sparse_rows_far_from_zero_are_centred_in_each_batch() -> None:
    dense, far = DATA.X * UNIT, DATA.X * UNIT + FAR
    X, X_target = sparse.csr_matrix(far), sparse.csr_matrix(DATA.X_target * UNIT + FAR)
    estimator = FinetuneClassifier(**LONG).fit(X, DATA.y, X_target)
    centre = estimator.input_centre_
    np.testing.assert_allclose(centre, np.where(FAR, far.mean(0), 0), rtol=1e-12)
    rows = next(estimator._rows(sparse.csr_matrix(far)).batches([range(5)]))
    np.testing.assert_allclose(rows, dense[:5] - (centre - FAR), atol=1e-4)
    assert estimator.score(X, DATA.y, domain="source") > 0.9
    whole = sparse.csr_matrix(np.rint(far).astype(np.int64))
    assert find_centre(whole, "X").tolist() == np.rint(np.where(FAR, far.mean(0), 0)).tolist()


@pytest.mark.parametrize("unit", [1e30, 5e37])
def test_columns_whose_variance_is_infinite_are_scaled(unit: float) -> None:
    estimator = FinetuneClassifier(**LONG).fit(DATA.X * unit / 10, DATA.y)
    assert estimator.score(DATA.X * unit / 10, DATA.y, domain="source") > 0.9
