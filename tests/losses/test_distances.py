import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from skda.losses import median_bandwidth, squared_distances
from skda.losses._core.distances import (
    median_of_pairs,
    median_or_mean,
    pairwise_squared_distances,
    quad_tuple_distances,
)
from tests.losses import naive


def naive_matrix(a, b):
    return torch.stack([torch.stack([naive.squared_distance(x, y) for y in b]) for x in a])


def test_squared_distances_equal_the_double_loop():
    naive.assert_same_with_gradient(squared_distances, naive_matrix, *naive.samples(5, 4, 3))


def test_pairwise_squared_distances_equal_the_double_loop():
    source, _ = naive.samples(6, 1, 3)
    naive.assert_same_with_gradient(
        pairwise_squared_distances, lambda points: naive_matrix(points, points), source
    )


def test_gradients_numerically():
    source, target = naive.samples(4, 3, 2)
    assert torch.autograd.gradcheck(squared_distances, (source, target))
    assert torch.autograd.gradcheck(pairwise_squared_distances, (source,))
    assert torch.autograd.gradgradcheck(pairwise_squared_distances, (source,))


def test_far_from_the_origin_float32_keeps_its_digits():
    rng = np.random.default_rng(0)
    points = (rng.normal(size=(40, 6)) + 1000).astype(np.float32)
    expected = cdist(points.astype(float), points.astype(float), "sqeuclidean")
    for distances in (
        squared_distances(torch.from_numpy(points), torch.from_numpy(points)),
        pairwise_squared_distances(torch.from_numpy(points)),
    ):
        np.testing.assert_allclose(distances, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("value", [0.1, 1e4, 1e-20])
def test_equal_rows_are_exactly_zero_apart(value):
    rows = torch.full((7, 5), value)
    assert (squared_distances(rows, rows[:3]) == 0).all()
    assert (pairwise_squared_distances(rows) == 0).all()


@pytest.mark.parametrize(("n_source", "n_target"), [(1, 1), (1, 2), (2, 2), (3, 2), (4, 5), (8, 8)])
def test_median_bandwidth_is_the_median_over_the_pairs(n_source, n_target):
    for seed in range(5):
        source, target = naive.samples(n_source, n_target, 3, seed=seed)
        expected = naive.median_bandwidth(source, target)
        bandwidth = median_bandwidth(source, target)
        assert bandwidth.item() == pytest.approx(expected, rel=1e-12)
        assert not bandwidth.requires_grad


@pytest.mark.parametrize("n", range(2, 12))
def test_median_of_pairs_meets_every_pair_once(n):
    upper = np.triu_indices(n, 1)
    # The mean of powers of two shows which pairs were read, and how often.
    values = 2.0 ** np.arange(len(upper[0]))
    matrix = np.zeros((n, n))
    matrix[upper] = values
    matrix += matrix.T
    assert (
        median_of_pairs(torch.from_numpy(matrix)).item() == np.sort(values)[(len(values) - 1) // 2]
    )
    few = (matrix > np.sort(values)[len(values) // 2]) * matrix
    expected = few[upper].mean()
    assert median_of_pairs(torch.from_numpy(few)).item() == pytest.approx(expected, rel=1e-12)


def test_median_drops_the_zero_diagonal():
    # With the diagonal the lower median of (0, 0, 0, 1, 1, 1, 1, 4, 4) would still be 1, but of
    # two rows (0, 0, 9, 9) it would be 0.
    assert median_bandwidth(torch.tensor([[0.0]]), torch.tensor([[3.0]])).item() == 9.0


def test_bandwidth_is_zero_only_when_all_rows_are_equal():
    ones = torch.ones(6, 2)
    assert median_bandwidth(ones, ones[:3]).item() == 0.0
    # Fifteen of the 21 pairs are equal rows, 6 are 2 apart: the median is 0, the mean is not.
    assert median_bandwidth(ones, torch.zeros(1, 2)).item() == pytest.approx(12 / 21)
    assert median_or_mean(torch.tensor([0.0, 0.0, 9.0])).item() == 3.0


def test_quad_tuples_are_disjoint_and_leave_the_rest_out():
    source, target = naive.samples(7, 4, 3)
    expected = [
        [naive.squared_distance(a, b).item() for _, a, b in naive.quad_pairs(*t)]
        for t in naive.quad_tuples(source, target)
    ]
    np.testing.assert_allclose(
        quad_tuple_distances(source, target).detach().T, expected, rtol=1e-12
    )


@pytest.mark.parametrize("function", [squared_distances, median_bandwidth])
def test_messages(function):
    name = function.__name__
    with pytest.raises(
        ValueError,
        match=rf"The source and target of {name} must have the same number of columns\. "
        r"Got 3 and 2 instead\.",
    ):
        function(torch.zeros(4, 3), torch.zeros(4, 2))


def test_the_diagonal_is_exactly_zero():
    rows = naive.samples(50, 1, 30, dtype=torch.float32)[0]
    assert (pairwise_squared_distances(rows).diagonal() == 0).all()


def test_medians_are_detached():
    distances = torch.tensor([[0.0, 2.0], [2.0, 0.0]], requires_grad=True)
    assert not median_of_pairs(distances).requires_grad
    assert not median_or_mean(distances.flatten()).requires_grad
