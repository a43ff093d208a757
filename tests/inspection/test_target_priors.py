"""Shares of the classes in the target, with a fitted classifier."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skda import DANNClassifier
from skda.inspection import TargetPriors, estimate_target_priors
from skda.priors import bbse_priors, confusion_matrix_of_shares, mlls_priors
from tests.shifted import shifted

NAMES = np.array(["left", "middle", "right"])


def rows(shares, rng):
    """400 Gaussian rows with exactly these shares of three classes."""
    y = np.repeat(np.arange(3), np.round(np.multiply(shares, 400)).astype(int))
    return rng.normal(size=(len(y), 3)) + 1.5 * np.eye(3)[y], NAMES[y]


class Known:
    """The exact probabilities for equal shares, as a fitted classifier."""

    classes_ = NAMES

    def predict_proba(self, X):
        odds = np.exp(1.5 * X)
        return odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("method", ["bbse", "mlls"])
def test_known_shares_lie_in_the_interval(method):
    shares, inside = np.array([0.7, 0.3, 0.0]), []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        (X, y), (X_target, _) = rows([0.25, 0.25, 0.5], rng), rows(shares, rng)
        found = estimate_target_priors(
            Known(), X, y, X_target, method=method, n_bootstrap=40, random_state=seed
        )
        assert_allclose(found.priors, shares, atol=0.13)
        assert (found.interval[0] <= found.priors + 1e-6).all()
        assert (found.interval[1] >= found.priors - 1e-6).all()
        inside.append((found.interval[0] <= shares + 1e-3) & (shares <= found.interval[1] + 1e-3))
    assert np.mean(inside) > 0.8
    assert (found.interval[1] - found.interval[0]).max() < 0.3


def test_the_result_is_of_the_functions_on_arrays():
    rng = np.random.default_rng(0)
    (X, y), (X_target, _) = rows([0.25, 0.25, 0.5], rng), rows([0.5, 0.25, 0.25], rng)
    clf = LogisticRegression().fit(X[::2], y[::2])
    arrays = clf.predict_proba(X[1::2]), y[1::2], clf.predict_proba(X_target)
    for method, function in (("bbse", bbse_priors), ("mlls", mlls_priors)):
        found = estimate_target_priors(
            clf, X[1::2], y[1::2], X_target, method=method, n_bootstrap=2, random_state=0
        )
        assert_allclose(found.priors, function(*arrays), rtol=1e-12)
    assert_array_equal(found.classes, NAMES)
    assert_allclose(found.priors_source, [0.25, 0.25, 0.5])
    matrix = confusion_matrix_of_shares(*arrays[:2])
    assert_allclose(found.condition_number, np.linalg.cond(matrix))


def test_a_seed_fixes_the_interval_and_confidence_widens_it():
    rng = np.random.default_rng(1)
    (X, y), (X_target, _) = rows([0.25, 0.25, 0.5], rng), rows([0.5, 0.25, 0.25], rng)

    def interval(**options):
        return estimate_target_priors(Known(), X, y, X_target, n_bootstrap=50, **options).interval

    first = interval(random_state=0)
    assert_array_equal(first, interval(random_state=0))
    assert not np.array_equal(first, interval(random_state=1))
    narrow = interval(random_state=0, confidence=0.5)
    assert (narrow[1] - narrow[0] < first[1] - first[0]).all()


def test_source_rows_are_predicted_as_source_rows():
    data = shifted(60, 60, n_classes=3)
    clf = DANNClassifier(max_epochs=2, random_state=0).fit(data.X[::2], data.y[::2], data.X_target)
    held_out = data.X[1::2], data.y[1::2]
    source = clf.predict_proba(held_out[0], domain="source")
    assert not np.allclose(source, clf.predict_proba(held_out[0]))
    expected = bbse_priors(
        source, held_out[1], clf.predict_proba(data.X_target), classes=clf.classes_
    )
    found = estimate_target_priors(clf, *held_out, data.X_target, n_bootstrap=1)
    assert_allclose(found.priors, expected, rtol=1e-12)


def test_pipelines_and_the_tuple_of_metadata_routing():
    data = shifted(60, 60)
    scaled = StandardScaler().fit(data.X)
    pipe = make_pipeline(scaled, LogisticRegression()).fit(data.X, data.y)
    found = estimate_target_priors(pipe, data.X, data.y, (data.X_target,), n_bootstrap=1)
    arrays = (pipe.predict_proba(each) for each in (data.X, data.X_target))
    source, target = arrays
    assert_allclose(found.priors, bbse_priors(source, data.y, target))


def test_one_target_row_says_nothing_and_no_row_of_a_class_is_an_error():
    rng = np.random.default_rng(2)
    X, y = rows([0.25, 0.25, 0.5], rng)
    found = estimate_target_priors(Known(), X, y, X[:1], n_bootstrap=3)
    assert_array_equal(found.interval, [[0, 0, 0], [1, 1, 1]])
    with pytest.raises(ValueError, match="y_source must have a row of every class"):
        estimate_target_priors(Known(), X[y != "middle"], y[y != "middle"], X)


def test_repr_is_a_table():
    found = TargetPriors(
        NAMES[:2],
        np.array([0.9, 0.1]),
        np.array([[0.8, 0.05], [0.95, 0.2]]),
        np.array([0.5, 0.5]),
        12.34,
        0.9,
    )
    lines = repr(found).splitlines()
    assert lines[1].split() == ["class", "share", "90%", "interval", "source"]
    assert lines[2].split() == ["left", "0.900", "[0.800,", "0.950]", "0.500"]
    assert lines[-1] == "condition number of the confusion matrix: 12.3"
    assert len({len(line) for line in lines[1:4]}) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "em"}, "The 'method' parameter of estimate_target_priors must be"),
        ({"n_bootstrap": 0}, "The 'n_bootstrap' parameter of estimate_target_priors must be"),
        ({"confidence": 1.0}, re.escape("in the range (0.0, 1.0)")),
        ({"estimator": LinearSVC()}, "The 'estimator' parameter of estimate_target_priors must"),
    ],
)
def test_messages(options, message):
    X, y = rows([0.25, 0.25, 0.5], np.random.default_rng(3))
    arguments = {"estimator": Known(), "X_source": X, "y_source": y, "X_target": X, **options}
    with pytest.raises(ValueError, match=message):
        estimate_target_priors(**arguments)
