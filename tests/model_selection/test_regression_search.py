"""The search over lam of regressors."""

from __future__ import annotations

import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from sklearn.base import is_classifier, is_regressor
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler
from torch import nn

from skda import DANNClassifier, DANNRegressor, DANRegressor, DAREGRAMRegressor, make_pipeline
from skda.model_selection import (
    LambdaCurveDisplay,
    LambdaSearchCV,
    get_validator_names,
    make_validator_scorer,
)
from skda.model_selection._choice.regression import (
    apply_guard,
    choose_regressor,
    disagreement_of_folds,
)
from skda.model_selection._training.fit_and_score import FoldResult
from skda.training import DivergenceError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = 10 * X @ [1.0, 2, 0, 1] + 50
SMALL: dict[str, Any] = {"max_epochs": 15, "batch_size": 32, "random_state": 0, "lr": 1e-2}
# keep rounding errors small: no ReLU after batch normalisation with Adam
SMOOTH = {**SMALL, "module__activation": nn.Tanh, "module__batch_norm": False}
DRIFTED = 3 * X[::-1] + 5  # the same quantity, measured by an instrument of another gain


def search(estimator: Any, **options: Any) -> LambdaSearchCV:
    return LambdaSearchCV(estimator, **{"lams": [0.3, 3.0], "cv": 3, "random_state": 0, **options})


@pytest.fixture(scope="module")
def drifted() -> LambdaSearchCV:
    return search(DANNRegressor(**SMALL)).fit(X, Y, DRIFTED)


def test_adapts_to_an_instrument_of_another_gain(drifted: LambdaSearchCV) -> None:
    assert drifted.adapted_
    assert drifted.vectorized_
    plain = DANNRegressor(**SMALL, lam=0).fit(X, Y, DRIFTED)
    assert drifted.score(DRIFTED, Y[::-1]) > 0.9
    assert plain.score(DRIFTED, Y[::-1]) < 0.3


def test_refuses_to_adapt_where_the_rows_only_moved() -> None:
    moved = 1.5 * RNG.normal(size=(90, 4)) + 0.5  # other rows with the same labels given the rows
    found = search(DANNRegressor(**SMALL)).fit(X, Y, moved)
    assert not found.adapted_
    assert found.cv_results_["guard_reason"][1].startswith("unstable on the target: the models of")


def test_is_a_regressor(drifted: LambdaSearchCV) -> None:
    assert is_regressor(drifted)
    assert not is_classifier(drifted)
    assert not hasattr(drifted, "predict_proba")
    assert not hasattr(drifted, "classes_")
    assert drifted.predict(DRIFTED).shape == (120,)
    names = ("mean_source_error", "mean_target_disagreement", "mean_test_agreement")
    assert all(np.isfinite(drifted.cv_results_[name]).all() for name in names)


def test_the_curve_shows_errors(drifted: LambdaSearchCV) -> None:
    display = LambdaCurveDisplay.from_search(drifted)
    assert display.score_name == "mean z-score of 2 validators"
    assert display.accuracy_ax_.get_ylabel() == "error on held-out source rows"
    (line,) = (line for line in display.accuracy_ax_.lines if len(line.get_ydata()) == 3)
    np.testing.assert_allclose(line.get_ydata(), drifted.cv_results_["mean_source_error"])
    plt.close(display.figure_)


def test_the_diagram_says_what_was_chosen(drifted: LambdaSearchCV) -> None:
    page = drifted._repr_html_()
    assert "choice by agreement, stability" in page
    assert f"estimated error on the target {drifted.estimated_error_:.2f} standard devia" in page


def test_the_estimated_error_is_of_both_domains(drifted: LambdaSearchCV) -> None:
    table, best = drifted.cv_results_, drifted.best_index_
    error = table["mean_source_error"][best] ** 2 + table["mean_target_disagreement"][best] ** 2
    assert drifted.estimated_error_ == pytest.approx(error**0.5)
    true = np.sqrt(np.mean((drifted.predict(DRIFTED) - Y[::-1]) ** 2)) / Y.std()
    assert true < drifted.estimated_error_ < 0.5


