"""The proxy A-distance and the test of the MMD."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.sparse import csr_matrix
from scipy.spatial.distance import cdist

from skda.inspection import mmd_test, proxy_a_distance
from skda.losses import mk_mmd2
from skda.model_selection import density_ratio
from skda.model_selection import proxy_a_distance as validator


def samples(n_source=60, n_target=40, shift=0.0, scale=1.0, n_columns=3, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.normal(shift, scale, (n_target, n_columns))
    return rng.normal(size=(n_source, n_columns)), target


def naive_mmd2(source, target, gamma):
    """One Gaussian kernel, pair by pair."""

    def k(x, y):
        return np.exp(-((x - y) ** 2).sum() / gamma)

    n, m = len(source), len(target)
    within_s = sum(k(source[i], source[j]) for i in range(n) for j in range(n) if i != j)
    within_t = sum(k(target[i], target[j]) for i in range(m) for j in range(m) if i != j)
    between = sum(k(x, y) for x in source for y in target)
    return within_s / (n * (n - 1)) + within_t / (m * (m - 1)) - 2 * between / (n * m)


def test_the_a_distance_is_that_of_the_error_of_a_threshold():
    """Two normal distributions two standard deviations apart: the error is that of x > 1."""
    source, target = samples(2000, 1000, shift=2.0, n_columns=1)
    error = ((source > 1).mean() + (target <= 1).mean()) / 2
    assert_allclose(proxy_a_distance(source, target, random_state=0), 2 - 4 * error, atol=0.05)


def test_the_a_distance_is_minus_the_validator():
    source, target = samples(shift=0.5)
    seed = np.random.RandomState(3).randint(2**31)
    assert proxy_a_distance(source, target, random_state=3) == -validator(
        source, target, random_state=int(seed)
    )


def test_the_a_distance_of_equal_domains_is_near_zero_and_of_distant_ones_two():
    source, target = samples(1000, 800)
    assert abs(proxy_a_distance(source, target, random_state=0)) < 0.2
    assert proxy_a_distance(source, target + 100, random_state=0) == 2.0


def test_the_statistic_is_the_double_sum_and_the_loss():
    source, target = samples(12, 9, shift=0.3)
    distances = cdist(*[np.vstack([source, target])] * 2, "sqeuclidean")
    gamma = np.sort(distances[np.triu_indices(21, 1)])[(210 - 1) // 2]
    found = mmd_test(source, target, n_kernels=1, standardize=False, random_state=0)
    assert_allclose(found.statistic, naive_mmd2(source, target, gamma), rtol=1e-10)
    found = mmd_test(source, target, standardize=False, random_state=0)
    loss = mk_mmd2(torch.from_numpy(source), torch.from_numpy(target), unbiased=True)
    assert_allclose(found.statistic, loss.item(), rtol=1e-10)


def test_with_few_rows_every_partition_is_tried():
    source, target = samples(4, 3, shift=1.0)
    pooled = np.vstack([source, target])
    found = mmd_test(
        source, target, n_kernels=1, bandwidth=2.0, standardize=False, n_permutations=35
    )
    others = []
    for of_source in combinations(range(7), 4):
        of_target = [i for i in range(7) if i not in of_source]
        others.append(naive_mmd2(pooled[list(of_source)], pooled[of_target], 2.0))
    assert len(others) == 35
    assert_allclose(found.pvalue, np.mean(np.array(others) >= found.statistic - 1e-12))


def test_the_p_value_is_uniform_for_equal_distributions():
    """Of 60 tests at 20 % about 12 are below: 4 to 22 is more than three standard deviations."""
    p = [
        mmd_test(*samples(25, 35, seed=s), n_permutations=99, random_state=s).pvalue
        for s in range(60)
    ]
    assert min(p) >= 0.01
    assert 4 <= sum(each <= 0.2 for each in p) <= 22


def test_the_result_has_the_number_of_permutations_that_were_used():
    source, target = samples(3, 3, shift=9.0)
    all_of_them = mmd_test(source, target, random_state=0)  # 6! / (3! 3!)
    assert all_of_them.n_permutations == 20
    assert all_of_them.pvalue == pytest.approx(2 / 20)  # exact: itself, and the domains swapped
    some = mmd_test(*samples(shift=9.0), n_permutations=99, random_state=0)
    assert some.n_permutations == 99
    assert some.pvalue == pytest.approx(1 / 100)


def test_it_sees_a_spread_that_no_hyperplane_separates():
    source, target = samples(200, 150, scale=2.0)
    assert mmd_test(source, target, random_state=0).pvalue < 0.01
    assert abs(proxy_a_distance(source, target, random_state=0)) < 0.4


def test_units_do_not_matter_and_constant_columns_neither():
    source, target = samples(shift=0.4)
    scaled = [np.hstack([X * [1, 1e6, 1e-6], np.full((len(X), 1), 7.0)]) for X in (source, target)]
    plain, other = mmd_test(source, target, random_state=0), mmd_test(*scaled, random_state=0)
    assert_allclose(other.statistic, plain.statistic, rtol=1e-9)
    assert other.pvalue == plain.pvalue
    assert mmd_test(np.ones((5, 2)), np.ones((6, 2)), random_state=0).pvalue == 1.0


@pytest.mark.parametrize(
    "convert",
    [
        lambda X: pd.DataFrame(X, columns=list("abcd")),
        csr_matrix,
        lambda X: X.reshape(-1, 1, 2, 2),
        lambda X: X.tolist(),
    ],
)
def test_containers(convert):
    source, target = samples(30, 20, shift=0.7, n_columns=4)
    given = convert(source), convert(target)
    # a sparse matrix is scaled, but not centred, in the domain classifier
    expected = proxy_a_distance(source, target, random_state=0)
    assert_allclose(proxy_a_distance(*given, random_state=0), expected, atol=0.1)
    assert mmd_test(*given, random_state=0) == mmd_test(source, target, random_state=0)


def test_columns_of_frames_are_matched_by_name():
    source, target = (
        pd.DataFrame(rows + np.array([0, 9, 0, 0]), columns=list("abcd"))
        for rows in samples(30, 20, shift=0.7, n_columns=4)
    )
    swapped = target[list("dcba")]
    for function in (proxy_a_distance, mmd_test):
        found, expected = (function(source, rows, random_state=0) for rows in (swapped, target))
        assert found == expected
    ratio = density_ratio(source, target, target, random_state=0)
    assert_allclose(density_ratio(source, swapped, swapped, random_state=0), ratio)


def test_many_rows_are_drawn_from():
    source, target = samples(3000, 2500, shift=0.5)
    found = mmd_test(source, target, n_rows=50, n_permutations=20, random_state=0)
    assert found == mmd_test(source, target, n_rows=50, n_permutations=20, random_state=0)
    assert found != mmd_test(source, target, n_rows=50, n_permutations=20, random_state=1)
    assert abs(proxy_a_distance(source, target, n_rows=500, random_state=0) - 0.64) < 0.3


@pytest.mark.parametrize("function", [proxy_a_distance, mmd_test])
@pytest.mark.parametrize(
    ("source", "target", "options", "message"),
    [
        (np.ones((5, 2)), np.ones((5, 3)), {}, "same columns. Got 2 and 3"),
        (np.ones((5, 2)), np.ones((1, 2)), {}, "X_target must have at least two rows. Got 1"),
        (np.full((5, 2), np.nan), np.ones((5, 2)), {}, "Input X_source contains NaN"),
        (np.ones((5, 2)), np.ones((5, 2)), {"n_rows": 1}, "'n_rows' parameter of"),
    ],
)
def test_errors(function, source, target, options, message):
    with pytest.raises(ValueError, match=message):
        function(source, target, **options)
