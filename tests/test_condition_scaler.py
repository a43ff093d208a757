"""Scaling within operating conditions, against loops over the rows of a known condition."""

import numpy as np
import pandas as pd
import pytest

import skda
from skda.preprocessing import DomainConditionScaler


def machines(centers, n_rows=120, seed=0):
    """Return rows [speed, sensor, load, sensor] of a machine, and the condition of each row."""
    rng = np.random.default_rng(seed)
    condition = np.r_[np.arange(len(centers)), rng.integers(len(centers), size=n_rows)]
    settings = np.asarray(centers, float)[condition] + rng.normal(size=(len(condition), 2)) / 1000
    sensors = rng.normal(size=(len(condition), 2)) * (condition[:, None] + 1) + settings * 3
    return np.c_[settings[:, 0], sensors[:, 0], settings[:, 1], sensors[:, 1]], condition


def naive(rows, condition, new=None, of_new=None):
    """Return z-scores of new rows by the statistics of the rows of their condition."""
    new, of_new = (rows, condition) if new is None else (new, of_new)
    scaled = []
    for row, c in zip(new, of_new, strict=True):
        same = [other for other, of_other in zip(rows, condition, strict=True) if of_other == c]
        scaled.append((row - np.mean(same, axis=0)) / np.std(same, axis=0))
    return np.array(scaled)


SOURCE, OF_SOURCE = machines([[0, 5], [90, 5], [90, 7]])
TARGET, OF_TARGET = machines([[10, 5], [50, 5], [50, 9], [90, 7], [70, 0]], 200, seed=1)
NEW, OF_NEW = machines([[10, 5], [50, 5], [50, 9], [90, 7], [70, 0]], 30, seed=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_are_scaled_within_the_condition(dtype):
    scaler = DomainConditionScaler([0, 2]).fit(SOURCE.astype(dtype), X_target=TARGET.astype(dtype))
    assert (len(scaler.source_centers_), len(scaler.target_centers_)) == (3, 5)
    for rows, domain, expected in (
        (SOURCE, "source", naive(SOURCE, OF_SOURCE)),
        (TARGET, "target", naive(TARGET, OF_TARGET)),
        (NEW, "target", naive(TARGET, OF_TARGET, NEW, OF_NEW)),
    ):
        scaled = scaler.transform(rows.astype(dtype), domain=domain)
        assert scaled.dtype == dtype
        atol = 1e-3 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(scaled, expected[:, [1, 3]], rtol=1e-4, atol=atol)


def test_centres_are_means_in_the_units_of_the_columns():
    scaler = DomainConditionScaler([0, 2]).fit(SOURCE, X_target=TARGET)
    expected = [TARGET[c == OF_TARGET][:, [0, 2]].mean(axis=0) for c in (0, 1, 2, 4, 3)]
    np.testing.assert_allclose(scaler.target_centers_, expected)
    np.testing.assert_allclose(scaler.target_spreads_, TARGET[:, [0, 2]].std(axis=0))
    assert scaler.condition_columns_.tolist() == [0, 2]


def test_series_are_scaled_step_by_step():
    """A window may go through several conditions."""
    source, target = (
        rows[:n].reshape(-1, 10, 4).transpose(0, 2, 1) for rows, n in ((SOURCE, 120), (TARGET, 200))
    )
    scaler = DomainConditionScaler([0, 2]).fit(source, X_target=target)
    scaled = scaler.transform(target)
    assert scaled.shape == (20, 2, 10)
    by_row = DomainConditionScaler([0, 2]).fit(SOURCE[:120], X_target=TARGET[:200])
    expected = by_row.transform(TARGET[:200]).reshape(20, 10, 2).transpose(0, 2, 1)
    np.testing.assert_allclose(scaled, expected, rtol=1e-12)
    np.testing.assert_allclose(scaler.transform(target[:2, :, 3:7]), scaled[:2, :, 3:7])
    kept = scaler.set_params(keep_conditions=True).transform(target)
    np.testing.assert_array_equal(kept[:, [0, 2]], target[:, [0, 2]])
    np.testing.assert_array_equal(kept[:, [1, 3]], scaled)


@pytest.mark.parametrize("conditions", [["speed", "load"], ("load", "speed"), [0, 2], [-4, -2]])
def test_columns_have_names_or_numbers(conditions):
    names = ["speed", "heat", "load", "noise"]
    source, target = (pd.DataFrame(rows, columns=names) for rows in (SOURCE, TARGET))
    scaler = DomainConditionScaler(conditions).set_output(transform="pandas")
    scaler.fit(source, X_target=target[["noise", "load", "heat", "speed"]])
    scaled = scaler.transform(target)
    assert scaled.columns.tolist() == ["heat", "noise"]
    np.testing.assert_allclose(scaled, naive(TARGET, OF_TARGET)[:, [1, 3]], atol=1e-12)
    kept = scaler.set_params(keep_conditions=True).transform(target)
    assert kept.columns.tolist() == names
    pd.testing.assert_frame_equal(kept[["speed", "load"]], target[["speed", "load"]])


def test_one_column_needs_no_list():
    by_list, by_number = (DomainConditionScaler(c).fit(SOURCE, X_target=TARGET) for c in ([0], 0))
    np.testing.assert_array_equal(by_list.transform(TARGET), by_number.transform(TARGET))
    named = pd.DataFrame(SOURCE, columns=list("abcd"))
    scaler = DomainConditionScaler("a").fit(named, X_target=named)
    assert scaler.get_feature_names_out().tolist() == ["b", "c", "d"]


@pytest.mark.parametrize("n_conditions", ["auto", 2, 4])
def test_order_of_rows_does_not_matter(n_conditions):
    order = np.random.default_rng(0).permutation(len(TARGET))
    scaler = DomainConditionScaler([0, 2], n_conditions=n_conditions)
    scaled = scaler.fit(SOURCE, X_target=TARGET).transform(TARGET)
    centers = scaler.target_centers_
    shuffled = scaler.fit(SOURCE[::-1], X_target=TARGET[order]).transform(TARGET)
    np.testing.assert_array_equal(scaler.target_centers_, centers)
    np.testing.assert_allclose(shuffled, scaled, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 12, 20])