@pytest.mark.parametrize(
    ("cls", "criterion"),
    [
        (DANNRegressor, nn.MSELoss),
        (DANRegressor, nn.HuberLoss),
        (DANRegressor, nn.HuberLoss(delta=0.1)),
        (DAREGRAMRegressor, nn.MSELoss),
    ],
)
def test_trained_together_as_one_by_one(cls: type, criterion: Any) -> None:
    y = np.stack([Y, -3 * X[:, 1]], axis=1)
    params = {**SMOOTH, "max_epochs": 2, "criterion": criterion}
    if cls is DAREGRAMRegressor:
        # Adam makes full steps of gradients near 0, whose sign is rounding error of the SVD
        params["optimizer"] = torch.optim.SGD
    tables = [
        search(cls(**params), vectorize=vectorize, refit=False, cv=2).fit(X, y, DRIFTED).cv_results_
        for vectorize in (True, False)
    ]
    for name in ("source_error", "target_disagreement", "test_stability"):
        for split in range(2):
            together, alone = (table[f"split{split}_{name}"] for table in tables)
            np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_in_a_pipeline_with_some_target_labels() -> None:
    y_target = np.where(np.arange(120) < 5, Y[::-1], np.nan)
    pipe = make_pipeline(StandardScaler(), DANRegressor(**{**SMALL, "max_epochs": 1}))
    found = search(pipe, validator="iwv", lams=[0.3], cv=2).fit(X, Y, DRIFTED, y_target=y_target)
    assert found.vectorize_reason_ == "labelled target rows join the classification loss"
    assert found.predict(DRIFTED).shape == (120,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validator": "infomax"}, r"validator of a regressor must be one of \['a_distance', 'dev"),
        ({"validator": ("iwv", "snd")}, "Got 'snd'"),
        ({"guard": {"min_entropy_ratio": 0.5}}, "keys 'error_tolerance', 'stability_tolerance'"),
    ],
)
def test_options_of_classifiers_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search(DANNRegressor(), **options).fit(X, Y, DRIFTED)


