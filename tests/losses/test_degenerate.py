"""Every loss on degenerate batches is finite, with a finite gradient."""

import math

import pytest
import torch

from skda import losses

FEATURE_LOSSES = {
    "mk_mmd2": losses.mk_mmd2,
    "mk_mmd2_unbiased": lambda s, t: losses.mk_mmd2(s, t, unbiased=True),
    "mk_mmd2_linear": lambda s, t: losses.mk_mmd2(s, t, estimator="linear"),
    "mk_mmd2_33": lambda s, t: losses.mk_mmd2(s, t, n_kernels=33, spacing=math.sqrt(2)),
    "gaussian_mmd2": losses.gaussian_mmd2,
    "linear_mmd2": losses.linear_mmd2,
    "coral": losses.coral,
    "rsd": losses.rsd,
    "dare_gram": losses.dare_gram,
    "jmmd2": lambda s, t: losses.jmmd2([s, s.softmax(1)], [t, t.softmax(1)]),
    "jmmd2_linear": lambda s, t: losses.jmmd2(
        [s, s.softmax(1)], [t, t.softmax(1)], estimator="linear"
    ),
    "domain_bce": lambda s, t: losses.domain_bce(s[:, 0], t[:, :1]),
    "wasserstein_critic": lambda s, t: losses.wasserstein_critic(s[:, 0], t[:, 0]),
    "mcc": lambda s, t: losses.mcc(torch.cat([s, t])),
    "entropy": lambda s, t: losses.entropy(torch.cat([s, t])),
    "nuclear_norm": lambda s, t: losses.nuclear_norm(torch.cat([s, t])),
    "classifier_discrepancy": lambda s, t: losses.classifier_discrepancy(
        t + s.mean(0), t.flip(1) - s.mean(0)
    ),
    "mdd": lambda s, t: losses.mdd(s, s.flip(1), t, t.flip(1)),
    "deepjdot": lambda s, t: losses.deepjdot(s, t, torch.arange(len(s)) % 3, t),
    "outer_product": lambda s, t: losses.linear_mmd2(
        losses.outer_product_map(s, s.softmax(1)), losses.outer_product_map(t, t.softmax(1))
    ),
}


def rows(n, seed=0):
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed))


BATCHES = {
    "one row each": (rows(1), rows(1, 1)),
    "one source row": (rows(1), rows(6, 1)),
    "one target row": (rows(6), rows(1, 1)),
    "many more source rows": (rows(200), rows(3, 1)),
    "three rows": (rows(3), rows(3, 1)),
    "equal rows within a domain": (rows(1).repeat(5, 1), rows(1, 1).repeat(4, 1)),
    "all rows equal": (rows(1).repeat(5, 1), rows(1).repeat(4, 1)),
    "all rows equal, one each": (rows(1), rows(1)),
    "all zero": (torch.zeros(5, 3), torch.zeros(4, 3)),
    "one class certain": (
        torch.tensor([[1000.0, 0.0, 0.0]]).repeat(5, 1),
        torch.tensor([[1000.0, 0.0, 0.0]]).repeat(4, 1),
    ),
    "large": (1e6 * rows(5), 1e6 * rows(4, 1)),
    "small": (1e-8 * rows(5), 1e-8 * rows(4, 1)),
}


@pytest.mark.parametrize("name", FEATURE_LOSSES)
@pytest.mark.parametrize("batch", BATCHES)
def test_value_and_gradient_are_finite(name, batch):
    source, target = (x.clone().requires_grad_() for x in BATCHES[batch])
    value = FEATURE_LOSSES[name](source, target)
    assert value.shape == ()
    assert value.requires_grad
    assert torch.isfinite(value)
    gradients = torch.autograd.grad(value, (source, target), allow_unused=True)
    assert any(gradient is not None for gradient in gradients)
    for gradient in gradients:
        assert gradient is None or torch.isfinite(gradient).all()


@pytest.mark.parametrize(
    "name", [name for name in FEATURE_LOSSES if name.split("_")[0] in ("mk", "gaussian", "coral")]
)
@pytest.mark.parametrize("batch", [name for name in BATCHES if "all" in name.split()])
def test_equal_features_have_no_distance_and_no_gradient(name, batch):
    source, target = (x.clone().requires_grad_() for x in BATCHES[batch])
    value = FEATURE_LOSSES[name](source, target)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert (source.grad == 0).all()
    assert (target.grad == 0).all()


@pytest.mark.parametrize("name", ["mk_mmd2", "linear_mmd2", "coral", "gaussian_mmd2"])
def test_empty_domains_and_wrong_shapes_are_refused(name):
    with pytest.raises(ValueError, match=r"'source' parameter of \w+ must be a float tensor of"):
        FEATURE_LOSSES[name](torch.zeros(0, 3), rows(3))
    with pytest.raises(ValueError, match=r"'target' parameter .* Got .* shape \(3, 1, 3\) instead"):
        FEATURE_LOSSES[name](rows(3), rows(3)[:, None])


def test_arrays_are_refused_by_name_and_nan_comes_through():
    rows = torch.ones(4, 3)
    for given in (rows.numpy(), rows.tolist()):
        with pytest.raises(TypeError, match="The 'target' parameter of coral must be a float ten"):
            losses.coral(rows, given)
        with pytest.raises(TypeError, match="The 'target_logits' parameter of nuclear_norm must"):
            losses.nuclear_norm(given)
    assert losses.nuclear_norm(rows * torch.nan).isnan()
    assert losses.nuclear_norm(torch.stack([rows, rows * torch.nan])).isnan().tolist() == [0, 1]