def test_number_of_conditions_is_found(n):
    rng = np.random.default_rng(n)
    condition = np.r_[np.arange(n), np.arange(n), rng.integers(n, size=300)]
    settings = np.c_[condition, condition * 7 % n]
    rows = np.c_[settings + rng.normal(size=settings.shape) / 50, condition]
    scaler = DomainConditionScaler([0, 1]).fit(rows, X_target=rows[:1])
    assert len(scaler.source_centers_) == n
    assert len(scaler.target_centers_) == 1


@pytest.mark.parametrize("shape", ["normal", "uniform", "exponential"])
def test_rows_that_form_no_groups_are_one_condition(shape):
    rng = np.random.default_rng(0)
    rows = np.c_[getattr(rng, shape)(size=(500, 2)), rng.normal(size=500)]
    scaler = DomainConditionScaler([0, 1]).fit(rows, X_target=rows)
    np.testing.assert_allclose(scaler.source_centers_, [rows[:, :2].mean(axis=0)])
    expected = (rows[:, 2:] - rows[:, 2].mean()) / rows[:, 2].std()
    np.testing.assert_allclose(scaler.transform(rows), expected)


def test_number_of_conditions_may_be_given():
    rows = np.array([[0, 1.0], [1, 3], [10, 20], [11, 24], [50, 7], [51, 9]])
    scaler = DomainConditionScaler([0], n_conditions=2).fit(rows, X_target=rows)
    np.testing.assert_allclose(scaler.target_centers_, [[5.5], [50.5]])
    scaler = DomainConditionScaler([0], n_conditions=3).fit(rows, X_target=rows)
    np.testing.assert_allclose(scaler.transform(rows).ravel(), [-1, 1] * 3)


def test_more_conditions_than_distinct_rows_are_those_rows():
    rows = np.array([[1, 5.0], [1, 7], [2, 1], [2, 2], [2, 3]])
    scaler = DomainConditionScaler([0], n_conditions=9).fit(rows, X_target=rows[:2])
    np.testing.assert_allclose(scaler.source_centers_, [[1], [2]])
    np.testing.assert_allclose(scaler.target_centers_, [[1]])


def test_a_single_row_and_a_constant_column_are_moved_and_not_divided():
    rows = np.array([[1, 5.0, 4], [1, 7, 4], [2, 30, 6]])
    scaler = DomainConditionScaler([0], n_conditions=2).fit(rows, X_target=rows)
    np.testing.assert_allclose(scaler.transform(rows), [[-1, 0], [1, 0], [0, 0]])
    np.testing.assert_allclose(scaler.transform([[1, 5, 4.5], [2, 33, 5]]), [[-1, 0.5], [3, -1]])


def test_condition_columns_of_large_numbers_keep_their_small_differences():
    rows = np.c_[1e9 + np.repeat([0, 0.5, 1], 4), np.tile([1.0, 3], 6)]
    scaler = DomainConditionScaler([0]).fit(rows, X_target=rows)
    assert scaler.target_centers_.ravel().tolist() == [1e9, 1e9 + 0.5, 1e9 + 1]
    np.testing.assert_allclose(scaler.transform(rows).ravel(), np.tile([-1.0, 1], 6))


