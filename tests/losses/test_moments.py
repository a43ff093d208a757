"""The distance of moments: that of M3SDA."""

import numpy as np
import pytest
import torch

from skda.losses import MomentDistanceLoss, moment_distance
from skda.training import DomainOutput
from tests.losses import naive_numpy

GENERATOR = torch.Generator().manual_seed(0)


def sample(n, d=4):
    return torch.randn(n, d, generator=GENERATOR, dtype=torch.float64)


@pytest.mark.parametrize("n_sources", [1, 2, 3])
@pytest.mark.parametrize("n_moments", [1, 2, 4])
def test_it_equals_the_oracle(n_sources, n_moments):
    sources, target = [sample(5 + k) + k for k in range(n_sources)], sample(7)
    arrays = [rows.numpy() for rows in sources]
    expected = naive_numpy.moment_distance(arrays, target.numpy(), n_moments)
    found = moment_distance(sources, target, n_moments=n_moments)
    assert found.item() == pytest.approx(expected, rel=1e-12)
    assert torch.equal(found, MomentDistanceLoss(n_moments)(sources, target))


def test_its_gradient_is_right_and_zero_where_the_means_are_equal():
    sources, target = [sample(4).requires_grad_(), sample(5).requires_grad_()], sample(6)
    target.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda *rows: moment_distance(rows[:2], rows[2]), (*sources, target)
    )
    same = torch.ones(3, 2, requires_grad=True)
    moment_distance([same, same], torch.ones(4, 2)).backward()
    assert torch.equal(same.grad, torch.zeros(3, 2))


def test_models_are_computed_side_by_side():
    sources, target = [sample(10).view(2, 5, 4), sample(12).view(2, 6, 4)], sample(8).view(2, 4, 4)
    both = moment_distance(sources, target)
    for i in range(2):
        one = moment_distance([rows[i] for rows in sources], target[i])
        assert both[i].item() == pytest.approx(one.item())


def test_the_term_sums_over_layers_and_leaves_sources_without_rows_out():
    from skda.methods.discrepancy.m3sda import MomentMatching

    layers, of_target = (sample(9), sample(9, 2)), (sample(5), sample(5, 2))
    source = DomainOutput(layers, sample(9, 3), torch.zeros(9).long(), sizes=(4, 0, 5))
    target = DomainOutput(of_target, sample(5, 3))
    found = MomentMatching(moment_distance)(source, target, 0.5)
    expected = sum(
        moment_distance([f[:4], f[4:]], t) for f, t in zip(layers, of_target, strict=True)
    )
    assert found.item() == pytest.approx(0.5 * expected.item())


def test_what_is_refused():
    with pytest.raises(ValueError, match="'sources' parameter of moment_distance must hold a sa"):
        moment_distance([], sample(3))
    with pytest.raises(ValueError, match="'n_moments' parameter of moment_distance must be an int"):
        moment_distance([sample(3)], sample(3), n_moments=0)
    with pytest.raises(ValueError, match="must have the same number of columns"):
        moment_distance([sample(3)], sample(3, 3))
    assert np.isfinite(moment_distance([sample(1)], sample(1)).item())
