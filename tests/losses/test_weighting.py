import math
import re

import numpy as np
import pytest
import torch
from scipy.optimize import LinearConstraint, minimize

from skda.losses import kernel_weights, mk_mmd2
from skda.losses.weighting import solve_weights
from tests.losses import naive


def naive_statistics(source, target, n_kernels, spacing):
    """d and Q of the quad-tuples by loops."""
    tuples = naive.quad_tuples(source, target)
    gamma = naive.lower_median(
        [naive.squared_distance(a, b) for t in tuples for _, a, b in naive.quad_pairs(*t)]
    )
    h = np.array(
        [
            [
                sum(
                    sign
                    * math.exp(
                        -naive.squared_distance(a, b).item()
                        / (gamma * spacing ** (u - n_kernels // 2))
                    )
                    for sign, a, b in naive.quad_pairs(*t)
                )
                for t in tuples
            ]
            for u in range(n_kernels)
        ]
    )
    d = h.mean(1)
    deviations = h - d[:, None]
    return d, deviations @ deviations.T / (h.shape[1] - 1)


def problem_by_trust_region(d, q, eps=1e-3):
    """The original quadratic programme, by a general solver."""
    a = q + eps * np.eye(len(d))
    start = np.where(d > 0, 1.0, 0.0)
    result = minimize(
        lambda b: b @ a @ b,
        start / (d @ start),
        jac=lambda b: 2 * a @ b,
        hess=lambda b: 2 * a,
        bounds=[(0, None)] * len(d),
        constraints=[LinearConstraint(d, 1, 1)],
        method="trust-constr",
        options={"gtol": 1e-12, "xtol": 1e-14, "barrier_tol": 1e-14, "maxiter": 5000},
    )
    return result.x


@pytest.mark.parametrize("seed", range(8))
def test_nnls_solves_the_original_problem(seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(6, 4))
    q, d = root @ root.T * 0.1, rng.normal(size=6)
    weights = solve_weights(d, q)
    assert weights.sum() == pytest.approx(1, rel=1e-12)
    assert (weights >= 0).all()
    found, expected = weights / (d @ weights), problem_by_trust_region(d, q)
    a = q + 1e-3 * np.eye(6)
    assert found @ a @ found <= (expected @ a @ expected) * (1 + 1e-9)
    np.testing.assert_allclose(found, expected, atol=2e-3 * found.max())


@pytest.mark.parametrize("seed", range(8))
def test_optimality_conditions(seed):
    rng = np.random.default_rng(100 + seed)
    root = rng.normal(size=(33, 60))
    q, d = root @ root.T / 60, rng.normal(size=33) * 0.1
    weights = solve_weights(d, q)
    b = weights / (d @ weights)
    gradient = (q + 1e-3 * np.eye(33)) @ b
    multiplier = b @ gradient
    reduced = gradient - multiplier * d
    assert (b >= 0).all()
    assert 0 < (b > 0).sum() < 33
    assert reduced.min() > -1e-10
    np.testing.assert_allclose(reduced[b > 0], 0, atol=1e-10)


@pytest.mark.parametrize("family", [(5, 2.0), (33, math.sqrt(2))])
def test_weights_are_those_of_the_loops(family):
    n_kernels, spacing = family
    source, target = naive.samples(40, 31, 3)
    weights = kernel_weights(source, target, n_kernels=n_kernels, spacing=spacing)
    expected = solve_weights(*naive_statistics(source, target, n_kernels, spacing))
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-7, atol=1e-10)
    assert not weights.requires_grad
    assert weights.dtype == torch.float64


def test_by_hand():
    # Without spread the ridge decides: b proportional to the positive part of d.
    np.testing.assert_allclose(
        solve_weights(np.array([0.1, 0.3, -0.2]), np.zeros((3, 3))), [0.25, 0.75, 0.0], atol=1e-15
    )


def test_the_weights_raise_the_power_of_the_test():
    generator = torch.Generator().manual_seed(1)
    source = torch.randn(4000, 2, generator=generator, dtype=torch.float64)
    target = torch.randn(4000, 2, generator=generator, dtype=torch.float64)
    target[:, 0] += 0.3 * torch.sign(torch.sin(12 * target[:, 0]))
    d, q = naive_statistics(source[:600], target[:600], 5, 2.0)
    chosen, uniform = solve_weights(d, q), np.full(5, 0.2)
    power = [w @ d / math.sqrt(w @ (q + 1e-3 * np.eye(5)) @ w) for w in (chosen, uniform)]
    assert power[0] > power[1]


def test_uniform_where_no_kernel_sees_a_difference():
    np.testing.assert_array_equal(solve_weights(np.array([-0.1, 0.0]), np.eye(2)), [0.5, 0.5])
    rows = torch.ones(6, 2)
    assert torch.equal(kernel_weights(rows, rows), torch.full((5,), 0.2))


@pytest.mark.parametrize("n_source", [1, 2, 3])
def test_few_rows_give_usable_weights(n_source):
    source, target = naive.samples(n_source, 5, 2, dtype=torch.float32)
    weights = kernel_weights(source, target)
    assert weights.dtype == torch.float32
    assert weights.sum().item() == pytest.approx(1, abs=1e-6)
    value = mk_mmd2(source, target, weights=weights)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(source.grad).all()


def test_bad_ridge():
    message = "The 'eps' parameter of kernel_weights must be a float in the range (0, inf). Got 0"
    with pytest.raises(ValueError, match=re.escape(message)):
        kernel_weights(torch.zeros(4, 2), torch.ones(4, 2), eps=0)
