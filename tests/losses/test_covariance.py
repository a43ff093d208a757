import pytest
import torch

from skda.losses import CORALLoss, coral
from tests.losses import naive


@pytest.mark.parametrize(
    ("n_source", "n_target", "d"), [(6, 9, 4), (3, 4, 7), (2, 3, 11), (5, 2, 7)]
)
def test_equals_the_loop_on_both_sides_of_the_gram(n_source, n_target, d):
    naive.assert_same_with_gradient(coral, naive.coral, *naive.samples(n_source, n_target, d))


def test_by_hand():
    # Covariances [[2, 0], [0, 0]] and [[0, 0], [0, 8]].
    source = torch.tensor([[1.0, 5.0], [-1.0, 5.0]])
    target = torch.tensor([[0.0, 2.0], [0.0, -2.0]])
    assert coral(source, target).item() == pytest.approx((2**2 + 8**2) / (4 * 2**2))


@pytest.mark.parametrize("d", [2, 12])
def test_gradient_numerically(d):
    assert torch.autograd.gradcheck(coral, naive.samples(4, 5, d))
    assert torch.autograd.gradgradcheck(coral, naive.samples(4, 5, d))


def test_wide_features_need_no_covariance_matrix():
    # A covariance of 200 000 features would fill 160 GB.
    source = torch.randn(3, 200_000, generator=torch.Generator().manual_seed(0)).double()
    source.requires_grad_()
    value = coral(source, 2 * source.detach())
    value.backward()
    # The target's covariance is four times the source's.
    deviations = (source - source.mean(0)).detach()
    squared_norm = (deviations @ deviations.T).square().sum() / 2**2
    expected = 3**2 * squared_norm / (4 * 200_000**2)
    assert value.item() == pytest.approx(expected.item(), rel=1e-10)
    assert source.grad.abs().max() > 0


@pytest.mark.parametrize("d", [3, 20])
def test_shift_does_not_matter(d):
    source, target = naive.samples(5, 6, d)
    moved = coral(source + 100, target - 50)
    torch.testing.assert_close(moved, coral(source, target), rtol=1e-9, atol=0.0)


def test_a_domain_of_one_row_has_no_covariance():
    source, target = naive.samples(1, 5, 3)
    value = coral(source, target)
    value.backward()
    assert value.item() == 0
    assert (source.grad == 0).all()
    assert (target.grad == 0).all()


def test_module_equals_the_function():
    source, target = naive.samples(5, 6, 3)
    assert torch.equal(CORALLoss()(source, target), coral(source, target))