def test_validators_of_regressors_are_refused_for_classifiers() -> None:
    with pytest.raises(ValueError, match="Got 'source_error'"):
        search(DANNClassifier(), validator="source_error").fit(X, Y > 50, DRIFTED)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y[:7], "y_source has 7 labels, but X_source has 120 rows"),
        (np.where(X[:, 0] > 2, np.nan, Y), "y_source contains NaN"),
        (np.array(["a"] * 120), "y_source"),
    ],
)
def test_labels_are_checked(y: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search(DANNRegressor()).fit(X, y, DRIFTED)


# -- the choice, by hand --------------------------------------------------------------------------

HELD_OUT = [np.arange(4), np.arange(4, 8)]


def result(predicted: Any, error: float = 0.1, failure: str = "") -> FoldResult:
    """Return a result whose labels have the standard deviation 1."""
    y = np.array([-1.0, 1.0])
    votes = np.asarray(predicted, dtype=float).reshape(8, -1)
    return FoldResult({}, y, y + error, votes[:4], 0, 0.0, 0.0, votes, failure=failure)


LINE = np.linspace(-2, 2, 8)
PLAIN = [result(LINE), result(LINE + 0.2)]


def test_disagreement_against_a_loop() -> None:
    votes = RNG.normal(size=(2, 8, 2))
    scale = np.array([2.0, 5.0])
    found = disagreement_of_folds([[result(each) for each in votes]], HELD_OUT, scale)
    for i, rows in enumerate(HELD_OUT):
        total = 0.0
        for row in rows:
            for k in range(2):
                total += ((votes[0, row, k] - votes[1, row, k]) / scale[k]) ** 2
        assert found[0, i] == pytest.approx(np.sqrt(total / 8))


@pytest.mark.parametrize(
    ("adapted", "message"),
    [
        ([result(LINE), result(LINE + 0.21)], ""),
        ([result(LINE), result(LINE + 0.23)], "unstable on the target: .* by 0.230 .* by 0.200"),
        ([result(LINE, 0.2), result(LINE, 0.2)], "forgot the source: .* is 0.200 .* 0.100"),
        ([result(LINE / 9), result(LINE / 9)], "collapsed .* by 0.145 .* by 1.309"),
        ([result(LINE), result(LINE, failure="infinite")], "diverged in 1 of 2 folds"),
    ],
)
def test_the_guard_says_why(adapted: list[FoldResult], message: str) -> None:
    results, scale = [PLAIN, adapted], np.ones(1)
    disagreement = disagreement_of_folds(results, HELD_OUT, scale)
    lams = np.array([0.0, 1.0])
    first, second = apply_guard(results, lams, disagreement, scale, True)
    assert first == ""
    assert re.fullmatch(f"{message}.*" if message else "", second)
    _, unguarded = apply_guard(results, lams, disagreement, scale, False)
    assert unguarded == (second if second.startswith("diverged") else "")


@pytest.mark.parametrize(("spread", "collapsed"), [(0.25, True), (0.35, False)])
def test_a_source_only_model_that_is_far_off_is_no_measure_of_collapse(
    spread: float, collapsed: bool
) -> None:
    narrow = spread * LINE / LINE.std()
    results = [[result(1000 * LINE)] * 2, [result(narrow)] * 2]
    _, reason = apply_guard(results, np.array([0.0, 1.0]), np.zeros((2, 2)), np.ones(1), True)
    assert reason.startswith("collapsed on the target") == collapsed
    assert bool(reason) == collapsed


def test_nothing_to_fall_back_on() -> None:
    bad = [result(LINE, failure="infinite in epoch 3"), result(LINE)]
    with pytest.raises(DivergenceError, match="infinite in epoch 3"):
        choose_regressor([{"lam": 0.0}], "lam", [bad], HELD_OUT, "stability", True)


def test_agreement_prefers_the_candidate_in_the_middle() -> None:
    results = [[result(LINE + shift)] * 2 for shift in (0.0, 0.1, 0.5)]
    candidates = [{"lam": lam} for lam in (0.0, 1.0, 2.0)]
    choice = choose_regressor(candidates, "lam", results, HELD_OUT, "agreement", True)
    np.testing.assert_allclose(choice.cv_results["mean_test_score"], [-0.04, -0.01, -0.09])
    assert choice.best_index == 1
    assert choice.source_only_score == pytest.approx(-0.04)


# -- validators -----------------------------------------------------------------------------------


def test_validators_of_a_plain_regressor() -> None:
    model = LinearRegression().fit(X[:60], Y[:60] + X[:60, 0] ** 2)
    test, y = X[60:], Y[60:]
    mse = np.mean((y - model.predict(test)) ** 2) / y.var()
    score = {
        name: make_validator_scorer(name)(model, test, y, X_target=test + 0.01)
        for name in get_validator_names("regression")
    }
    assert score["source_error"] == pytest.approx(-mse)
    # the domains are the same: all weights are about 1
    assert score["iwv"] == pytest.approx(-mse, rel=0.05)
    assert score["dev"] == pytest.approx(-mse, rel=0.2)
    # the reverse model is linear too, so it reproduces the predictions
    back = LinearRegression().fit(test + 0.01, model.predict(test + 0.01)).predict(test)
    assert score["reverse"] == pytest.approx(-np.mean((y - back) ** 2) / y.var())


def test_outputs_in_other_units_weigh_the_same() -> None:
    y = np.stack([Y, 1000 * Y], axis=1)
    scorer = make_validator_scorer("source_error")
    one = scorer(LinearRegression().fit(X[:60], Y[:60] ** 2), X[60:], Y[60:])
    both = scorer(
        LinearRegression().fit(X[:60], np.stack([Y, 1000 * Y], axis=1)[:60] ** [[2, 1]]),
        X[60:],
        y[60:],
    )
    assert both == pytest.approx(one / 2, rel=1e-6)
