"""RSD and DARE-GRAM: the losses made for regression."""

import numpy as np
import pytest
import torch

from skda.losses import DAREGRAMLoss, RSDLoss, dare_gram, rsd
from tests.losses import naive, naive_numpy

SHAPES = [(6, 9, 4), (3, 4, 7), (2, 3, 11), (5, 2, 7), (1, 4, 3), (9, 12, 6)]


def arrays(*tensors):
    return [tensor.detach().numpy() for tensor in tensors]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mismatch", [0.0, 0.1])
def test_rsd_equals_the_oracle(shape, mismatch):
    source, target = naive.samples(*shape)
    expected = naive_numpy.rsd(*arrays(source, target), mismatch)
    assert rsd(source, target, mismatch=mismatch).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("threshold", "scale"), [(0.99, 0.7), (0.5, 0.0), (1.0, 2.0)])
def test_dare_gram_equals_the_oracle(shape, threshold, scale):
    source, target = naive.samples(*shape)
    expected = naive_numpy.dare_gram(*arrays(source, target), threshold, scale)
    found = dare_gram(source, target, threshold=threshold, scale=scale)
    assert found.item() == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("shape", [(6, 9, 4), (2, 3, 11), (5, 2, 7)])
@pytest.mark.parametrize("loss", [rsd, dare_gram])
def test_gradients_numerically(loss, shape):
    assert torch.autograd.gradcheck(loss, naive.samples(*shape))


def test_rsd_by_hand():
    # planes of R^4 that share one axis; the others are 30 degrees apart
    angle = np.deg2rad(30)
    source = torch.tensor([[3.0, 0, 0, 0], [0, 2.0, 0, 0]], dtype=torch.float64)
    target = torch.zeros(2, 4, dtype=torch.float64)
    target[0, 0], target[1, 1], target[1, 2] = 7.0, np.cos(angle), np.sin(angle)
    assert rsd(source, target).item() == pytest.approx(0.5, rel=1e-9)


def test_dare_gram_by_hand():
    # Gram matrices I and diag(1, 4): equal directions, eigenvalues (1, 1) and (4, 1)
    source, target = torch.tensor([[1.0], [-1.0]]), torch.tensor([[2.0], [-2.0]])
    assert dare_gram(source, target, scale=1.0).item() == pytest.approx(3 / 2)
    assert dare_gram(source, target, scale=0.0).item() == pytest.approx(0, abs=1e-6)


def test_the_length_of_the_features_is_no_matter_of_rsd():
    source, target = naive.samples(3, 4, 8)
    torch.testing.assert_close(rsd(7 * source, target / 3), rsd(source, target))
    rotation = torch.linalg.qr(torch.randn(8, 8, dtype=torch.float64))[0]
    both = rsd(source @ rotation, target @ rotation, mismatch=0.0)
    torch.testing.assert_close(both, rsd(source, target, mismatch=0.0))


@pytest.mark.parametrize("loss", [rsd, dare_gram])
@pytest.mark.parametrize("d", [3, 20])
def test_equal_samples_are_at_no_distance(loss, d):
    sample, _ = (x.float().detach() for x in naive.samples(9, 9, d))
    source, target = sample.clone().requires_grad_(), sample.flip(0).requires_grad_()
    value = loss(source, target)
    value.backward()
    assert abs(value.item()) < 1e-3
    assert source.grad.isfinite().all()
    assert source.grad.abs().max() < 0.1


@pytest.mark.parametrize("loss", [rsd, dare_gram])
def test_a_unit_that_is_never_active_changes_little(loss):
    source, target = naive.samples(5, 6, 7, dtype=torch.float32)
    dead = torch.ones(7)
    dead[3] = 0
    source, target = ((x * dead).detach().requires_grad_() for x in (source, target))
    value = loss(source, target)
    value.backward()
    assert value.isfinite()
    assert source.grad.abs().max() < 10
    without = [x.detach()[:, dead > 0] for x in (source, target)]
    if loss is dare_gram:  # the mean is over one column more
        expected = (
            dare_gram(*without, scale=0.0) * 7 / 8
            + dare_gram(*without)
            - dare_gram(*without, scale=0.0)
        )
        assert value.item() == pytest.approx(expected.item(), rel=1e-4)
    else:
        assert value.item() == pytest.approx(rsd(*without).item(), rel=1e-4)


@pytest.mark.parametrize("loss", [rsd, dare_gram])
def test_what_is_not_finite_is_not_hidden(loss):
    source, target = naive.samples(5, 6, 4)
    with torch.no_grad():
        source[0, 0] = torch.nan
    assert loss(source, target).isnan()


@pytest.mark.parametrize(
    ("loss", "option", "value"),
    [
        (rsd, "mismatch", -0.1),
        (dare_gram, "threshold", 0.0),
        (dare_gram, "threshold", 1.5),
        (dare_gram, "scale", -1.0),
    ],
)
def test_options_out_of_range(loss, option, value):
    with pytest.raises(
        ValueError, match=f"'{option}' parameter of {loss.__name__} must be a float"
    ):
        loss(*naive.samples(3, 3, 4), **{option: value})


def test_modules_equal_the_functions():
    samples = naive.samples(5, 6, 8)
    assert torch.equal(RSDLoss(0.5)(*samples), rsd(*samples, mismatch=0.5))
    expected = dare_gram(*samples, threshold=0.8, scale=0.1)
    assert torch.equal(DAREGRAMLoss(0.8, 0.1)(*samples), expected)
