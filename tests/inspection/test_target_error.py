"""Error of a regressor on the target, without its labels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skda import DANNClassifier, DANRegressor
from skda.inspection import ErrorEstimate, estimate_error
from skda.model_selection import LambdaSearchCV, density_ratio

RNG = np.random.default_rng(0)
X, X_TARGET = RNG.normal(0, 1, (600, 1)), RNG.normal(1, 1, (600, 1))


class Zero(RegressorMixin, BaseEstimator):
    """Predicts 0, so the error of a row is its label."""

    def __init__(self, n_outputs=1):
        self.n_outputs = n_outputs

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X) if self.n_outputs == 1 else (len(X), self.n_outputs))


def test_the_error_lies_in_the_interval_where_the_shift_is_one_of_covariates():
    found = estimate_error(Zero(), X, 10 * X[:, 0], X_TARGET, random_state=0)
    truth = 10 * np.sqrt(np.mean(X_TARGET**2))
    assert found.method == "importance"
    assert_allclose(found.source_error, 10 * np.sqrt(np.mean(X**2)))
    assert truth > found.source_error + 3
    assert found.interval[0] < truth < found.interval[1]
    assert abs(found.error - truth) < 1.5


def test_it_is_the_weighted_error_by_hand():
    y = X[:, 0] ** 2
    ratio = density_ratio(X, X_TARGET)
    found = estimate_error(Zero(), X, y, X_TARGET, n_bootstrap=1)
    by_hand = np.sqrt(sum(w * v**2 for w, v in zip(ratio, y, strict=True)) / sum(ratio))
    assert_allclose(found.error, by_hand)
    # each output in units of its standard deviation
    both = np.column_stack([y, -1000 * y])
    of_both = estimate_error(Zero(2), X, both, X_TARGET, n_bootstrap=1)
    assert_allclose(of_both.error, by_hand / y.std())
    assert_allclose(of_both.source_error, np.sqrt(np.mean(y**2)) / y.std())


def test_a_pipeline_is_scaled_and_the_units_are_those_of_the_labels():
    pipe = make_pipeline(StandardScaler(), LinearRegression()).fit(X[:300], X[:300, 0] ** 2)
    in_metres = estimate_error(pipe, X, X[:, 0] ** 2, X_TARGET, random_state=0)
    again = make_pipeline(StandardScaler(), LinearRegression()).fit(X[:300], 1e3 * X[:300, 0] ** 2)
    in_millimetres = estimate_error(again, X, 1e3 * X[:, 0] ** 2, X_TARGET, random_state=0)
    assert_allclose(in_millimetres.error, 1e3 * in_metres.error)
    assert_allclose(in_millimetres.interval, 1e3 * in_metres.interval)


@pytest.fixture(scope="module", params=[1, 2], ids=["one output", "two outputs"])
def searched(request):
    y = np.column_stack([5 * X[:, 0], 700 + X[:, 0]])[:, : request.param]
    reg = DANRegressor(max_epochs=2, module__hidden=(8, 4))
    search = LambdaSearchCV(reg, lams=[1.0], cv=3, random_state=0)
    return search.fit(X[:60], y[:60], X_TARGET[:60]), y


def test_a_search_gives_the_disagreement_of_its_folds(searched):
    search, y = searched
    found = estimate_error(search, X[60:90], y[60:90], X_TARGET[:60], random_state=0)
    assert found.method == "disagreement"
    table, best = search.cv_results_, search.best_index_
    error, apart = (
        np.array([table[f"split{k}_{name}"][best] for k in range(3)])
        for name in ("source_error", "target_disagreement")
    )
    scale = y[:60].std(axis=0)
    assert_allclose(search.label_scale_, scale)
    unit = scale[0] if y.shape[1] == 1 else 1.0
    assert_allclose(found.error, unit * np.sqrt(error.mean() ** 2 + apart.mean() ** 2))
    assert_allclose(found.error, unit * search.estimated_error_)
    of_folds = unit * np.hypot(error, apart)
    low, high = found.interval
    assert of_folds.min() * (1 - 1e-9) <= low <= found.error <= high <= of_folds.max() * (1 + 1e-9)
    residuals = search.predict(X[60:90], domain="source").reshape(30, -1) - y[60:90]
    by_output = np.sqrt(np.mean((residuals / y[60:90].std(axis=0)) ** 2))
    one = np.sqrt(np.mean(residuals**2))
    assert_allclose(found.source_error, one if y.shape[1] == 1 else by_output)
    weighted = estimate_error(search, X[60:90], y[60:90], X_TARGET[:60], method="importance")
    assert weighted.method == "importance"


def test_a_seed_fixes_the_interval():
    def interval(seed):
        return estimate_error(Zero(), X, X[:, 0], X_TARGET, random_state=seed).interval

    assert_array_equal(interval(0), interval(0))
    assert not np.array_equal(interval(0), interval(1))


def test_repr_and_messages():
    found = ErrorEstimate(12.3456, np.array([10.0, 14.5]), 3.25, "importance", 0.9)
    assert repr(found) == (
        "ErrorEstimate(12.35, 90% interval [10, 14.5], importance; on the source 3.25)"
    )
    with pytest.raises(ValueError, match=r"method='disagreement' compares .* Got Zero. Pass a"):
        estimate_error(Zero(), X, X[:, 0], X_TARGET, method="disagreement")
    with pytest.raises(ValueError, match="The 'method' parameter of estimate_error must be"):
        estimate_error(Zero(), X, X[:, 0], X_TARGET, method="oracle")
    clf = DANNClassifier(max_epochs=1).fit(X, X[:, 0] > 0, X_TARGET)
    with pytest.raises(ValueError, match=r"Got DANNClassifier, a classifier: use .*estimate_acc"):
        estimate_error(clf, X, X[:, 0] > 0, X_TARGET)
    with pytest.raises(ValueError, match="NaN"):
        estimate_error(Zero(), X, np.full(600, np.nan), X_TARGET)


@pytest.mark.parametrize("rows", [None, (row for row in [[0.0]])])
def test_rows_that_are_none_are_named(rows):
    fitted = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises((TypeError, ValueError), match=r"^X_source is"):
        estimate_error(fitted, rows, [0.0], [[0.0]])
