"""Covariate shift: p(x) changes as the parameters say, p(y | x) does not change."""

import math
import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from skda.datasets import make_covariate_shift

PARTS = ("source", "target", "target_test")


@pytest.fixture(scope="module")
def large():
    return make_covariate_shift(50_000, 50_000, n_target_test=50_000, random_state=0)


def posterior(row):
    return 1 / (1 + math.exp(-4 * (row[1] - row[0] ** 2 / 2 + 0.75)))


@pytest.mark.parametrize("part", PARTS)
def test_one_posterior_holds_in_every_part(part):
    data = make_covariate_shift(shift=2.0, random_state=0)
    expected = [posterior(row) for row in data[f"X_{part}"]]
    assert_allclose(data[f"proba_{part}"], expected, rtol=1e-12)


@pytest.mark.parametrize("part", PARTS)
def test_labels_are_drawn_from_the_posterior(large, part):
    y, probability = large[f"y_{part}"], large[f"proba_{part}"]
    edges = np.linspace(0, 1, 11)
    for low, high in pairwise(edges):
        inside = (probability >= low) & (probability < high)
        variance = (probability * (1 - probability))[inside].sum()
        assert inside.sum() > 500
        assert abs((y - probability)[inside].sum()) < 4 * math.sqrt(variance)


def test_only_the_first_mean_moves(large):
    for part, mean in zip(PARTS, (-0.75, 0.75, 0.75), strict=True):
        X = large[f"X_{part}"]
        assert_allclose(X.mean(axis=0), [mean, 0, 0, 0, 0], atol=0.02)
        assert_allclose(np.cov(X.T), np.eye(5), atol=0.02)


def test_classes_are_equally_common_in_both_domains(large):
    shares = [large[f"y_{part}"].mean() for part in PARTS]
    assert np.ptp(shares) < 0.01
    assert 0.5 < shares[0] < 0.57


def test_density_ratio_is_that_of_the_two_normals():
    data = make_covariate_shift(shift=1.2, random_state=0)
    x = data.X_source[:, 0]
    expected = norm(0.6).pdf(x) / norm(-0.6).pdf(x)
    assert_allclose(data.density_ratio_source, expected, rtol=1e-12)


def test_density_ratio_carries_source_means_over_to_the_target():
    # with the default shift the weighted mean of 50000 rows would be too noisy
    large = make_covariate_shift(50_000, 50_000, shift=1.0, random_state=0)
    weights = large.density_ratio_source
    for statistic in (lambda X: X[:, 0], lambda X: np.cos(X[:, 0] + X[:, 1])):
        carried = np.average(statistic(large.X_source), weights=weights)
        assert carried == pytest.approx(statistic(large.X_target).mean(), abs=0.03)


def test_bayes_labels_are_right_nine_times_in_ten(large):
    for part in PARTS:
        accuracy = ((large[f"proba_{part}"] > 0.5) == large[f"y_{part}"]).mean()
        assert accuracy == pytest.approx(0.89, abs=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_a_linear_model_fails_on_the_target_and_weighting_mends_it(seed):
    data = make_covariate_shift(random_state=seed)
    weights = data.density_ratio_source
    test = data.X_target_test, data.y_target_test
    plain = LogisticRegression().fit(data.X_source, data.y_source)
    weighted = LogisticRegression().fit(data.X_source, data.y_source, sample_weight=weights)
    oracle = LogisticRegression().fit(data.X_target, data.y_target)
    assert plain.score(data.X_source, data.y_source) > 0.8
    assert plain.score(*test) < 0.7
    assert weighted.score(*test) > plain.score(*test) + 0.1
    assert oracle.score(*test) > 0.8


def test_without_shift_the_domains_are_alike():
    data = make_covariate_shift(20_000, 20_000, shift=0, random_state=0)
    assert_array_equal(data.density_ratio_source, np.ones(20_000))
    assert_allclose(data.X_source.mean(axis=0), data.X_target.mean(axis=0), atol=0.04)


def test_sizes_types_and_names():
    data = make_covariate_shift(30, 20, 3, n_target_test=10, random_state=0)
    for part, n_rows in zip(PARTS, (30, 20, 10), strict=True):
        assert data[f"X_{part}"].shape == (n_rows, 3)
        assert data[f"X_{part}"].dtype == np.float64
        assert data[f"y_{part}"].dtype == np.int64
        assert set(data[f"y_{part}"]) == {0, 1}
    assert data.feature_names.tolist() == ["x0", "x1", "x2"]
    assert data.target_names.tolist() == ["0", "1"]


def test_frames_hold_the_same_values():
    arrays = make_covariate_shift(random_state=0)
    frames = make_covariate_shift(random_state=0, as_frame=True)
    for part in PARTS:
        X, y = frames[f"X_{part}"], frames[f"y_{part}"]
        assert isinstance(X, pd.DataFrame)
        assert isinstance(y, pd.Series)
        assert X.columns.tolist() == ["x0", "x1", "x2", "x3", "x4"]
        assert_array_equal(X.to_numpy(), arrays[f"X_{part}"])
        assert_array_equal(y.to_numpy(), arrays[f"y_{part}"])


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("n_source", 0, "an int in the range [1, inf). Got 0 instead."),
        ("n_target", -1, "an int in the range [1, inf). Got -1 instead."),
        ("n_target_test", 0, "an int in the range [1, inf). Got 0 instead."),
        ("n_features", 1, "an int in the range [2, inf). Got 1 instead."),
        ("shift", -1.0, "a float in the range [0.0, 10.0]. Got -1.0 instead."),
        ("shift", 11, "a float in the range [0.0, 10.0]. Got 11 instead."),
    ],
)
def test_a_wrong_parameter_is_named(parameter, value, allowed):
    message = f"The '{parameter}' parameter of make_covariate_shift must be {allowed}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make_covariate_shift(**{parameter: value})
