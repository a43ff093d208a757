"""Temperature, biases, and the error of calibration."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar

from skda.priors import (
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    match_confidence,
)
from skda.priors._calibration import fit_calibration
from tests.priors.shares import draw, sharpened


def naive_loss(proba, y, temperature, weights):
    total = 0.0
    for row, label, weight in zip(proba, y, weights, strict=True):
        powers = [p ** (1 / temperature) for p in row]
        total -= weight * np.log(powers[label] / sum(powers))
    return total / sum(weights)


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_temperature_has_the_least_loss(power):
    rng = np.random.default_rng(0)
    y, proba = draw(300, [0.2, 0.3, 0.5], rng, distance=1.0)
    wrong, weights = sharpened(proba, power), rng.uniform(0.1, 2, size=len(y))
    best = minimize_scalar(
        lambda log_t: naive_loss(wrong, y, np.exp(log_t), weights), bounds=(-3, 3)
    )
    found = fit_temperature(wrong, y, sample_weight=weights)
    # the ridge keeps it off the optimum by some tenths of a percent
    assert_allclose(found, np.exp(best.x), rtol=0.03)
    assert_allclose(found, fit_temperature(wrong, y, sample_weight=7 * weights), rtol=1e-4)


def test_known_temperature_is_found():
    y, proba = draw(20_000, [0.25] * 4, np.random.default_rng(1), distance=1.0)
    assert_allclose(fit_temperature(sharpened(proba, 2.5), y), 2.5, rtol=0.05)
    back = apply_temperature(sharpened(proba, 2.5), 2.5)
    assert_allclose(back, proba, rtol=1e-8)


def test_two_values_have_a_closed_form():
    # confidence c is right in a share a of the rows: 1 / T is logit(a) / logit(c)
    sure = np.array([[0.99, 0.01]] * 4000)
    expected = np.log(0.99 / 0.01) / np.log(0.8 / 0.2)
    assert_allclose(fit_temperature(sure, [0] * 3200 + [1] * 800), expected, rtol=1e-3)


def test_weights_count_rows():
    y, proba = draw(40, [0.5, 0.5], np.random.default_rng(2), distance=0.7)
    times = np.arange(40) % 3
    repeated = fit_calibration(proba.repeat(times, axis=0), y.repeat(times), biased=True)
    weighted = fit_calibration(proba, y, biased=True, sample_weight=times.astype(float))
    # the effective number of rows in the ridge is not the same
    assert_allclose(weighted.temperature, repeated.temperature, rtol=0.05)
    assert_allclose(weighted.biases, repeated.biases, atol=0.05)


def test_biases_make_the_mean_probabilities_the_shares():
    rng = np.random.default_rng(3)
    y, proba = draw(5000, [0.6, 0.3, 0.1], rng, distance=1.0)  # probabilities of equal shares
    calibrate = fit_calibration(proba, y, biased=True)
    assert_allclose(calibrate(proba).mean(axis=0), np.bincount(y) / len(y), atol=1e-3)
    assert_allclose(calibrate.biases - calibrate.biases[0], np.log([1, 1 / 2, 1 / 6]), atol=0.15)


def test_no_error_at_all_stays_finite():
    temperature = fit_temperature(np.eye(3)[[0, 1, 2, 0]], [0, 1, 2, 0])
    assert_allclose(temperature, 1.0)
    nearly = fit_temperature([[0.6, 0.4], [0.4, 0.6]] * 50, [0, 1] * 50)
    assert 1e-3 < nearly < 0.2


def test_calibration_error_equals_a_loop_over_bins():
    y, proba = draw(200, [0.3, 0.7], np.random.default_rng(4), distance=0.5)
    hits, confidence = proba.argmax(axis=1) == y, proba.max(axis=1)
    expected = 0.0
    for m in range(10):
        of_bin = (confidence >= m / 10) & (confidence < (m + 1) / 10)
        if of_bin.any():
            gap = abs(hits[of_bin].mean() - confidence[of_bin].mean())
            expected += gap * of_bin.sum() / len(y)
    assert_allclose(expected_calibration_error(y, proba, n_bins=10), expected, rtol=1e-9)
    assert expected_calibration_error(y, np.eye(2)[y]) == 0
    assert expected_calibration_error(y, np.eye(2)[1 - y]) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: apply_temperature(np.eye(2), 0), r"range \(0, inf\). Got 0"),
        (lambda: fit_temperature(np.eye(2), [0, 1], sample_weight=[0, 0]), "must not all be 0"),
        (lambda: fit_temperature(np.eye(2), [0, 1], sample_weight=[1]), "sample_weight has 1"),
        (lambda: expected_calibration_error([0, 1], np.eye(2), n_bins=0), "n_bins must be an int"),
        (lambda: fit_temperature([[2.0, 3.0]], [0]), "probabilities must hold class probabilities"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_confidence_that_was_asked_for_is_matched():
    _, proba = draw(300, [0.2, 0.3, 0.5], np.random.default_rng(0), distance=1.0)
    for wanted in (0.4, 0.7, 0.99):
        powers = proba ** (1 / match_confidence(proba, wanted))
        assert_allclose((powers.max(axis=1) / powers.sum(axis=1)).mean(), wanted, rtol=1e-6)
    assert match_confidence(proba, 0.2) == 1000.0  # less than one in three
    assert match_confidence(proba, 1.0) < 0.1


@pytest.mark.parametrize("confidence", [0, 1.5, float("nan")])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(ValueError, match=r"confidence must be a float in the range \(0, 1\]\. Got"):
        match_confidence([[0.5, 0.5]], confidence)
