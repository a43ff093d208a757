"""Temperature for the target."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from skda import DANNClassifier
from skda.inspection import estimate_target_temperature
from skda.model_selection import LambdaSearchCV, density_ratio
from skda.priors import apply_temperature, expected_calibration_error, fit_temperature
from tests.shifted import shifted


class TooSureToTheRight:
    """Probabilities that are exact left of 0, and of three times the logit right of it."""

    classes_ = np.array([0, 1])

    def predict_proba(self, X):
        logit = np.where(X[:, 0] > 0, 3.0, 1.0) * X[:, 0]
        return np.stack([expit(-logit), expit(logit)], axis=1)


def rows(n_rows, centre, rng):
    X = rng.normal(centre, 1, size=(n_rows, 1))
    return X, (rng.uniform(size=n_rows) < expit(X[:, 0])).astype(int)


def test_it_is_that_of_the_rows_where_the_target_lies():
    rng = np.random.default_rng(0)
    (X, y), (X_target, y_target) = rows(3000, -0.5, rng), rows(3000, 1.5, rng)
    clf = TooSureToTheRight()
    found = estimate_target_temperature(clf, X, y, X_target)
    plain = fit_temperature(clf.predict_proba(X), y)
    assert found > plain + 0.3

    def error(temperature):
        proba = apply_temperature(clf.predict_proba(X_target), temperature)
        return expected_calibration_error(y_target, proba)

    assert error(found) < error(plain) - 0.02 < error(1.0) - 0.04
    weights = density_ratio(X, X_target)
    assert_allclose(found, fit_temperature(clf.predict_proba(X), y, sample_weight=weights))


def test_source_rows_are_those_of_the_source():
    data = shifted(60, 60, n_classes=3)
    clf = DANNClassifier(max_epochs=2, random_state=0).fit(data.X[::2], data.y[::2], data.X_target)
    X, y = data.X[1::2], data.y[1::2]
    features = clf.transform(X, domain="source"), clf.transform(data.X_target)
    expected = fit_temperature(
        clf.predict_proba(X, domain="source"), y, sample_weight=density_ratio(*features)
    )
    assert_allclose(estimate_target_temperature(clf, X, y, data.X_target), expected)


def test_it_is_that_of_the_probabilities_of_a_calibrated_search():
    rng = np.random.default_rng(0)
    (X, y), (X_held, y_held), (X_target, _) = (rows(200, centre, rng) for centre in (0, 0, 0.5))
    clf = DANNClassifier(max_epochs=2, random_state=0)
    search = LambdaSearchCV(clf, lams=[0.1], cv=2, random_state=0, calibrate=True)
    search.fit(X, y, X_target)
    search.temperature_ = 3.0
    of_search = estimate_target_temperature(search, X_held, y_held, X_target)
    best = search.best_estimator_
    of_best = estimate_target_temperature(best, X_held, y_held, X_target)
    assert_allclose(of_search, of_best / 3)
    pipe = make_pipeline(FunctionTransformer(), search)
    assert_allclose(estimate_target_temperature(pipe, X_held, y_held, X_target), of_search)
    expected = apply_temperature(best.predict_proba(X_target), of_best)
    for each in (search, pipe):
        found = apply_temperature(each.predict_proba(X_target), of_search)
        assert_allclose(found.max(axis=1).mean(), expected.max(axis=1).mean(), rtol=1e-5)
        assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_messages():
    with pytest.raises(ValueError, match="The 'estimator' parameter of estimate_target_temperat"):
        estimate_target_temperature(LinearSVC(), [[0]], [0], [[0]])
    rng = np.random.default_rng(0)
    X, y = rows(20, 0, rng)
    with pytest.raises(ValueError, match=r"not in 'classes': \[2\]"):
        estimate_target_temperature(TooSureToTheRight(), X, y + 1, X)
