import math
import re

import pytest
import torch

from skda.losses import gaussian_kernel_mean
from tests.losses import naive

SPACINGS = [2.0, math.sqrt(2), 2 ** (1 / 3), 1.5, 4.0, 1.01]


def direct(distances, bandwidth, n_kernels, spacing, weights):
    return naive.gaussian_mixture(distances, bandwidth, n_kernels, spacing, weights)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("n_kernels", [1, 2, 5, 6, 12, 33])
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_repeated_squaring_equals_direct_exponentials(spacing, n_kernels, dtype, rtol):
    exact = torch.cat([torch.zeros(1), torch.logspace(-6, 2.5, 300)]).double().requires_grad_()
    distances = exact.detach().to(dtype).requires_grad_()
    # One kernel at a time, so that a wide one cannot hide the error of a narrow one.
    for weights in torch.eye(n_kernels, dtype=torch.float64):
        expected = direct(exact, 1.7, n_kernels, spacing, weights)
        (slope,) = torch.autograd.grad(expected.sum(), exact)
        kernel = gaussian_kernel_mean(
            distances, 1.7, n_kernels=n_kernels, spacing=spacing, weights=weights
        )
        (our_slope,) = torch.autograd.grad(kernel.sum(), distances)
        counts = expected > 1e-7
        torch.testing.assert_close(kernel.double()[counts], expected[counts], rtol=rtol, atol=0.0)
        torch.testing.assert_close(our_slope.double()[counts], slope[counts], rtol=rtol, atol=0.0)
        assert (kernel[~counts] <= 1.1e-7).all()


def test_weights_default_to_the_mean():
    distances = torch.linspace(0, 5, 20, dtype=torch.float64)
    torch.testing.assert_close(
        gaussian_kernel_mean(distances, 2.0, n_kernels=4),
        gaussian_kernel_mean(distances, 2.0, n_kernels=4, weights=[0.25] * 4),
        rtol=1e-15,
        atol=0.0,
    )


def test_gradient_numerically():
    distances = torch.rand(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    distances.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda d2: gaussian_kernel_mean(d2, 0.8, n_kernels=7, spacing=2**0.5), (distances,)
    )


def test_the_second_derivative_is_right_too():
    distances = torch.rand(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    distances.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda d2: gaussian_kernel_mean(d2, 0.8), (distances,))


def test_the_input_is_not_overwritten():
    distances = torch.linspace(0, 3, 9)
    before = distances.clone()
    gaussian_kernel_mean(distances, 1.0)
    assert torch.equal(distances, before)


def test_bandwidths_lie_around_the_middle_one():
    def found(bandwidth, n_kernels, spacing, at):
        """Bandwidths of single kernels, from their values at this squared distance."""
        distance = torch.tensor(at, dtype=torch.float64)
        values = [
            gaussian_kernel_mean(
                distance, bandwidth, n_kernels=n_kernels, spacing=spacing, weights=one_alone
            )
            for one_alone in torch.eye(n_kernels)
        ]
        return -distance / torch.stack(values).log()

    expected = torch.tensor([0.5, 1, 2, 4, 8], dtype=torch.float64)
    torch.testing.assert_close(found(2.0, 5, 2.0, at=1.0), expected)
    paper = found(1.0, 33, 2**0.5, at=0.5)
    expected = torch.tensor([2**-8, 1, 2**8], dtype=torch.float64)
    torch.testing.assert_close(paper[[0, 16, 32]], expected)


@pytest.mark.parametrize("bandwidth", [0.0, 1e-45])
def test_no_bandwidth_gives_ones_without_gradient(bandwidth):
    distances = torch.zeros(3, 3, requires_grad=True)
    kernel = gaussian_kernel_mean(distances, torch.tensor(bandwidth))
    kernel.sum().backward()
    assert (kernel == 1).all()
    assert (distances.grad == 0).all()


def test_wrong_number_of_weights():
    message = "The 'weights' of the kernels must be n_kernels=5 numbers, one a kernel. "
    with pytest.raises(ValueError, match=re.escape(message + "Got shape (3,) instead.")):
        gaussian_kernel_mean(torch.zeros(2), 1.0, weights=[1.0, 1.0, 1.0])