def test_missing_values_pass_but_for_the_conditions():
    rows = np.array([[1, 5.0], [1, 7], [1, np.nan], [2, 3], [2, 4]])
    scaler = DomainConditionScaler([0]).fit(rows, X_target=rows)
    expected = [[-1], [1], [np.nan], [-1], [1]]
    np.testing.assert_allclose(scaler.transform(rows), expected)
    unknown = rows[:, ::-1]
    message = r"has missing values \(NaN\) in the condition columns \[0\], so .* Fill them in"
    with pytest.raises(ValueError, match="^X_target " + message):
        scaler.fit(rows, X_target=unknown)
    with pytest.raises(ValueError, match="^X " + message):
        scaler.transform(unknown)
    np.testing.assert_allclose(scaler.transform(rows), expected)


@pytest.mark.parametrize(
    "conditions", ["speed", [7], [-5], [], [0, 1, 2, 3], [True], [1.0], [[0.5]]]
)
def test_conditions_are_some_columns(conditions):
    with pytest.raises(
        ValueError,
        match=r"^The 'conditions' parameter of DomainConditionScaler must name some columns, not "
        r"all, of X_source, which has n_features = 4 and no column names\. Got .*: pass the num",
    ):
        DomainConditionScaler(conditions).fit(SOURCE, X_target=TARGET)


def test_names_of_a_frame_are_told():
    frame = pd.DataFrame(SOURCE, columns=["speed", "heat", "load", "noise"])
    with pytest.raises(ValueError, match=r"n_features = 4 and the names \['speed', 'heat', 'load"):
        DomainConditionScaler(["sped"]).fit(frame, X_target=frame)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"conditions": None}, "'conditions' parameter of DomainConditionScaler must be"),
        ({"n_conditions": 0}, r"'n_conditions' .* must be an int in the range \[1, inf\) or a str"),
        ({"n_conditions": "many"}, r"'n_conditions' .* a str among {'auto'}. Got 'many'"),
        ({"keep_conditions": "yes"}, "'keep_conditions' parameter of DomainConditionScaler"),
    ],
)
def test_parameters_are_checked(params, message):
    with pytest.raises(ValueError, match=message):
        DomainConditionScaler(**{"conditions": [0]} | params).fit(SOURCE, X_target=TARGET)


def test_a_table_and_series_are_not_of_one_kind():
    series = TARGET[:200].reshape(20, 10, 4).transpose(0, 2, 1)
    for target in (series, series[..., None]):
        with pytest.raises(
            ValueError, match=r"takes tables of shape .* X_source of shape \(123, 4\) and X_target"
        ):
            DomainConditionScaler([0]).fit(SOURCE, X_target=target)


@pytest.mark.parametrize("series", [False, True])
def test_in_a_pipeline_that_is_saved(series, tmp_path):
    source, target = SOURCE[:120], TARGET[:200]
    if series:
        source, target = (rows.reshape(-1, 10, 4).transpose(0, 2, 1) for rows in (source, target))
    labels = np.arange(len(source), dtype=float)
    pipe = skda.make_pipeline(
        DomainConditionScaler([0, 2]), skda.DANRegressor(max_epochs=1, random_state=0)
    ).fit(source, labels, X_target=target)
    scaler = DomainConditionScaler([0, 2])
    scaled = scaler.fit_transform(source, X_target=target), scaler.transform(target)
    model = skda.DANRegressor(max_epochs=1, random_state=0).fit(scaled[0], labels, scaled[1])
    np.testing.assert_array_equal(pipe.predict(target), model.predict(scaled[1]))
    np.testing.assert_array_equal(
        pipe.predict(source, domain="source"), model.predict(scaled[0], domain="source")
    )
    pipe.save(tmp_path / "pipe.skda")
    loaded = skda.load(tmp_path / "pipe.skda")
    np.testing.assert_array_equal(loaded.predict(target), pipe.predict(target))


def test_conditions_of_two_domains_are_made_alike():
    """The sensor depends more on the condition than on the wear; scaling corrects this."""
    rng = np.random.default_rng(0)

    def engines(speeds, n=300):
        speed, wear = rng.choice(speeds, size=n), rng.uniform(size=n)
        return np.c_[speed, speed * 3 + wear * (1 + speed / 50)], wear

    (source, wear), (target, of_target) = engines([20.0]), engines([20.0, 40.0, 80.0])
    errors = {}
    for scaler in (DomainConditionScaler([0]), skda.DomainStandardScaler()):
        pipe = skda.make_pipeline(
            scaler, skda.FinetuneRegressor(max_epochs=30, lr=0.01, random_state=0)
        ).fit(source, wear, X_target=target)
        errors[type(scaler)] = np.abs(pipe.predict(target) - of_target).mean()
    assert errors[DomainConditionScaler] < 0.05
    assert errors[skda.DomainStandardScaler] > 0.2
