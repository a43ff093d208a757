import numpy as np
import pytest

from skda.model_selection import proxy_a_distance


@pytest.mark.parametrize("sizes", [(1000, 1000), (1500, 500), (500, 1500)])
def test_equal_domains_score_about_zero_and_separable_ones_minus_two(sizes):
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(sizes[0], 3)), rng.normal(size=(sizes[1], 3))
    assert abs(proxy_a_distance(source, target)) < 0.2
    assert proxy_a_distance(source, target + 50.0) == -2.0


@pytest.mark.parametrize("sizes", [(700, 700), (1000, 400)])
def test_known_error(sizes):
    rng = np.random.default_rng(1)

    def distance():
        source, target = rng.normal(size=(sizes[0], 1)), rng.normal(2.0, 1.0, size=(sizes[1], 1))
        return proxy_a_distance(source, target)

    # Two normals two standard deviations apart: the best rule errs with probability Φ(-1) = .1587.
    # The mean of four small samples is as exact as one of all their rows, and five times as fast.
    mean = np.mean([distance() for _ in range(4)])
    assert mean == pytest.approx(-2 * (1 - 2 * 0.1587), abs=0.08)


@pytest.mark.parametrize("n_target", [50, 80])
def test_known_failure_constant_features_are_rewarded(n_target):
    rng = np.random.default_rng(2)
    useful = proxy_a_distance(rng.normal(size=(50, 2)), rng.normal(1.0, 1.0, (n_target, 2)))
    constant = proxy_a_distance(np.ones((50, 2)), np.ones((n_target, 2)))
    assert constant == pytest.approx(0.0, abs=0.05)
    assert useful < -0.5
