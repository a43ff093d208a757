"""Losses in float32 where rounding errors were large, compared with loops in float64."""

import pytest
import torch

from skda.losses import (
    coral,
    domain_bce,
    entropy,
    linear_mmd2,
    mcc,
    mk_mmd2,
    row_entropy,
    squared_distances,
)
from skda.losses._core.distances import centred_distances, pairwise_squared_distances
from tests.losses import naive


def assert_near_the_oracle(loss, oracle, source, target, rtol):
    """Compare values and gradients of float32 samples with those of a loop in float64."""
    results = []
    for function, dtype in ((loss, torch.float32), (oracle, torch.float64)):
        pair = [sample.detach().to(dtype).requires_grad_() for sample in (source, target)]
        value = function(*pair)
        results.append([value.double(), *(g.double() for g in torch.autograd.grad(value, pair))])
    for ours, expected in zip(*results, strict=True):
        scale = expected.abs().max().item()
        torch.testing.assert_close(ours, expected, rtol=rtol, atol=rtol * scale)


@pytest.mark.parametrize("unbiased", [False, True])
def test_bandwidth_far_below_the_median(unbiased):
    # The slope of the diagonal is one, those of the neighbours are 1e-6 and less.
    source, target = naive.samples(6, 5, 3, dtype=torch.float32)
    assert_near_the_oracle(
        lambda s, t: mk_mmd2(s, t, bandwidth=0.05, n_kernels=1, unbiased=unbiased),
        lambda s, t: naive.mk_mmd2(s, t, gamma=0.05, n_kernels=1, unbiased=unbiased),
        source,
        target,
        rtol=1e-3 if unbiased else 1e-4,
    )


def test_gradient_of_all_distances_ignores_the_diagonal():
    points = naive.samples(6, 1, 3, dtype=torch.float32)[0]
    weights = 1e-7 * torch.ones(6, 6) + 0.3 * torch.eye(6)
    (found,) = torch.autograd.grad((weights * pairwise_squared_distances(points)).sum(), points)
    exact = points.detach().double()
    expected = 4e-7 * (len(exact) * exact - exact.sum(0))
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-11)


@pytest.mark.parametrize("n_outliers", [1, 3])
@pytest.mark.parametrize("family", [{}, {"n_kernels": 1, "gamma": 2.0}])
def test_outliers_leave_the_others_distances(n_outliers, family):
    source, target = (
        sample.detach() for sample in naive.samples(9, 8, 3, dtype=torch.float32, shift=1.5)
    )
    source[:n_outliers] = 1e6 * source[:n_outliers]
    options = {"bandwidth" if name == "gamma" else name: v for name, v in family.items()}
    assert_near_the_oracle(
        lambda s, t: mk_mmd2(s, t, **options),
        lambda s, t: naive.mk_mmd2(s, t, **family),
        source,
        target,
        rtol=1e-4,
    )


def test_the_centre_that_a_gpu_takes_leaves_the_others_distances():
    points = naive.samples(17, 1, 3, dtype=torch.float32)[0].detach().clone()
    points[:3] *= 1e6
    _, found = centred_distances([points], by_median=True)
    exact = torch.cdist(points.double(), points.double()).square()
    torch.testing.assert_close(found.double(), exact, rtol=1e-4, atol=1e-4)
    _, about_the_mean = centred_distances([points])
    assert (about_the_mean - exact)[3:, 3:].abs().max() > 1e3


def test_outliers_of_one_model_leave_the_other_models():
    samples = [
        torch.stack([s.detach(), s.detach()])
        for s in naive.samples(9, 8, 3, dtype=torch.float32, shift=1.5)
    ]
    samples[0][1, 0] *= 1e6
    together = [sample.clone().requires_grad_() for sample in samples]
    values = mk_mmd2(*together)
    values.sum().backward()
    for i in range(2):
        alone = [sample[i].clone().requires_grad_() for sample in samples]
        value = mk_mmd2(*alone)
        value.backward()
        torch.testing.assert_close(values[i], value, rtol=1e-5, atol=1e-6)
        for one, many in zip(alone, together, strict=True):
            torch.testing.assert_close(many.grad[i], one.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n_rows", [(1, 5), (5, 1), (1, 1)])
def test_a_stack_of_domains_of_one_row_has_no_covariance(n_rows):
    samples = [torch.randn(3, n, 2).requires_grad_() for n in n_rows]
    values = coral(*samples)
    values.sum().backward()
    assert torch.equal(values, torch.zeros(3))
    assert all((sample.grad == 0).all() for sample in samples)


def test_a_class_without_probability_adds_nothing_to_the_entropy():
    logits = torch.tensor([[1.0, -torch.inf, 0.0], [0.5, 2.0, 1.0]], requires_grad=True)
    found = row_entropy(logits)
    kept = logits.detach()[0, [0, 2]].requires_grad_()
    expected = row_entropy(kept[None])[0]
    torch.testing.assert_close(found[0], expected)
    found.sum().backward()
    expected.backward()
    torch.testing.assert_close(logits.grad[0, [0, 2]], kept.grad)
    assert logits.grad[0, 1] == 0
    assert torch.isfinite(entropy(logits))


@pytest.mark.parametrize("offset", [1e4, -3e5])
@pytest.mark.parametrize("unbiased", [False, True])
def test_difference_of_means_far_from_the_origin(offset, unbiased):
    source, target = naive.samples(50, 40, 3, dtype=torch.float32)
    assert_near_the_oracle(
        lambda s, t: linear_mmd2(s, t, unbiased=unbiased),
        lambda s, t: linear_mmd2(s - s[0].detach(), t - s[0].detach(), unbiased=unbiased),
        source.detach() + offset,
        target.detach() + offset,
        rtol=1e-5,
    )


CALLS = {
    "mk_mmd2": (mk_mmd2, ("source", "target")),
    "coral": (coral, ("source", "target")),
    "linear_mmd2": (linear_mmd2, ("target", "source")),
    "squared_distances": (squared_distances, ("a", "b")),
    "domain_bce": (domain_bce, ("source_logits", "target_logits")),
}


@pytest.mark.parametrize("name", CALLS)
def test_arguments_by_name_are_computed_in_float32_too(name):
    function, names = CALLS[name]
    samples = [sample.detach() for sample in naive.samples(8, 9, 6, dtype=torch.float32)]
    if name == "domain_bce":
        samples = [sample[:, 0] for sample in samples]
    by_name = dict(zip(names, samples, strict=True))
    expected = function(**by_name)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(function(**by_name), expected)
    halved = {key: value.bfloat16() for key, value in by_name.items()}
    found = function(**halved)
    assert found.dtype == torch.float32
    assert torch.equal(found, function(**{key: value.float() for key, value in halved.items()}))


def test_the_only_argument_by_name():
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(mcc(target_logits=logits), mcc(logits))
    assert mcc(target_logits=logits.bfloat16()).dtype == torch.float32
