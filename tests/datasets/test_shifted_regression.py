"""Shifted regression: only a gain and an offset of each channel change."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neighbors import KNeighborsRegressor

from skda import make_pipeline
from skda.datasets import make_shifted_regression
from skda.preprocessing import DomainStandardScaler

PARTS = ("source", "target", "target_test")


@pytest.fixture(scope="module")
def large():
    return make_shifted_regression(50_000, 50_000, n_target_test=50_000, random_state=0)


def test_the_target_reads_another_gain_and_offset():
    alike = make_shifted_regression(50, 40, n_target_test=30, shift=0, random_state=3)
    moved = make_shifted_regression(50, 40, n_target_test=30, shift=1.5, random_state=3)
    assert_array_equal(alike.gain_target, np.ones(8))
    assert_array_equal(alike.offset_target, np.zeros(8))
    assert_array_equal(alike.X_source, moved.X_source)
    for part in ("target", "target_test"):
        for j in range(8):
            expected = alike[f"X_{part}"][:, j] * moved.gain_target[j] + moved.offset_target[j]
            assert_allclose(moved[f"X_{part}"][:, j], expected, rtol=1e-12)
        assert_array_equal(alike[f"y_{part}"], moved[f"y_{part}"])
    assert np.abs(np.log(moved.gain_target)).max() <= 0.75


def test_two_hidden_properties_and_noise_make_the_readings(large):
    """All but two eigenvalues of the covariance of the source's readings are those of the noise."""
    eigenvalues = np.linalg.eigvalsh(np.cov(large.X_source.T))
    assert_allclose(eigenvalues[:-2], 0.01, rtol=0.03)
    assert eigenvalues[-2] > 1


@pytest.mark.parametrize("part", PARTS)
def test_the_label_has_the_stated_mean_and_deviation(large, part):
    # of sin(2 z) with z standard normal the mean is 0 and the variance (1 - exp(-8)) / 2
    deviation = 5 * math.sqrt(1 + (1 - math.exp(-8)) / 2)
    y = large[f"y_{part}"]
    assert y.mean() == pytest.approx(20, abs=0.15)
    assert y.std() == pytest.approx(deviation, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_a_model_of_the_source_fails_and_scaling_by_domain_mends_it(seed):
    data = make_shifted_regression(random_state=seed)
    test = data.X_target_test, data.y_target_test
    plain = KNeighborsRegressor().fit(data.X_source, data.y_source)
    scaled = make_pipeline(DomainStandardScaler(), KNeighborsRegressor())
    scaled.fit(data.X_source, data.y_source, X_target=data.X_target)
    assert plain.score(*test) < 0.75
    assert scaled.score(*test) > 0.92


def test_sizes_types_and_names():
    data = make_shifted_regression(30, 20, 3, n_target_test=10, random_state=0, as_frame=True)
    for part, n_rows in zip(PARTS, (30, 20, 10), strict=True):
        X, y = data[f"X_{part}"], data[f"y_{part}"]
        assert isinstance(X, pd.DataFrame)
        assert X.shape == (n_rows, 3)
        assert isinstance(y, pd.Series)
        assert (y.name, y.dtype, len(y)) == ("quantity", np.float64, n_rows)
    assert data.feature_names.tolist() == ["x0", "x1", "x2"]
    assert data.target_names.tolist() == ["quantity"]


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("n_source", 0, "an int in the range [1, inf). Got 0 instead."),
        ("n_features", 1, "an int in the range [2, inf). Got 1 instead."),
        ("shift", -1.0, "a float in the range [0.0, 10.0]. Got -1.0 instead."),
    ],
)
def test_a_wrong_parameter_is_named(parameter, value, allowed):
    message = f"The '{parameter}' parameter of make_shifted_regression must be {allowed}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make_shifted_regression(**{parameter: value})
