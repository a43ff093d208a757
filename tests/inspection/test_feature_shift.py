"""Differences of the features of two domains, one by one."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch

from skda.inspection import feature_shift

COLUMNS = [
    "kind",
    "shift",
    "statistic",
    "p_value",
    "mean_difference",
    "missing_source",
    "missing_target",
]
RNG = np.random.default_rng(0)
SOURCE, TARGET = RNG.normal(size=(60, 3)), RNG.normal(size=(40, 3)) * 2 + [0.0, 3.0, 1.0]


def naive_ks(x: list[float], y: list[float]) -> float:
    x, y = sorted(x), sorted(y)
    return max(abs(bisect_right(x, v) / len(x) - bisect_right(y, v) / len(y)) for v in x + y)


def naive_variation(x: list[str], y: list[str]) -> float:
    p, q = Counter(x), Counter(y)
    return sum(abs(p[k] / len(x) - q[k] / len(y)) for k in {*x, *y}) / 2


def naive_chi_squared(x: list[str], y: list[str]) -> float:
    total = 0.0
    both = Counter(x + y)
    for part in (x, y):
        for k, n in both.items():
            expected = n * len(part) / len(x + y)
            total += (part.count(k) - expected) ** 2 / expected
    return total


def test_numbers_are_compared_as_naive_formulas_say() -> None:
    table = feature_shift(SOURCE, TARGET)
    assert table.columns.tolist() == COLUMNS
    assert table.index.tolist() == ["x1", "x2", "x0"]  # the largest shift first
    for j in range(3):
        x, y = SOURCE[:, j].tolist(), TARGET[:, j].tolist()
        mean = [sum(part) / len(part) for part in (x, y)]
        spread = [
            sum((v - m) ** 2 for v in part) / len(part)
            for m, part in zip(mean, (x, y), strict=True)
        ]
        row = table.loc[f"x{j}"]
        assert row["kind"] == "numeric"
        assert row["statistic"] == row["shift"] == pytest.approx(naive_ks(x, y))
        expected = (mean[1] - mean[0]) / (sum(spread) / 2) ** 0.5
        assert row["mean_difference"] == pytest.approx(expected)
    assert table.loc["x1", "p_value"] < 1e-9


def test_categories_are_compared_as_naive_formulas_say() -> None:
    x, y = list("aaabbcc"), list("abbbbd")
    row = feature_shift(pd.DataFrame({"c": x}), pd.DataFrame({"c": y})).loc["c"]
    assert row["kind"] == "categorical"
    assert row["statistic"] == row["shift"] == pytest.approx(naive_variation(x, y))
    # the chi-squared distribution with two degrees of freedom has the tail exp(-x / 2), with three
    # none that is as simple: a quantile from a table, 7.815 at 0.05
    assert (row["p_value"] < 0.05) == (naive_chi_squared(x, y) > 7.815)
    assert np.isnan(row["mean_difference"])
    three = feature_shift(pd.DataFrame({"c": x}), pd.DataFrame({"c": list("abbbb")})).loc["c"]
    assert three["p_value"] == pytest.approx(np.exp(-naive_chi_squared(x, list("abbbb")) / 2))


def test_p_values_of_equal_domains_are_uniform_enough() -> None:
    rng = np.random.default_rng(1)
    p = feature_shift(rng.normal(size=(30, 150)), rng.normal(size=(40, 150)))["p_value"]
    assert 0.01 < (p < 0.05).mean() < 0.1  # 0.05 within two standard errors of 0.018
    assert p.iloc[0] < p.iloc[-1]


def test_missing_values_are_left_out_and_counted() -> None:
    source = pd.DataFrame({"n": [1.0, np.nan, 2.0, 3.0], "s": ["a", None, "b", "b"]})
    target = pd.DataFrame({"n": [1.0, 2.0, 3.0, np.nan], "s": [None, None, None, "b"]})
    table = feature_shift(source, target)
    assert table.index.tolist() == ["s", "n"]
    assert table.loc["n", ["shift", "missing_source", "missing_target"]].tolist() == [0, 0.25, 0.25]
    # the values differ by 1/3, the missing shares by 1/2
    assert table.loc["s", "statistic"] == pytest.approx(1 / 3)
    assert table.loc["s", ["shift", "missing_source", "missing_target"]].tolist() == [
        0.5,
        0.25,
        0.75,
    ]


@pytest.mark.parametrize("empty", [[None, None], [np.nan, np.nan]])
def test_a_feature_without_values_in_one_domain_takes_the_kind_of_the_other(empty) -> None:
    row = feature_shift(pd.DataFrame({"c": ["a", "b"]}), pd.DataFrame({"c": empty})).loc["c"]
    assert (row["kind"], row["shift"]) == ("categorical", 1)
    assert row[["statistic", "p_value", "mean_difference"]].isna().all()
    none = feature_shift(pd.DataFrame({"c": empty}), pd.DataFrame({"c": empty})).loc["c"]
    assert (none["kind"], none["shift"]) == ("numeric", 0)


@pytest.mark.parametrize(
    ("target", "expected"), [(0.1, 0.0), (0.2, np.inf), (-0.1, -np.inf), (1.7e308, np.inf)]
)
def test_constant_features_have_no_or_an_infinite_mean_difference(target, expected) -> None:
    table = feature_shift(np.full((7, 1), 0.1), np.full((3, 1), target))
    assert table.loc["x0", "mean_difference"] == expected
    assert table.loc["x0", "shift"] == float(expected != 0)


def test_units_do_not_matter() -> None:
    table = feature_shift(SOURCE, TARGET)
    for unit, offset in ((1e-200, 0.0), (1e200, 0.0), (1.0, 1e6)):
        moved = feature_shift(SOURCE * unit + offset, TARGET * unit + offset)
        pd.testing.assert_frame_equal(moved, table, rtol=1e-7)


@pytest.mark.parametrize(
    "convert",
    [
        sp.csr_matrix,
        sp.csc_array,
        torch.tensor,
        np.ndarray.tolist,
        pl.DataFrame,
        pd.DataFrame,
        lambda rows: (rows,),
        lambda rows: rows.reshape(len(rows), 1, 3),
        lambda rows: pd.DataFrame(rows).astype(pd.SparseDtype(float, 0)),
        lambda rows: rows.astype(object),
    ],
)
def test_the_container_does_not_matter(convert) -> None:
    table = feature_shift(convert(SOURCE), convert(TARGET))
    expected = feature_shift(SOURCE, TARGET)
    np.testing.assert_array_equal(table.to_numpy()[:, 1:], expected.to_numpy()[:, 1:])


def test_frames_are_matched_by_name_and_stay_as_they_are() -> None:
    source = pd.DataFrame(SOURCE, columns=["a", "b", "c"])
    target = pd.DataFrame(TARGET, columns=["a", "b", "c"])
    expected = feature_shift(source, target)
    assert expected.index.tolist() == ["b", "c", "a"]
    assert expected.index.name == "feature"
    pd.testing.assert_frame_equal(feature_shift(source, target[["c", "a", "b"]]), expected)
    pd.testing.assert_frame_equal(feature_shift(SOURCE, target), expected)
    pd.testing.assert_frame_equal(feature_shift(source, TARGET), expected)
    assert source.columns.tolist() == ["a", "b", "c"]
    plain = pd.DataFrame(SOURCE)
    feature_shift(plain, target)
    assert plain.columns.tolist() == [0, 1, 2]


def test_columns_of_every_type_have_a_kind() -> None:
    frame = pd.DataFrame(
        {
            "float": [1.5, 2.0, None],
            "Int64": pd.array([1, 2, None], dtype="Int64"),
            "object": pd.array([1, 2.5, None], dtype=object),
            "bool": [True, False, True],
            "category": pd.Categorical(["a", "b", None], categories=["a", "b", "unused"]),
            "mixed": [1, "a", None],
        }
    )
    kinds = feature_shift(frame, frame)["kind"]
    assert kinds.to_dict() == {
        **dict.fromkeys(["float", "Int64", "object"], "numeric"),
        **dict.fromkeys(["bool", "category", "mixed"], "categorical"),
    }
    polars = pl.DataFrame({"s": ["a", None], "b": [True, None], "n": [1, None]})
    table = feature_shift(polars, polars)
    assert table["kind"].to_dict() == {"s": "categorical", "b": "categorical", "n": "numeric"}
    assert (table["missing_source"] == 0.5).all()


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (SOURCE, TARGET[:, :2], "X_source has 3 features, but X_target has 2"),
        (SOURCE[:0], TARGET, r"X_source is empty, of shape \(0, 3\). Pass at least one row"),
        (
            SOURCE,
            TARGET[:, 0],
            r"X_target: must have the shape \(n_rows, n_features\). Got \(40,\)",
        ),
        (SOURCE, None, "'X_target' parameter must be a frame, an array.* Got NoneType"),
        ({"a": SOURCE}, TARGET, "'X_source' parameter must be a frame, an array.* Got dict"),
        (SOURCE, [[1.0, 2.0], [1.0]], r"X_target: must have the shape"),
        (
            pd.DataFrame({"a": [1.0], "b": [1.0]}),
            pd.DataFrame({"a": [1.0], "c": [1.0]}),
            r"Only in X_source: \['b'\]; only in X_target: \['c'\]",
        ),
        (
            pd.DataFrame({"a": [1, 2]}),
            pd.DataFrame({"a": ["x", "y"]}),
            "'a' is numeric in X_source and categorical in X_target. Pass it in both domains as",
        ),
        (
            pd.DataFrame({"a": [1.0, 2.0]}),
            pd.DataFrame({"a": [1.0, np.inf]}),
            "'a' of X_target holds an infinite value. Pass finite numbers, and NaN for a missing",
        ),
        (
            pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}),
            pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}),
            "'a' of X_source has the dtype datetime64.* Pass real numbers, for instance days",
        ),
    ],
)
def test_errors_name_the_domain_or_the_feature(source, target, message) -> None:
    with pytest.raises(ValueError, match=message):
        feature_shift(source, target)


def test_cells_that_cannot_be_counted_are_an_error() -> None:
    lists = pd.DataFrame({"a": [[1], [2]]})
    with pytest.raises(TypeError, match="feature 'a': unhashable type: 'list'"):
        feature_shift(lists, lists)
