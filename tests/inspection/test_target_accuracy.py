"""Accuracy on the target, without its labels."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from skda import DANNClassifier
from skda.inspection import AccuracyEstimate, estimate_accuracy
from skda.inspection._accuracy_methods import METHODS
from skda.model_selection import (
    LambdaSearchCV,
    density_ratio,
    importance_weighted_accuracy,
    thresholded_accuracy,
)
from skda.priors import apply_temperature, bbse_priors, fit_temperature
from tests.shifted import shifted


class Known:
    """The exact probabilities of two classes whose rows lie at -1 and 1."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        return np.stack([expit(-2 * X[:, 0]), expit(2 * X[:, 0])], axis=1)


def rows(n_rows, centre, rng):
    """Rows around `centre`, labelled by the exact probabilities: covariate shift alone."""
    X = rng.normal(centre, 1, size=(n_rows, 1))
    return X, Known.classes_[(rng.uniform(size=n_rows) < expit(2 * X[:, 0])).astype(int)]


@cache
def data():
    rng = np.random.default_rng(0)
    return *rows(600, 0.0, rng), *rows(600, 1.0, rng)


def estimate(method, **options):
    X, y, X_target, _ = data()
    options = {"n_bootstrap": 40, "random_state": 0, **options}
    return estimate_accuracy(Known(), X, y, X_target, method=method, **options)


@pytest.mark.parametrize("method", ["importance", "confidence", "weighted_confidence", "auto"])
def test_the_accuracy_lies_in_the_interval_where_the_shift_is_one_of_covariates(method):
    X, y, X_target, y_target = data()
    found = estimate(method)
    truth = ((X_target[:, 0] > 0) == (y_target == "yes")).mean()
    assert found.source_accuracy == ((X[:, 0] > 0) == (y == "yes")).mean()
    assert truth > found.source_accuracy + 0.03
    assert found.interval[0] < truth < found.interval[1]
    assert abs(found.accuracy - truth) < 0.03
    assert found.interval[1] - found.interval[0] < 0.12


def test_each_method_is_that_of_the_functions_on_arrays():
    X, y, X_target, _ = data()
    clf, columns = Known(), (y == "yes").astype(int)
    source, target = clf.predict_proba(X), clf.predict_proba(X_target)
    ratio = density_ratio(X, X_target)
    recall = [(source.argmax(axis=1) == c)[columns == c].mean() for c in (0, 1)]
    weighted = fit_temperature(source, columns, sample_weight=ratio)
    expected = {
        "atc_entropy": thresholded_accuracy(y, source, target, clf.classes_),
        "atc_confidence": thresholded_accuracy(y, source, target, clf.classes_, score="confidence"),
        "confidence": apply_temperature(target, fit_temperature(source, columns)).max(1).mean(),
        "weighted_confidence": apply_temperature(target, weighted).max(axis=1).mean(),
        "importance": importance_weighted_accuracy(columns, source.argmax(axis=1), ratio),
        "class_shares": bbse_priors(source, columns, target) @ recall,
    }
    assert set(expected) == set(METHODS)
    for method, value in expected.items():
        assert_allclose(estimate(method, n_bootstrap=1).accuracy, value, rtol=1e-9)


def test_a_search_gives_the_agreement_of_its_folds():
    small = shifted(60, 60, n_classes=3)
    search = LambdaSearchCV(DANNClassifier(max_epochs=3), lams=[1.0], cv=3, random_state=0)
    search.fit(small.X[::2], small.y[::2], small.X_target)
    table, best = search.cv_results_, search.best_index_
    arguments = search, small.X[1::2], small.y[1::2], small.X_target
    plain = estimate_accuracy(*arguments, method="stability", random_state=0)
    assert_allclose(plain.accuracy, table["mean_target_stability"][best])
    found = estimate_accuracy(*arguments, random_state=0)
    assert found.method == "stability_times_source"
    folds = [
        table[f"split{k}_target_stability"][best] * table[f"split{k}_source_accuracy"][best]
        for k in range(3)
    ]
    assert_allclose(found.accuracy, np.mean(folds))
    assert min(folds) <= found.interval[0] <= found.accuracy <= found.interval[1] <= max(folds)


def test_a_seed_fixes_the_interval():
    first = estimate("atc_entropy").interval
    assert_array_equal(first, estimate("atc_entropy").interval)
    assert not np.array_equal(first, estimate("atc_entropy", random_state=1).interval)


def test_repr_and_messages():
    found = AccuracyEstimate(0.8, np.array([0.7, 0.9]), 0.95, "importance", 0.9)
    assert repr(found) == (
        "AccuracyEstimate(0.800, 90% interval [0.700, 0.900], importance; on the source 0.950)"
    )
    with pytest.raises(
        ValueError, match=r"method='stability' compares .* Got Known. Pass a search"
    ):
        estimate("stability")
    with pytest.raises(ValueError, match="The 'method' parameter of estimate_accuracy must be"):
        estimate("oracle")
    with pytest.raises(ValueError, match=r"not in 'classes': \['maybe'\]"):
        estimate_accuracy(
            Known(), np.zeros((1, 1)), ["maybe"], np.zeros((1, 1)), method="confidence"
        )
