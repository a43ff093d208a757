import pytest
import torch

from skda import losses
from skda.losses import coral, domain_bce, jmmd2, linear_mmd2, mcc, mk_mmd2
from tests.losses import naive

LOSSES = {
    "mk_mmd2": mk_mmd2,
    "linear_time": lambda s, t: mk_mmd2(s, t, estimator="linear"),
    "jmmd2": lambda s, t: jmmd2([s, s.softmax(1)], [t, t.softmax(1)]),
    "linear_mmd2": linear_mmd2,
    "coral": coral,
    "coral_wide": lambda s, t: coral(s[:2], t[:2]),
    "domain_bce": lambda s, t: domain_bce(s[:, 0], t[:, 0]),
    "mcc": lambda s, t: mcc(torch.cat([s, t])),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(name, dtype):
    source, target = (x.detach().to(dtype).requires_grad_() for x in naive.samples(8, 9, 6))
    value = LOSSES[name](source, target)
    expected = LOSSES[name](source.detach().double(), target.detach().double())
    assert value.dtype == torch.float32
    # jmmd2's and linear_time's arguments are prepared outside, in half precision.
    assert value.item() == pytest.approx(expected.item(), rel=2e-2 if name == "jmmd2" else 1e-4)
    value.backward()
    assert source.grad.dtype == dtype
    assert torch.isfinite(source.grad).all()


MIXED = {
    **{name: getattr(losses, name) for name in ("coral", "rsd", "dare_gram", "linear_mmd2")},
    **{name: getattr(losses, name) for name in ("mk_mmd2", "gaussian_mmd2", "squared_distances")},
    "moment_distance": lambda s, t: losses.moment_distance([s], t),
    "jmmd2": lambda s, t: jmmd2([s, s], [t, t]),
    "domain_bce": lambda s, t: domain_bce(s[:, :1], t[:, :1]),
    "wasserstein_critic": lambda s, t: losses.wasserstein_critic(s[:, :1], t[:, :1]),
    "mdd": lambda s, t: losses.mdd(s, s + 1, t, t + 1),
    "outer_product_map": lambda s, t: losses.outer_product_map(s, t[:8].softmax(1)),
    "deepjdot": lambda s, t: losses.deepjdot(s, t, torch.arange(8) % 6, t),
    "keywords": lambda s, t: coral(source=s, target=t),
    "CORALLoss": losses.CORALLoss(),
}


@pytest.mark.parametrize("name", MIXED)
def test_rows_of_two_precisions_are_compared_in_the_wider_one(name):
    source, target = (x.detach().requires_grad_() for x in naive.samples(8, 9, 6))
    expected = MIXED[name](source, target)
    for narrow in range(2):
        pair = [source.detach(), target.detach()]
        pair[narrow] = pair[narrow].float()
        for rows in pair:
            rows.requires_grad_()
        value = MIXED[name](*pair)
        assert value.dtype == torch.float64
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)
        value.sum().backward()
        assert pair[narrow].grad is None or pair[narrow].grad.dtype == torch.float32


def test_a_bandwidth_of_float64_widens_nothing():
    source, target = naive.samples(8, 9, 6, dtype=torch.float32)
    bandwidth = torch.tensor(2.0, dtype=torch.float64)
    narrow = losses.gaussian_mmd2(source, target, bandwidth=bandwidth)
    torch.testing.assert_close(narrow.float(), losses.gaussian_mmd2(source, target, bandwidth=2.0))


@pytest.mark.parametrize("name", ["mk_mmd2", "linear_time", "linear_mmd2", "coral", "coral_wide"])
def test_autocast_changes_nothing(name):
    source, target = naive.samples(8, 9, 6, dtype=torch.float32)
    expected = LOSSES[name](source, target)
    (expected_gradient,) = torch.autograd.grad(expected, source)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = LOSSES[name](source, target)
        (gradient,) = torch.autograd.grad(value, source)
    assert torch.equal(value, expected)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-5, atol=1e-7)
