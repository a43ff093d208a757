"""Slopes in float32 are those in float64, for features as they come out of a ReLU."""

import pytest
import torch

from skda.losses import dare_gram, rsd


def slopes(loss, source, target, dtype):
    samples = [rows.to(dtype).requires_grad_() for rows in (source, target)]
    return torch.cat([slope.double() for slope in torch.autograd.grad(loss(*samples), samples)])


@pytest.mark.parametrize(
    ("loss", "shape", "tolerance"),
    [
        (dare_gram, (64, 64), 1e-3),
        (dare_gram, (64, 256), 1e-3),
        (dare_gram, (100, 20), 1e-4),
        (rsd, (100, 20), 5e-3),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_float32_has_the_slope_of_float64(loss, shape, tolerance, seed):
    numbers = torch.Generator().manual_seed(seed)
    source, target = (torch.randn(shape, generator=numbers) for _ in range(2))
    source, target = source.relu(), (1.3 * target + 0.2).relu()
    exact, found = (slopes(loss, source, target, dtype) for dtype in (torch.float64, torch.float32))
    assert (found - exact).norm() < tolerance * exact.norm()
