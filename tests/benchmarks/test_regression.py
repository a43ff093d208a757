"""Regression: the scaling of a target, the rule without labels, the committed page."""

import math
from collections import Counter
from statistics import mean

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from benchmarks.regression import __main__ as regression
from benchmarks.regression import corn, turbofan
from benchmarks.regression.cases import (
    ADAPTING,
    CHOSEN,
    LINEAR,
    MEAN,
    OF_LINEAR,
    SCALED,
    SEARCHED,
    SHIFTED,
    Case,
    View,
)
from skda import DANRegressor
from skda.model_selection import LambdaSearchCV
from tests.benchmarks.programs import committed, scores_of


def make_case(X_source, X_target, known=None):
    """Return a case whose linear model predicts the first value of a row."""
    X_source, X_target = np.asarray(X_source, float), np.asarray(X_target, float)
    return Case(
        X_source,
        np.array([[1.0], [3.0]]),
        X_target,
        X_target[:1],
        np.array([[2.0]]),
        (X_target, np.array([[0.0], [0.0]])),
        lambda _: lambda rows: rows,
        lambda X, y, X_test: X_test.reshape(len(X_test), -1)[:, 0],
        {},
        seed=0,
        limits=(-100, 100),
        known=known or {},
    )


def test_target_is_moved_and_scaled_by_column():
    case = make_case([[0, 0], [4, 0]], [[10, 5], [30, 5]])
    # the first column: mean 2 and deviation 2 in the source, mean 20 and deviation 10 in the target
    assert case.predictions(LINEAR).tolist() == [[10]]
    assert case.predictions(LINEAR + SHIFTED).tolist() == [[-8]]
    assert case.predictions(LINEAR + SCALED).tolist() == [[0]]
    # a column that is constant in the target is shifted only
    np.testing.assert_allclose(case._moved("x" + SCALED)[1], [[0, 0]])


def test_channels_of_series_are_moved_over_all_steps():
    case = make_case([[[0, 2]], [[4, 2]]], [[[10, 10]], [[20, 40]]])
    # means 2 and 20, deviations sqrt(2) and sqrt(150)
    assert case.predictions(LINEAR + SHIFTED).tolist() == [[-8]]
    expected = (10 - 20) * math.sqrt(2 / 150) + 2
    np.testing.assert_allclose(case.predictions(LINEAR + SCALED), [[expected]])


def test_predictions_are_cut_and_made_once():
    case = make_case([[0, 0], [4, 0]], [[500, 5], [30, 5]])
    assert case.predictions(LINEAR).tolist() == [[100]]
    assert case.predictions(LINEAR) is case.predictions(LINEAR)
    assert case.predictions(MEAN).tolist() == [[2]]


def test_method_nearest_to_the_median_is_chosen():
    values = dict(zip(ADAPTING, [1, 2, 9, 4, 5.5, 6, 7, 30], strict=True))
    case = make_case([[0], [4]], [[1], [3]], {n: np.array([[v]]) for n, v in values.items()})
    # the median is 5.75: the fifth and the sixth are equally near, and the fifth is chosen
    assert case.chosen(0) == list(ADAPTING)[4]
    view = View(case, 0, lambda y_true, y_pred: float((y_pred - y_true)[0]))
    assert view.score(CHOSEN) == 5.5 - 2


def test_the_search_is_run_on_corn_and_on_one_pair_of_turbofans():
    tasks = {task.name: task for task in regression.MATRIX.tasks}
    search, dan = regression.method(SEARCHED), regression.method("DAN")
    run = {name for name, task in tasks.items() if regression.has_run(task, search)}
    assert run == {t.name for t in corn.TASKS} | {
        f"FD002→FD001{by}, {metric}" for by in ("", " by condition") for metric in turbofan.METRICS
    }
    assert all(regression.has_run(task, dan) for task in tasks.values())


def test_a_search_among_two_lams_is_that_of_a_user():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(24, 2)), rng.normal(size=(24, 1))
    case = make_case(X, X + 1)
    case.y_source, case.y_test, case.lams = y, y[:1], (1.0,)
    case.params = {"max_epochs": 1, "module__hidden": (4,)}
    search = LambdaSearchCV(DANRegressor(**case.params, random_state=0), [1.0], cv=3)
    search.set_params(random_state=0).fit(X, y, X + 1)
    np.testing.assert_array_equal(case.predictions(SEARCHED), search.predict(X[:1] + 1))


