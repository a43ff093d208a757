"""Labels and classes as users give them, to every estimate of the shares."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import DataConversionWarning

from skda.priors import (
    apply_temperature,
    bbse_priors,
    correct_probabilities,
    label_shift_fit,
    match_confidence,
    mlls_priors,
)
from tests.priors.shares import draw

ESTIMATES = [bbse_priors, mlls_priors, lambda *given, **kw: label_shift_fit(*given, **kw).shares]


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    y, source = draw(60, [0.4, 0.6], rng)
    return source, y, draw(40, [0.7, 0.3], rng)[1]


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_a_frame_of_one_column_is_a_vector(estimate, rows):
    source, y, target = rows
    expected = estimate(source, y, target)
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        found = estimate(source, pd.DataFrame({"y": y}), target)
    assert_array_equal(found, expected)
    names = np.array(["no", "yes"])
    for labels in (names[y].tolist(), pd.Series(names[y], dtype="category")):
        assert_array_equal(estimate(source, labels, target, classes=["no", "yes"]), expected)


@pytest.mark.parametrize("estimate", ESTIMATES)
def test_classes_name_each_column_once(estimate, rows):
    source, y, target = rows
    with pytest.raises(ValueError, match=r"'classes' must name each column once.* Got \[0, 0\]"):
        estimate(source, y, target, classes=[0, 0])
    with pytest.raises(ValueError, match=r"y_source holds labels that are not in 'classes': \[0"):
        estimate(source, y, target, classes=["0", "1"])
    with pytest.raises(ValueError, match="classes contains NaN, None or another missing label"):
        estimate(source, y, target, classes=["0", None])


NUMBERS = {
    "ridge": (lambda rows, v: bbse_priors(*rows, ridge=v), "a float in the range [0, inf)"),
    "max_iter": (lambda rows, v: mlls_priors(*rows, max_iter=v), "an int in the range [0, inf)"),
    "tol": (lambda rows, v: mlls_priors(*rows, tol=v), "a float in the range [0, inf)"),
    "temperature": (lambda rows, v: apply_temperature(rows[0], v), "a float in the range (0, inf)"),
    "confidence": (lambda rows, v: match_confidence(rows[0], v), "a float in the range (0, 1]"),
}


@pytest.mark.parametrize("value", ["1", None, [1.0], -1, np.nan, np.inf])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_that_are_none_are_refused(name, value, rows):
    estimate, allowed = NUMBERS[name]
    message = rf"^{name} must be {re.escape(allowed)}\. Got {re.escape(repr(value))} instead\.$"
    with pytest.raises(ValueError, match=message):
        estimate(rows, value)


def test_shares_that_are_no_numbers_are_named(rows):
    with pytest.raises(ValueError, match=r"^priors_source: could not convert string to float: 'a'"):
        correct_probabilities(rows[0], ["a", 0.5], [0.5, 0.5])
    with pytest.raises(TypeError, match=r"^priors_target: "):
        correct_probabilities(rows[0], [0.5, 0.5], {0.5})
