import math
import re

import pytest
import torch

from skda.losses import (
    GaussianMMDLoss,
    LinearMMDLoss,
    MKMMDLoss,
    gaussian_mmd2,
    linear_mmd2,
    median_bandwidth,
    mk_mmd2,
)
from tests.losses import naive

SIZES = [(5, 7), (6, 4), (4, 4)]


@pytest.mark.parametrize(
    ("n_source", "n_target", "family"),
    [
        *((*sizes, {}) for sizes in SIZES),
        (*SIZES[0], {"n_kernels": 1}),
        (*SIZES[1], {"n_kernels": 33, "spacing": math.sqrt(2)}),
        (*SIZES[2], {"n_kernels": 4, "spacing": 1.7}),
        *((*sizes, {"n_kernels": 3, "weights": [0.2, 0.0, 1.3]}) for sizes in SIZES[:2]),
    ],
)
@pytest.mark.parametrize("unbiased", [False, True])
def test_quadratic_estimate_equals_the_double_loop(n_source, n_target, unbiased, family):
    naive.assert_same_with_gradient(
        lambda s, t: mk_mmd2(s, t, unbiased=unbiased, **family),
        lambda s, t: naive.mk_mmd2(s, t, unbiased=unbiased, **family),
        *naive.samples(n_source, n_target, 3),
    )


