"""`pretrained` carries the units that its network was trained in: of the rows and of the labels."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse
from torch.utils.data import TensorDataset

import skda
from skda import FinetuneClassifier, FinetuneRegressor
from tests.shifted import shifted

DATA = shifted()
FAR = np.array([1e6, 0.0, 1e6, 1e6])
X = DATA.X + FAR
LONG: dict[str, Any] = {"max_epochs": 40, "lr": 0.01, "random_state": 0}
# hardly a step, so that a network in other units would stay wrong
STILL: dict[str, Any] = {"max_epochs": 1, "lr": 1e-7, "random_state": 0, "freeze_norm": True}
FEW = np.r_[np.flatnonzero(DATA.y == 1), np.flatnonzero(DATA.y == 0)[:3]]


@pytest.fixture(scope="module")
def fitted() -> FinetuneClassifier:
    return FinetuneClassifier(**LONG).fit(X, DATA.y)


def mapped(rows: np.ndarray, path: Path) -> np.ndarray:
    memory = np.memmap(path / "rows", dtype=rows.dtype, mode="w+", shape=rows.shape)
    memory[:] = rows
    return memory


KINDS = {
    "array": lambda rows, path: rows,
    "memory map": mapped,
    "sparse matrix": lambda rows, path: sparse.csr_matrix(rows),
    "Dataset": lambda rows, path: TensorDataset(torch.from_numpy(rows)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shipped", [False, True])
def test_the_centre_is_that_of_the_network(
    kind: str, shipped: bool, fitted: FinetuneClassifier, tmp_path: Path
) -> None:
    pretrained = fitted.to_module("source") if shipped else fitted
    tuned = FinetuneClassifier(pretrained=pretrained, **STILL)
    tuned.fit(KINDS[kind](X[FEW], tmp_path), DATA.y[FEW])
    assert_array_equal(tuned.input_centre_, fitted.input_centre_)
    expected = fitted.score(X, DATA.y, domain="source")
    assert expected > 0.95
    assert tuned.score(X, DATA.y, domain="source") == pytest.approx(expected, abs=0.02)
    assert tuned.fit(KINDS[kind](X[FEW], tmp_path), DATA.y[FEW]).score(
        X, DATA.y, domain="source"
    ) == pytest.approx(expected, abs=0.02)


def test_a_network_of_rows_near_zero_gets_no_centre() -> None:
    near = FinetuneClassifier(**LONG).fit(DATA.X, DATA.y)
    tuned = FinetuneClassifier(pretrained=near, **STILL)
    with pytest.warns(UserWarning, match=r"^X_source has columns, numbers \[0, 2, 3\]"):
        tuned.fit(DATA.X + 100 * FAR, DATA.y)
    assert tuned.input_centre_ is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tuned.fit(DATA.X, DATA.y)
    weights = FinetuneClassifier(pretrained=near.module_.state_dict(), **STILL).fit(X, DATA.y)
    assert weights.input_centre_ is not None  # weights alone say nothing about their rows


def test_a_network_of_other_columns_is_refused(fitted: FinetuneClassifier) -> None:
    tuned = FinetuneClassifier(pretrained=fitted, **STILL)
    with pytest.raises(ValueError, match="'pretrained' parameter"):
        tuned.fit(X[:, :3], DATA.y)
    with pytest.raises(ValueError, match="'pretrained' parameter"):
        tuned.fit({"a": X}, DATA.y)


def test_the_module_of_a_regressor_keeps_the_units_of_its_labels(tmp_path: Path) -> None:
    labels = DATA.X[:, 0] * 3 + 1e9
    fitted = FinetuneRegressor(**LONG).fit(X, labels)
    few = np.argsort(labels)[:30]
    for pretrained in (fitted, fitted.to_module("source")):
        tuned = FinetuneRegressor(pretrained=pretrained, **STILL).fit(X[few], labels[few])
        assert tuned.y_mean_ == fitted.y_mean_
        assert tuned.y_scale_ == fitted.y_scale_
        found = tuned.predict(X, domain="source")
        assert np.abs(found - fitted.predict(X, domain="source")).max() < 1e-3
        tuned.save(tmp_path / "model")
        assert_array_equal(skda.load(tmp_path / "model").predict(X, domain="source"), found)
