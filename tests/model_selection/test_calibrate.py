"""LambdaSearchCV(calibrate=True): mean confidence on target rows equals the estimated accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skda
from skda import DANNClassifier, DANNRegressor
from skda.model_selection import LambdaSearchCV
from tests.model_selection.fakes import CenteringClassifier, shifted_blobs

X, Y, X_TARGET, _ = shifted_blobs()
SMALL = {"max_epochs": 2, "batch_size": 32, "module__hidden": (6,), "random_state": 0}


class Sure(CenteringClassifier):
    """Is wrong on a tenth of the source rows, and certain of every row."""

    def predict_proba(self, X: Any, domain: str = "target") -> np.ndarray:
        rows = np.asarray(X)
        wrong = np.arange(len(rows)) % 10 == 0 if domain == "source" else False
        right = (rows[:, 0] > 0) ^ wrong
        return np.where(right[:, None], [0.02, 0.98], [0.98, 0.02])


class Modest(Sure):
    """Is uncertain of every row."""

    def predict_proba(self, X: Any, domain: str = "target") -> np.ndarray:
        return np.where(super().predict_proba(X, domain) > 0.5, 0.6, 0.4)


def search(estimator: Any, **options: Any) -> LambdaSearchCV:
    options = {"cv": 2, "random_state": 0, "validator": "infomax", **options}
    return LambdaSearchCV(estimator, [1.0], **options)


def test_target_rows_are_as_sure_as_the_search_is_right() -> None:
    found = search(Sure(), calibrate=True).fit(X, Y, X_TARGET)
    wanted = found.estimated_accuracy_
    assert 0.85 < wanted < 0.95
    # two classes: the logit of the confidence is divided by the temperature
    logit = np.log(0.98 / 0.02)
    assert found.temperature_ == pytest.approx(logit / np.log(wanted / (1 - wanted)), rel=1e-6)
    assert_allclose(found.predict_proba(X_TARGET).max(axis=1), wanted, rtol=1e-6)
    assert_allclose(found.predict_proba(X, domain="source").max(axis=1), 0.98)
    assert_array_equal(found.predict(X_TARGET), found.best_estimator_.predict(X_TARGET))


def test_a_model_that_is_less_sure_than_it_is_right_stays_as_it_is() -> None:
    found = search(Modest(), calibrate=True).fit(X, Y, X_TARGET)
    assert found.estimated_accuracy_ > 0.85
    assert found.temperature_ == 1.0
    assert_allclose(found.predict_proba(X_TARGET).max(axis=1), 0.6)


def test_into_an_array_after_loading_and_after_another_fit(tmp_path: Any) -> None:
    found = search(DANNClassifier(**SMALL), calibrate=True).fit(X, Y, X_TARGET)
    found.temperature_ = 2.0
    expected = found.predict_proba(X_TARGET)
    logits = found.decision_function(X_TARGET) / 2
    assert_allclose(expected[:, 1], 1 / (1 + np.exp(-logits)), rtol=1e-5)
    out = np.empty((len(X_TARGET), 2), dtype=np.float32)
    assert found.predict_proba(X_TARGET, out=out) is out
    assert_array_equal(out, expected)
    found.save(tmp_path / "search.skda")
    assert_array_equal(skda.load(tmp_path / "search.skda").predict_proba(X_TARGET), expected)
    found.set_params(calibrate=False).fit(X, Y, X_TARGET)
    assert not hasattr(found, "temperature_")


def test_calibrate_is_refused_before_the_first_training() -> None:
    with pytest.raises(ValueError, match=r"'calibrate' parameter .* is for classifiers"):
        search(DANNRegressor(**SMALL), validator="auto", calibrate=True).fit(X, X[:, 0], X_TARGET)
    with pytest.raises(ValueError, match=r"Got refit=False\. Pass refit=True"):
        search(DANNClassifier(**SMALL), calibrate=True, refit=False).fit(X, Y, X_TARGET)
    with pytest.raises(ValueError, match=r"'calibrate' parameter of LambdaSearchCV must be"):
        search(DANNClassifier(**SMALL), calibrate="importance").fit(X, Y, X_TARGET)
