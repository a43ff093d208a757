"""The contract of all public estimators: the kinds of rows that they take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse
from torch.utils.data import TensorDataset

from tests.compared import assert_same_weights, outputs
from tests.contract import Data, reference, small
from tests.discovery import (
    INPUT_WAYS,
    WAYS,
    every_estimator,
    every_way,
    stem,
)


@pytest.fixture
def data() -> Data:
    return Data()


@every_way
def test_frames_keep_their_names(cls: type, data: Data) -> None:
    names = ["a", "b", "c", "d"]
    expected = outputs(reference(cls), data.X_target)
    for frame in (pd.DataFrame, pl.DataFrame):
        X, X_target = (
            frame(dict(zip(names, rows.T, strict=True))) for rows in (data.X, data.X_target)
        )
        estimator = cls(**small(cls)).fit(X, data.y, X_target)
        assert estimator.feature_names_in_.tolist() == names
        assert_array_equal(outputs(estimator, X_target), expected)
        # the columns are matched by name
        swapped = X_target[["b", "a", "d", "c"]]
        assert_array_equal(outputs(estimator, swapped), expected)
        again = cls(**small(cls)).fit(X, data.y, swapped)
        assert_array_equal(outputs(again, X_target), expected)
        assert list(swapped.columns) == ["b", "a", "d", "c"]
    other = pd.DataFrame(data.X_target, columns=["b", "a", "d", "e"])
    message = "feature names should match those that were passed during fit.\nFeature names unseen"
    with pytest.raises(ValueError, match=f"^X: The {message}"):
        estimator.predict(other)
    with pytest.raises(ValueError, match=f"^X_target: The {message}"):
        cls(**small(cls)).fit(pd.DataFrame(data.X, columns=names), data.y, other)


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (cls, kind)
        for cls in WAYS
        for kind in [
            "csr",
            "Dataset",
            *(["csc", "memmap", "tensor", "list"] if cls in INPUT_WAYS else []),
        ]
    ],
)
def test_every_kind_of_input_gives_the_same_fit(
    cls: type, data: Data, kind: str, tmp_path: Any
) -> None:
    X, X_target = data.X.astype(np.float32), data.X_target.astype(np.float32)

    def convert(rows: np.ndarray, name: str) -> Any:
        if kind == "memmap":
            np.save(tmp_path / f"{name}.npy", rows)
            return np.load(tmp_path / f"{name}.npy", mmap_mode="r")
        return {
            "csr": sparse.csr_array,
            "csc": sparse.csc_matrix,
            "tensor": torch.from_numpy,
            "list": np.ndarray.tolist,
            "Dataset": lambda rows: TensorDataset(torch.from_numpy(rows)),
        }[kind](rows)

    estimator = cls(**small(cls)).fit(convert(X, "source"), data.y, convert(X_target, "target"))
    expected = reference(cls)
    assert_same_weights(estimator, expected)
    assert_array_equal(outputs(estimator, convert(X_target, "test")), outputs(expected, X_target))


@every_way
@pytest.mark.parametrize(("scale", "offset"), [(1e-6, 0.0), (10.0, 1000.0)], ids=["tiny", "far"])
def test_columns_in_any_unit_give_the_same_fit(
    cls: type, data: Data, scale: float, offset: float
) -> None:
    source, target = (
        (scale * rows + offset).astype(np.float32) for rows in (data.X, data.X_target)
    )
    expected = cls(**small(cls)).fit(source, data.y, target)
    datasets = [TensorDataset(torch.from_numpy(rows)) for rows in (source, target)]
    assert_same_weights(cls(**small(cls)).fit(datasets[0], data.y, datasets[1]), expected)
    # arrays that a DataLoader reads
    by_loader = cls(**small(cls), iterator_train__num_workers=0).fit(source, data.y, target)
    assert_same_weights(by_loader, expected)


@every_estimator
def test_images_in_float_and_uint8_give_the_same_fit(cls: type) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(40, 3, 8, 8), dtype=np.uint8)
    X, X_target, y = images[:20], images[20:], np.arange(20) % 4
    params = {"max_epochs": 1, "batch_size": 8, "random_state": 0, "module__width": 4}
    a = cls(**params).fit(X, y, X_target)
    if cls in WAYS:
        b = cls(**params).fit(X.astype(np.float64), y, X_target.astype(np.float64))
        assert_same_weights(a, b)
    width = {"DaNN": 4, "DDC": 256}.get(stem(cls), 64)
    assert a.transform(X_target).shape == (20, width)
    with pytest.raises(ValueError, match=r"rows of shape \(1, 8, 8\).*expecting \(3, 8, 8\)"):
        a.predict(X_target[:, :1])
