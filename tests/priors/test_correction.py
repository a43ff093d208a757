"""Probabilities for other shares of the classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skda.priors import correct_probabilities
from tests.priors.shares import draw


def test_correction_equals_a_loop():
    rng = np.random.default_rng(0)
    _, proba = draw(20, [0.2, 0.3, 0.5], rng, distance=1.0)
    source, target = [0.2, 0.3, 0.5], [0.6, 0.0, 0.4]
    found = correct_probabilities(proba, source, target)
    for row, of_row in zip(proba, found, strict=True):
        odds = [p * t / s for p, t, s in zip(row, target, source, strict=True)]
        assert_allclose(of_row, [each / sum(odds) for each in odds], rtol=1e-10)


def test_there_and_back():
    _, proba = draw(20, [0.5, 0.5], np.random.default_rng(1))
    there = correct_probabilities(proba, [0.5, 0.5], [0.9, 0.1])
    assert_allclose(correct_probabilities(there, [0.9, 0.1], [0.5, 0.5]), proba, rtol=1e-10)


def test_corrected_predictions_are_better_where_the_shares_are_right():
    y, proba = draw(4000, [0.9, 0.1], np.random.default_rng(2), distance=0.5)
    corrected = correct_probabilities(proba, [0.5, 0.5], [0.9, 0.1])
    before, after = ((each.argmax(axis=1) == y).mean() for each in (proba, corrected))
    assert after > before + 0.1
    assert_allclose(corrected.mean(axis=0), [0.9, 0.1], atol=0.02)


def test_a_row_that_is_sure_of_a_class_without_a_share():
    found = correct_probabilities([[1.0, 0.0, 0.0]], [0.4, 0.3, 0.3], [0.0, 0.4, 0.6])
    assert_allclose(found, [[0, 0.4, 0.6]])


def test_a_class_that_neither_domain_has():
    found = correct_probabilities([[0.5, 0.5, 0.0]], [0.5, 0.5, 0.0], [0.2, 0.8, 0.0])
    assert_array_equal(found[:, 2], 0)


def test_shares_by_label_are_put_in_the_order_of_the_labels():
    by_label = pd.Series([0.9, 0.1], index=["usual", "rare"])
    expected = correct_probabilities([[0.5, 0.5]], [0.5, 0.5], [0.1, 0.9])
    for target in (by_label, by_label.to_dict()):
        assert_array_equal(correct_probabilities([[0.5, 0.5]], [0.5, 0.5], target), expected)
        equal = {"rare": 0.5, "usual": 0.5}
        assert_array_equal(correct_probabilities([[0.5, 0.5]], equal, target), expected)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        (
            {"a": 0.5, "b": 0.5},
            pd.Series([0.5, 0.5], index=["a", "c"]),
            r"must have the same labels. Got \['a', 'b'\] and \['a', 'c'\]",
        ),
        ([0.5, 0.5], {"a": 1.0}, "priors_target must have one share for each of the 2 classes"),
        ([1.0], [0.5, 0.5], r"priors_source must have one share .* 2 classes. Got .* shape \(1,\)"),
        ([0.5, 0.5], [0.5, 0.6], r"priors_target must be shares .* whose sum is 1.1"),
        ([1.5, -0.5], [0.5, 0.5], "priors_source must be shares of at least 0"),
        ([1.0, 0.0], [0.5, 0.5], r"columns \[1\], which have none in priors_source"),
        ([np.nan, 1.0], [0.5, 0.5], "priors_source must be shares"),
    ],
)
def test_messages(source, target, message):
    with pytest.raises(ValueError, match=message):
        correct_probabilities([[0.5, 0.5]], source, target)
