"""A folder of column files becomes a memory map."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skda import FinetuneClassifier
from skda.datasets import parquet_to_memmap

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(900, 3)).astype(np.float32)
LABELS = np.where(NUMBERS[:, 0] > 0, "yes", "no")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="needs the package pyarrow: pip install pyarrow"):
        parquet_to_memmap(tmp_path, tmp_path / "rows.npy")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pa, pq = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.parquet"))
    path = tmp_path_factory.mktemp("measured")
    for i, part in enumerate(np.array_split(np.arange(900), 2)):
        columns: dict[str, Any] = {name: NUMBERS[part, j] for j, name in enumerate("abc")}
        columns |= {"label": LABELS[part], "time": part + 1_700_000_000, "few": part % 7 == 0}
        pq.write_table(pa.table(columns), path / f"{i}.parquet", row_group_size=100)
    return path


def test_rows_and_labels(folder: Path, tmp_path: Path) -> None:
    X, y = parquet_to_memmap(folder, tmp_path / "rows.npy", columns=["c", "a"], label="label")
    assert isinstance(X, np.memmap)
    assert (X.dtype, X.flags.writeable) == (np.float32, False)
    np.testing.assert_array_equal(X, NUMBERS[:, [2, 0]])
    np.testing.assert_array_equal(y, LABELS)
    fitted = FinetuneClassifier(max_epochs=1, random_state=0).fit(X, y)
    assert fitted.classes_.tolist() == ["no", "yes"]


def test_what_float32_does_not_hold_is_float64(folder: Path, tmp_path: Path) -> None:
    X = parquet_to_memmap(folder, tmp_path / "rows.npy", columns=["time", "few"])
    assert X.dtype == np.float64
    np.testing.assert_array_equal(X[:, 0], np.arange(900) + 1_700_000_000)
    np.testing.assert_array_equal(X[:, 1], np.arange(900) % 7 == 0)


def test_nulls_categories_and_folders_of_a_value(tmp_path: Path) -> None:
    pa, ds = (pytest.importorskip(name) for name in ("pyarrow", "pyarrow.dataset"))
    table = pa.table(
        {
            "a": pa.array([1, None, 3, 4], pa.int16()),
            "b": pa.array([True, False, None, True]),
            "label": pa.array(["x", "y", "y", "x"]).dictionary_encode(),
            "site": ["one", "one", "two", "two"],
        }
    )
    hive = ds.partitioning(pa.schema([("site", pa.string())]), flavor="hive")
    ds.write_dataset(table, tmp_path / "in", format="parquet", partitioning=hive)
    file = tmp_path / "rows.npy"
    X, y = parquet_to_memmap(tmp_path / "in", file, columns=["a", "b"], label="label")
    np.testing.assert_array_equal(X, np.float32([[1, 1], [np.nan, 0], [3, np.nan], [4, 1]]))
    assert y.tolist() == ["x", "y", "y", "x"]
    _, sites = parquet_to_memmap(tmp_path / "in", file, columns=["a"], label="site")
    assert sites.tolist() == ["one", "one", "two", "two"]


def test_other_formats(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
    X = parquet_to_memmap(tmp_path / "rows.csv", tmp_path / "rows.npy", format="csv")
    assert X.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ["a", "z"]}, r"must name columns of the files, which have .* Got \['z'\]"),
        ({"label": "z"}, r"Got \['z'\]"),
        ({}, "The column 'label' has no numbers but string. Leave it out of 'columns'"),
        ({"columns": []}, r"must have rows of numbers. Got shape \(900, 0\)"),
        ({"file": "rows.bin"}, "'file' parameter must end in '.npy'. Got 'rows.bin'"),
    ],
)
def test_what_it_refuses(
    folder: Path, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        parquet_to_memmap(folder, **{"file": tmp_path / "rows.npy", **options})
    assert not list(tmp_path.iterdir())
