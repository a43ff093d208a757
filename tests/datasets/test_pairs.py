import numpy as np
import pandas as pd
import pytest

from skda.datasets._pairs import LabelledRows, check_pair, make_pair

DOMAINS = ("red", "white")
NAMES = {"feature_names": ["a", "b"], "target_names": ["no", "yes"], "descr": "About."}


def make_rows(start, n=3):
    X = np.arange(start, start + 2 * n, dtype=np.float32).reshape(n, 2)
    return LabelledRows(X, np.arange(n, dtype=np.uint8) % 2)


@pytest.mark.parametrize("parameter", ["source", "target"])
def test_an_unknown_domain_is_named(parameter):
    params = {"source": "red", "target": "white"} | {parameter: "rose"}
    with pytest.raises(
        ValueError,
        match=f"The '{parameter}' parameter of fetch_x must be one of 'red', 'white'. Got 'rose'",
    ):
        check_pair("fetch_x", DOMAINS, params)


def test_one_domain_for_both_is_refused():
    with pytest.raises(
        ValueError,
        match=r"The 'source' and 'target' parameters of fetch_x must name two different domains\. "
        r"Got 'red' for both\. Choose from 'red', 'white'\.",
    ):
        check_pair("fetch_x", DOMAINS, {"source": "red", "target": "red"})


def test_flags_must_be_booleans_and_data_home_a_path():
    params = {"source": "red", "target": "white"}
    check_pair("fetch_x", DOMAINS, {**params, "data_home": "x", "as_frame": True})
    with pytest.raises(TypeError, match="The 'as_frame' parameter of fetch_x must be an instance"):
        check_pair("fetch_x", DOMAINS, {**params, "as_frame": "yes"})
    with pytest.raises(TypeError, match="The 'data_home' parameter of fetch_x must be an instance"):
        check_pair("fetch_x", DOMAINS, {**params, "data_home": 3})


def test_a_bunch_holds_what_it_was_given():
    source, target, test = make_rows(0), make_rows(10), make_rows(20, n=2)
    pair = make_pair(source, target, test, **NAMES, groups_source=np.ones(3))
    for part, rows in (("source", source), ("target", target), ("target_test", test)):
        np.testing.assert_array_equal(pair[f"X_{part}"], rows.X)
        np.testing.assert_array_equal(pair[f"y_{part}"], rows.y)
        # uint8 labels could not hold the -1 of an unlabelled row.
        assert pair[f"y_{part}"].dtype == np.int64
    assert list(pair.feature_names) == ["a", "b"]
    assert list(pair.target_names) == ["no", "yes"]
    assert pair.DESCR == "About."
    assert pair.groups_source.sum() == 3


def test_without_test_rows_the_target_rows_are_scored_on():
    pair = make_pair(make_rows(0), make_rows(10), **NAMES)
    assert pair.X_target_test is pair.X_target
    assert pair.y_target_test is pair.y_target


def test_frames():
    pair = make_pair(make_rows(0), make_rows(10), **NAMES, as_frame=True)
    expected = pd.DataFrame({"a": [10, 12, 14], "b": [11, 13, 15]}, dtype="float32")
    pd.testing.assert_frame_equal(pair.X_target, expected)
    pd.testing.assert_series_equal(pair.y_target, pd.Series([0, 1, 0], name="class"))


def test_the_numbers_of_a_regression_keep_their_type():
    y = np.array([0.5, 1.5, -2.0], dtype=np.float32)
    rows = LabelledRows(np.zeros((3, 2)), y)
    names = NAMES | {"target_names": ["oil"]}
    assert make_pair(rows, rows, **names).y_target.dtype == np.float32
    frames = make_pair(rows, rows, **names, as_frame=True)
    pd.testing.assert_series_equal(frames.y_target, pd.Series(y, name="oil"))


def test_several_outputs_make_a_frame():
    rows = LabelledRows(np.zeros((2, 2)), np.array([[0.5, 1.0], [2.0, 3.0]]))
    names = NAMES | {"target_names": ["oil", "starch"]}
    frames = make_pair(rows, rows, **names, as_frame=True)
    expected = pd.DataFrame({"oil": [0.5, 2.0], "starch": [1.0, 3.0]})
    pd.testing.assert_frame_equal(frames.y_source, expected)


def test_return_X_y():
    source, target = make_rows(0), make_rows(10)
    parts = make_pair(source, target, make_rows(20), **NAMES, return_X_y=True)
    for part, expected in zip(parts, (source.X, source.y, target.X, target.y), strict=True):
        np.testing.assert_array_equal(part, expected)
