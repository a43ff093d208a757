"""The moons, and the angle between the domains."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skda.datasets import make_rotated_moons

PARTS = ("source", "target", "target_test")


def recovered_angle(points, turned):
    """Least-squares linear map from `points` to `turned`, which must be a rotation; its angle."""
    transposed = np.linalg.lstsq(points, turned, rcond=None)[0]
    assert_allclose(transposed @ transposed.T, np.eye(2), atol=1e-12)
    assert np.linalg.det(transposed) == pytest.approx(1)
    return np.rad2deg(np.arctan2(transposed[0, 1], transposed[0, 0]))


@pytest.mark.parametrize("angle", [35.0, -20.0, 90.0, 170.0])
def test_target_is_rotated_counter_clockwise_by_the_angle(angle):
    upright = make_rotated_moons(angle=0, random_state=0)
    rotated = make_rotated_moons(angle=angle, random_state=0)
    assert_array_equal(upright.X_source, rotated.X_source)
    for part in ("target", "target_test"):
        points, turned = upright[f"X_{part}"], rotated[f"X_{part}"]
        assert recovered_angle(points, turned) == pytest.approx(angle, abs=1e-9)
        assert_array_equal(upright[f"y_{part}"], rotated[f"y_{part}"])


def test_default_angle_is_the_papers():
    points = make_rotated_moons(angle=0, random_state=0).X_target
    turned = make_rotated_moons(random_state=0).X_target
    assert recovered_angle(points, turned) == pytest.approx(35)


def test_moons_are_half_circles_of_radius_two_about_known_centres():
    data = make_rotated_moons(n_source=2000, noise=0.05, random_state=0)
    X, y = data.X_source, data.y_source
    for label, centre in ((0, (-1.0, -0.5)), (1, (1.0, 0.5))):
        radius = np.hypot(*(X[y == label] - centre).T)
        assert radius.mean() == pytest.approx(2, abs=0.01)
        assert radius.std() == pytest.approx(0.1, abs=0.01)
    assert X[y == 0, 1].max() > 1.4
    assert X[y == 1, 1].min() < -1.4
    assert_allclose(X.mean(axis=0), 0, atol=0.01)


def test_without_noise_the_radius_is_exact():
    data = make_rotated_moons(noise=0, random_state=0)
    upper = data.X_source[data.y_source == 0]
    assert_allclose(np.hypot(*(upper - [-1.0, -0.5]).T), 2, atol=1e-12)


def test_sizes_types_and_balance():
    data = make_rotated_moons(random_state=0)
    for part, n_rows in zip(PARTS, (300, 300, 1000), strict=True):
        assert data[f"X_{part}"].shape == (n_rows, 2)
        assert data[f"X_{part}"].dtype == np.float64
        assert data[f"y_{part}"].dtype == np.int64
        assert_array_equal(np.bincount(data[f"y_{part}"]), [n_rows // 2, n_rows // 2])
    odd = make_rotated_moons(n_source=7, n_target=2, n_target_test=3, random_state=0)
    assert_array_equal(np.bincount(odd.y_source), [3, 4])
    assert_array_equal(np.bincount(odd.y_target), [1, 1])
    assert_array_equal(np.bincount(odd.y_target_test), [1, 2])


def test_domains_are_separate_draws():
    data = make_rotated_moons(angle=0, random_state=0)
    source = {tuple(point) for point in data.X_source}
    assert source.isdisjoint(tuple(point) for point in data.X_target)
    assert not np.array_equal(data.y_source, data.y_target)


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("n_source", 1, "an int in the range [2, inf). Got 1 instead."),
        ("n_target", 0, "an int in the range [2, inf). Got 0 instead."),
        ("n_target_test", -3, "an int in the range [2, inf). Got -3 instead."),
        ("angle", np.nan, "a float in the range (-inf, inf). Got nan instead."),
        ("angle", np.inf, "a float in the range (-inf, inf). Got inf instead."),
        ("noise", -0.1, "a float in the range [0.0, inf). Got -0.1 instead."),
    ],
)
def test_a_wrong_parameter_is_named(parameter, value, allowed):
    message = f"The '{parameter}' parameter of make_rotated_moons must be {allowed}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make_rotated_moons(**{parameter: value})