@pytest.mark.parametrize(("n_source", "n_target"), [*SIZES, (2, 9)])
@pytest.mark.parametrize("family", [{}, {"n_kernels": 3, "weights": [0.2, 0.0, 1.3]}])
def test_linear_time_estimate_equals_the_loop(n_source, n_target, family):
    used = 2 * (min(n_source, n_target) // 2)
    source, target = naive.samples(n_source, n_target, 3)
    naive.assert_same_with_gradient(
        lambda s, t: mk_mmd2(s, t, estimator="linear", **family),
        lambda s, t: naive.linear_time_mmd2(s, t, **family),
        source,
        target,
    )
    # Rows after the last full pair have no effect.
    (gradient,) = torch.autograd.grad(mk_mmd2(source, target, estimator="linear"), source)
    assert (gradient[used:] == 0).all()
    assert (gradient[:used] != 0).any()


@pytest.mark.parametrize("unbiased", [False, True])
def test_gaussian_mmd_equals_the_double_loop(unbiased):
    naive.assert_same_with_gradient(
        lambda s, t: gaussian_mmd2(s, t, unbiased=unbiased),
        lambda s, t: naive.mk_mmd2(s, t, n_kernels=1, unbiased=unbiased),
        *naive.samples(5, 7, 3),
    )
    naive.assert_same_with_gradient(
        lambda s, t: gaussian_mmd2(s, t, bandwidth=0.9, unbiased=unbiased),
        lambda s, t: naive.mk_mmd2(s, t, n_kernels=1, gamma=0.9, unbiased=unbiased),
        *naive.samples(5, 7, 3),
    )


@pytest.mark.parametrize("unbiased", [False, True])
def test_linear_kernel_mmd_equals_the_double_loop(unbiased):
    naive.assert_same_with_gradient(
        lambda s, t: linear_mmd2(s, t, unbiased=unbiased),
        lambda s, t: naive.linear_mmd2(s, t, unbiased=unbiased),
        *naive.samples(5, 7, 3),
    )


def test_unbiased_linear_kernel_mmd_is_zero_on_average_between_equal_distributions():
    rng = torch.Generator().manual_seed(0)
    pairs = torch.randn(4000, 2, 4, 3, generator=rng, dtype=torch.float64)
    biased = linear_mmd2(pairs[:, 0], pairs[:, 1])
    unbiased = linear_mmd2(pairs[:, 0], pairs[:, 1], unbiased=True)
    assert biased.shape == unbiased.shape == (4000,)
    # 3 columns of variance 1, by 4 rows in each of two domains
    assert biased.mean().item() == pytest.approx(1.5, abs=0.1)
    assert unbiased.mean().item() == pytest.approx(0.0, abs=0.1)


def test_one_row_has_no_covariance_to_subtract():
    row, others = torch.zeros(1, 1), torch.tensor([[1.0], [3.0]])
    assert linear_mmd2(row, others, unbiased=True).item() == 4.0 - 2.0 / 2
    assert linear_mmd2(row, row + 3, unbiased=True).item() == 9.0


def test_values_by_hand():
    source, target = torch.zeros(2, 1).double(), torch.full((2, 1), 2.0).double()
    # The pairs are 0, 0 and four times 4: gamma 4; the domains are each at one point.
    assert gaussian_mmd2(source, target).item() == pytest.approx(2 - 2 * math.exp(-1), rel=1e-14)
    mean = sum(math.exp(-(2.0**u)) for u in range(-2, 3)) / 5
    assert mk_mmd2(source, target).item() == pytest.approx(2 - 2 * mean, rel=1e-14)
    for estimator in ("quadratic", "linear"):
        value = mk_mmd2(
            source, target, n_kernels=1, bandwidth=8.0, estimator=estimator, unbiased=True
        )
        assert value.item() == pytest.approx(2 - 2 * math.exp(-0.5), rel=1e-14)
    assert linear_mmd2(source, target).item() == 4.0


@pytest.mark.parametrize("estimator", ["quadratic", "linear"])
@pytest.mark.parametrize("unbiased", [False, True])
def test_gradients_numerically(estimator, unbiased):
    # With a given bandwidth: the gradient ignores the median, but finite differences do not.
    assert torch.autograd.gradcheck(
        lambda s, t: mk_mmd2(s, t, bandwidth=3.0, estimator=estimator, unbiased=unbiased),
        naive.samples(4, 5, 2),
    )
    assert torch.autograd.gradgradcheck(
        lambda s, t: mk_mmd2(s, t, bandwidth=3.0, estimator=estimator, unbiased=unbiased),
        naive.samples(3, 2, 2),
    )


def test_other_gradients_numerically():
    assert torch.autograd.gradcheck(linear_mmd2, naive.samples(4, 5, 2))
    assert torch.autograd.gradcheck(
        lambda s, t: gaussian_mmd2(s, t, bandwidth=3.0), naive.samples(4, 5, 2)
    )


def test_the_bandwidth_is_a_constant_for_autograd():
    source, target = naive.samples(6, 5, 3)
    bandwidth = median_bandwidth(source, target)
    given = torch.autograd.grad(mk_mmd2(source, target, bandwidth=bandwidth), (source, target))
    found = torch.autograd.grad(mk_mmd2(source, target), (source, target))
    for one, other in zip(given, found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=0.0)
    learned = bandwidth.clone().requires_grad_()
    mk_mmd2(source, target, bandwidth=learned).backward()
    assert learned.grad is None


@pytest.mark.parametrize("seed", range(10))
def test_biased_is_never_negative_even_between_equal_distributions(seed):
    source, target = naive.samples(8, 11, 4, seed=seed, shift=0.0)
    for family in ({}, {"n_kernels": 1}, {"n_kernels": 33, "spacing": math.sqrt(2)}):
        assert mk_mmd2(source, target / 1.3, **family).item() > 0
    assert mk_mmd2(source, source).item() == pytest.approx(0, abs=1e-14)


def test_unbiased_and_linear_time_estimates_are_not_clamped():
    values = {"unbiased": [], "linear": []}
    for seed in range(20):
        source, target = naive.samples(8, 11, 4, seed=seed, shift=0.0)
        target = target / 1.3
        values["unbiased"].append(mk_mmd2(source, target, unbiased=True).item())
        values["linear"].append(mk_mmd2(source, target, estimator="linear").item())
    for found in values.values():
        assert 5 <= sum(value < 0 for value in found) <= 15


def test_linear_time_estimate_is_unbiased():
    generator = torch.Generator().manual_seed(0)
    options = {"bandwidth": 4.0, "n_kernels": 3}
    drawn = [torch.randn(8, 2, generator=generator, dtype=torch.float64) for _ in range(4000)]
    source, target = torch.stack(drawn[::2]), torch.stack(drawn[1::2]) + 0.8
    expected = mk_mmd2(source, target, unbiased=True, **options)
    difference = mk_mmd2(source, target, estimator="linear", **options) - expected
    standard_error = difference.std() / len(difference) ** 0.5
    assert expected.mean() > 20 * standard_error
    assert difference.mean().abs() < 3 * standard_error


def test_linear_time_estimate_takes_linear_memory():
    # The pairs of 60000 + 60000 rows would fill 57 GB.
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(60_000, 2, generator=generator).requires_grad_()
    target = torch.randn(60_000, 2, generator=generator) + 1
    value = mk_mmd2(source, target, estimator="linear")
    value.backward()
    assert 0.1 < value.item() < 0.5
    assert source.grad.abs().max() > 0


def test_a_domain_of_one_row_keeps_its_biased_term():
    source, target = naive.samples(1, 4, 2)

    def kernel(a, b):
        return torch.exp(-naive.squared_distance(a, b) / 2.0)

    pairs = [(a, b) for i, a in enumerate(target) for j, b in enumerate(target) if i != j]
    within = sum(kernel(a, b) for a, b in pairs) / len(pairs)
    cross = sum(kernel(source[0], b) for b in target) / 4
    value = gaussian_mmd2(source, target, bandwidth=2.0, unbiased=True)
    assert value.item() == pytest.approx((1 + within - 2 * cross).item(), rel=1e-12)


def test_dead_units_still_tell_the_domains_apart():
    # Most pairs are equal rows, so that the median is zero, but the domains differ.
    source = torch.zeros(6, 2, requires_grad=True)
    target = torch.ones(1, 2, requires_grad=True)
    value = mk_mmd2(source, target)
    value.backward()
    assert value.item() > 0.5
    assert target.grad.abs().min() > 0


def test_modules_equal_the_functions():
    source, target = naive.samples(6, 5, 3)
    options = {"n_kernels": 3, "spacing": 1.5, "bandwidth": 2.0, "unbiased": True}
    weights = torch.tensor([0.5, 0.2, 0.3], dtype=torch.float64)
    module = MKMMDLoss(**options, weights=weights)
    assert torch.equal(module(source, target), mk_mmd2(source, target, **options, weights=weights))
    assert torch.equal(module.state_dict()["weights"], weights)
    assert torch.equal(
        MKMMDLoss(estimator="linear")(source, target), mk_mmd2(source, target, estimator="linear")
    )
    assert torch.equal(
        GaussianMMDLoss(bandwidth=3.0, unbiased=True)(source, target),
        gaussian_mmd2(source, target, bandwidth=3.0, unbiased=True),
    )
    assert torch.equal(LinearMMDLoss()(source, target), linear_mmd2(source, target))
    unbiased = linear_mmd2(source, target, unbiased=True)
    assert torch.equal(LinearMMDLoss(unbiased=True)(source, target), unbiased)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"n_kernels": 0}, "'n_kernels' parameter of mk_mmd2 must be an int in the range [1, inf)"),
        ({"n_kernels": 2.0}, "must be an int in the range [1, inf). Got 2.0 instead."),
        ({"n_kernels": True}, "must be an int in the range [1, inf). Got True instead."),
        ({"spacing": 1}, "'spacing' parameter of mk_mmd2 must be a float in the range (1, inf)"),
        ({"spacing": math.nan}, "must be a float in the range (1, inf). Got nan instead."),
        ({"bandwidth": 0.0}, "The 'bandwidth' parameter of mk_mmd2 must be a float in the range"),
        ({"bandwidth": "median"}, "(0, inf). Got 'median' instead."),
        (
            {"estimator": "cubic"},
            "The 'estimator' parameter of mk_mmd2 must be one of 'quadratic', 'linear'. "
            "Got 'cubic' instead.",
        ),
        ({"weights": [1.0]}, "must be n_kernels=5 numbers, one a kernel. Got shape (1,) instead."),
    ],
)
def test_bad_options(option, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        mk_mmd2(torch.zeros(3, 2), torch.ones(3, 2), **option)
