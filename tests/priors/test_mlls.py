"""Shares by maximum likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from skda.priors import mlls_priors
from tests.priors.shares import draw, sharpened


def naive_em(target, source_priors, n_steps):
    priors = list(source_priors)
    for _ in range(n_steps):
        total = [0.0] * len(priors)
        for row in target:
            weighted = [p * q / s for p, q, s in zip(row, priors, source_priors, strict=True)]
            for j, value in enumerate(weighted):
                total[j] += value / sum(weighted) / len(target)
        priors = total
    return priors


def test_steps_equal_a_loop():
    rng = np.random.default_rng(0)
    (y, source), (_, target) = draw(30, [0.4, 0.3, 0.3], rng), draw(20, [0.1, 0.1, 0.8], rng)
    found = mlls_priors(source, y, target, calibration=None, max_iter=7, tol=0)
    assert_allclose(found, naive_em(target, source.mean(axis=0), 7), rtol=1e-10)


@pytest.mark.parametrize("shares", [[0.1, 0.2, 0.7], [0.0, 0.5, 0.5]])
def test_it_converges_to_the_most_likely_shares(shares):
    rng = np.random.default_rng(1)
    y, source = draw(60, [0.3, 0.3, 0.4], rng, distance=1.0)
    _, target = draw(100, shares, rng, distance=1.0)

    def minus_likelihood(logits):
        q = np.exp(logits) / np.exp(logits).sum()
        return -np.log(target @ (q / source.mean(axis=0))).sum()

    logits = minimize(minus_likelihood, np.zeros(3), tol=1e-10).x
    found = mlls_priors(source, y, target, calibration=None)
    assert_allclose(found, np.exp(logits) / np.exp(logits).sum(), atol=2e-3)


def test_one_row_of_two_classes_is_all_of_the_more_likely_one():
    found = mlls_priors([[0.8, 0.2], [0.2, 0.8]], [0, 1], [[0.6, 0.4]], calibration=None)
    assert_allclose(found, [1, 0], atol=1e-4)


@pytest.mark.parametrize("calibration", ["bias_corrected", "temperature"])
def test_calibration_makes_up_for_probabilities_that_are_too_sure(calibration):
    rng = np.random.default_rng(2)
    y, source = draw(4000, [0.25] * 4, rng, distance=1.0)
    shares = [0.7, 0.1, 0.1, 0.1]
    _, target = draw(4000, shares, rng, distance=1.0, counted=True)
    wrong = sharpened(source, 4.0), y, sharpened(target, 4.0)
    right = np.abs(mlls_priors(*wrong, calibration=calibration) - shares).max()
    assert right < 0.06 < 0.12 < np.abs(mlls_priors(*wrong, calibration=None) - shares).max()


def test_no_shift_is_a_fixed_point():
    y, source = draw(200, [0.2, 0.8], np.random.default_rng(3))
    assert_allclose(mlls_priors(source, y, source), np.bincount(y) / 200, atol=0.01)


def test_a_class_that_is_never_predicted_and_rows_without_any_doubt():
    source = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]])
    found = mlls_priors(source, [0, 1, 2], [[1, 0, 0], [1, 0, 0]])
    assert np.isfinite(found).all()
    assert_allclose(found, [1, 0, 0], atol=0.1)


def test_string_labels_with_their_columns():
    rng = np.random.default_rng(4)
    (y, source), (_, target) = draw(30, [0.5, 0.5], rng), draw(30, [0.1, 0.9], rng)
    names = np.array(["z", "a"])
    assert_allclose(
        mlls_priors(source, names[y], target, classes=names), mlls_priors(source, y, target)
    )


def test_messages():
    with pytest.raises(ValueError, match=r"calibration must be one of \('bias_corrected'"):
        mlls_priors(np.eye(2), [0, 1], np.eye(2), calibration="isotonic")
    with pytest.raises(ValueError, match=r"has none of the classes in columns \[1\]"):
        mlls_priors(np.eye(2), [0, 0], np.eye(2), classes=[0, 1])
    with pytest.raises(ValueError, match="probabilities_target has 3 columns"):
        mlls_priors(np.eye(2), [0, 1], np.eye(3))