def test_usual_score_punishes_a_life_that_is_said_too_long():
    expected = (math.exp(26 / 13) - 1 + math.exp(20 / 10) - 1) / 1000
    found = turbofan.usual_score(np.array([50.0, 50.0]), np.array([24.0, 70.0]))
    assert found == pytest.approx(expected)


def test_constant_channels_are_left_out():
    X = np.stack([np.full((4, 5), 500.0), np.arange(20.0).reshape(4, 5)], axis=1)
    X[0, 0, 0] += 0.01
    scaled = turbofan.varying_channels(X)(X)
    assert scaled.shape == (4, 1, 5)
    assert scaled.mean() == pytest.approx(0)
    assert scaled.std() == pytest.approx(1)


def test_channels_that_vary_within_a_condition():
    rows = np.array([[500.0, 500, 1], [500.1, 500, 2], [510, 520, 1], [510, 520, 1]])
    scalers = [StandardScaler().fit(rows[:2]), StandardScaler().fit(rows[2:])]
    # the first column varies too little, the second only between the conditions
    assert turbofan.varying_within(scalers).tolist() == [False, False, True]


@pytest.mark.usefixtures("skda_data_home")
def test_windows_by_condition_are_those_of_the_plain_case():
    plain, scaled = (
        make("FD001", "FD002", True, 0) for make in (turbofan.case, turbofan.case_by_condition)
    )
    np.testing.assert_array_equal(scaled.y_source, plain.y_source)
    np.testing.assert_array_equal(scaled.oracle_rows[0], scaled.X_target)
    assert scaled.X_test.shape == (259, 21, 30)
    assert scaled.known is not plain.known
    # the altitude identifies the six conditions; the sixth channel is sensor 3
    altitude, sensor = plain.X_target[:, 0].round(), plain.X_target[:, 5]
    assert np.unique(altitude).tolist() == [0, 10, 20, 25, 35, 42]
    for condition in np.unique(altitude):
        chosen = altitude == condition
        expected = (sensor[chosen] - sensor[chosen].mean()) / sensor[chosen].std()
        np.testing.assert_allclose(scaled.X_target[:, 2][chosen], expected, atol=1e-6)
    # sensor 1 is constant within each condition
    assert plain.X_target[:, 3].std() > 1
    assert not scaled.X_target[:, 0].any()


@pytest.mark.usefixtures("skda_data_home")
def test_quick_look(tmp_path):
    out = ["--quick", "--seeds", "0", "1", "--out", str(tmp_path / "quick")]
    methods = [LINEAR + SHIFTED, "source-only", "source-only, scaled"]
    tasks = ["oil m5→mp5", "starch m5→mp5", "FD001→FD003, RMSE", "FD001→FD003, score"]
    tasks.append("FD001→FD002 by condition, RMSE")
    regression.main([*out, "--methods", *methods, "--tasks", *tasks])
    found = {task: set(of) for task, of in scores_of(tmp_path / "quick.csv").items()}
    assert found["oil m5→mp5"] == set(methods)
    assert found["FD001→FD003, RMSE"] == found["FD001→FD002 by condition, RMSE"] == set(methods)
    page = (tmp_path / "quick.md").read_text(encoding="utf-8")
    for heading in ("## Goals", "## Means", "## corn, oil", "## turbofan, RMSE"):
        assert heading in page


def test_committed_scores_are_whole():
    scores = scores_of(committed("regression", ".csv"))
    assert len(scores) == len(regression.MATRIX.tasks)
    seeds = Counter(len(of) for task in corn.TASKS for of in scores[task.name].values())
    assert list(seeds) == [5]
    for task in regression.MATRIX.tasks:
        of_task = scores[task.name]
        chosen = of_task[CHOSEN]
        for i, score in enumerate(chosen):
            assert score in {of_task[name][i] for name in ADAPTING}


def test_committed_corn_beats_the_shift_of_the_mean():
    scores = scores_of(committed("regression", ".csv"))["moisture m5→mp6"]
    assert mean(scores[CHOSEN]) < 0.296
    assert mean(scores["source-only"]) > mean(scores[LINEAR + OF_LINEAR])


def test_committed_turbofans_by_condition_reach_the_goals():
    scores = scores_of(committed("regression", ".csv"))
    assert mean(scores["FD001→FD002 by condition, RMSE"][CHOSEN]) < 41
    to_one = scores["FD002→FD001 by condition, RMSE"]
    assert mean(to_one[CHOSEN]) < 21.7
    assert mean(to_one[CHOSEN]) < mean(to_one["source-only"])
    pairs = zip(to_one[SEARCHED], to_one["source-only"], strict=True)
    assert all(searched <= plain for searched, plain in pairs)
