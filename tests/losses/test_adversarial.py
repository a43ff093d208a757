import math
import re

import pytest
import torch
from torch import nn

from skda.losses import (
    DomainBCELoss,
    WassersteinCriticLoss,
    domain_bce,
    entropy_weights,
    gradient_penalty,
    pooled_domain_bce,
    wasserstein_critic,
)
from tests.losses import naive


def logits(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, generator=generator, dtype=torch.float64).mul(2).requires_grad_()


def weights(n, seed=5):
    return torch.rand(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.1


@pytest.mark.parametrize("weighted", [False, True])
def test_domain_bce_equals_the_loop(weighted):
    given = {"source_weights": weights(5), "target_weights": weights(3, 6)} if weighted else {}
    ones = (torch.ones(5), torch.ones(3))
    naive.assert_same_with_gradient(
        lambda s, t: domain_bce(s, t, **given),
        lambda s, t: naive.domain_bce(s, t, *(given.values() or ones)),
        logits(5),
        logits(3, 1),
    )


def test_domain_bce_gradient_numerically():
    given = {"source_weights": weights(4), "target_weights": weights(3, 6)}
    assert torch.autograd.gradcheck(
        lambda s, t: domain_bce(s, t, **given), (logits(4), logits(3, 1))
    )


def test_both_terms_count_each_with_its_own_label():
    # Widespread notes print log 1/G in both terms: then a discriminator that predicts "target" for
    # every row would be perfect.
    for everything in (20.0, -20.0):
        source, target = torch.full((4,), everything), torch.full((2,), everything)
        assert domain_bce(source, target).item() == pytest.approx(20, abs=1e-4)
    right = domain_bce(torch.full((4,), -20.0), torch.full((2,), 20.0))
    assert right.item() == pytest.approx(0, abs=1e-6)


def test_each_domain_counts_the_same_whatever_its_size():
    source, target = logits(3), logits(4, 1)
    once = domain_bce(source, target)
    torch.testing.assert_close(domain_bce(source.repeat(50), target), once, rtol=1e-12, atol=0.0)
    torch.testing.assert_close(domain_bce(source, target.repeat(50)), once, rtol=1e-12, atol=0.0)


def test_domain_bce_by_hand():
    assert domain_bce(torch.zeros(9), torch.zeros(2)).item() == pytest.approx(2 * math.log(2))
    # G = 1/4 on the source, 3/4 on the target.
    source, target = torch.tensor([-math.log(3.0)]), torch.tensor([math.log(3.0)])
    assert domain_bce(source, target).item() == pytest.approx(2 * math.log(4 / 3))


def test_a_column_of_logits_is_the_same_as_a_row():
    source, target = logits(5), logits(3, 1)
    assert torch.equal(domain_bce(source[:, None], target), domain_bce(source, target[:, None]))


def test_extreme_logits_stay_finite():
    source = torch.tensor([1e4, -1e4], requires_grad=True)
    target = torch.tensor([-1e4, 1e4], requires_grad=True)
    value = domain_bce(source, target)
    value.backward()
    assert value.item() == pytest.approx(1e4)
    torch.testing.assert_close(source.grad, torch.tensor([0.5, 0.0]))
    torch.testing.assert_close(target.grad, torch.tensor([-0.5, 0.0]))


def test_entropy_weights_equal_the_loop_and_are_detached():
    _, rows = naive.samples(1, 6, 3)
    found = entropy_weights(rows)
    raw = torch.stack([1 + torch.exp(-naive.row_entropy(row)) for row in rows])
    torch.testing.assert_close(found, (raw / raw.mean()).detach(), rtol=1e-12, atol=0.0)
    assert not found.requires_grad
    assert found.mean().item() == pytest.approx(1)


def test_confident_rows_weigh_more():
    found = entropy_weights(torch.tensor([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [60.0, 0.0, 0.0]]))
    assert found[0] < found[1] < found[2]
    assert (found[2] / found[0]).item() == pytest.approx(2 / (1 + 1 / 3))


def test_wasserstein_critic():
    naive.assert_same_with_gradient(
        wasserstein_critic, lambda s, t: sum(s) / 5 - sum(t) / 3, logits(5), logits(3, 1)
    )
    assert torch.autograd.gradcheck(wasserstein_critic, (logits(5), logits(3, 1)))


class Critic(nn.Module):
    """A small critic with a gradient that can be written down."""

    def __init__(self, d=3):
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.inner = nn.Parameter(torch.randn(d, 4, generator=generator, dtype=torch.float64))
        self.outer = nn.Parameter(torch.randn(4, 1, generator=generator, dtype=torch.float64))

    def forward(self, rows):
        return torch.tanh(rows @ self.inner) @ self.outer


def naive_penalty(source, target, inner, outer, generator):
    n = max(len(source), len(target))
    mix = torch.rand(n, 1, generator=generator)
    between = [
        mix[i].item() * source[i % len(source)] + (1 - mix[i].item()) * target[i % len(target)]
        for i in range(n)
    ]
    points, total = [*source, *target, *between], 0
    for point in points:
        activation = [
            torch.tanh(sum(point[a] * inner[a, b] for a in range(len(point)))) for b in range(4)
        ]
        slopes = [
            sum(outer[b, 0] * (1 - activation[b] ** 2) * inner[a, b] for b in range(4))
            for a in range(len(point))
        ]
        total = total + (torch.sqrt(sum(slope**2 for slope in slopes)) - 1) ** 2
    return total / len(points)


@pytest.mark.parametrize(("n_source", "n_target"), [(4, 4), (5, 2), (1, 3)])
def test_gradient_penalty_equals_the_written_out_gradient(n_source, n_target):
    source, target = (x.detach() for x in naive.samples(n_source, n_target, 3))
    critic = Critic()

    def ours(inner, outer):
        rng = torch.Generator().manual_seed(7)
        return gradient_penalty(
            source, target, lambda points: torch.tanh(points @ inner) @ outer, generator=rng
        )

    def theirs(inner, outer):
        rng = torch.Generator().manual_seed(7)
        return naive_penalty(source, target, inner, outer, rng)

    naive.assert_same_with_gradient(ours, theirs, critic.inner, critic.outer)
    assert torch.autograd.gradcheck(ours, (critic.inner, critic.outer))


def test_gradient_penalty_trains_the_critic_alone_and_leaves_the_global_generator():
    source, target = naive.samples(4, 6, 3)
    critic, before = Critic(), torch.get_rng_state()
    gradient_penalty(source, target, critic, generator=torch.Generator().manual_seed(0)).backward()
    assert source.grad is None
    assert target.grad is None
    assert critic.inner.grad.abs().max() > 0
    assert torch.equal(torch.get_rng_state(), before)


def test_gradient_penalty_of_a_flat_critic_is_finite():
    source, target = naive.samples(4, 6, 3)
    critic = Critic()
    nn.init.zeros_(critic.outer)
    value = gradient_penalty(source, target, critic, generator=torch.Generator())
    value.backward()
    assert value.item() == 1
    assert torch.isfinite(critic.outer.grad).all()


def test_modules_equal_the_functions():
    source, target = logits(5), logits(3, 1)
    given = (weights(5), weights(3))
    assert torch.equal(
        DomainBCELoss()(source, target, *given),
        domain_bce(source, target, source_weights=given[0], target_weights=given[1]),
    )
    assert torch.equal(WassersteinCriticLoss()(source, target), wasserstein_critic(source, target))


@pytest.mark.parametrize("shape", [(4, 2), (0,), (), (2, 1, 1)])
def test_one_logit_a_row_is_asked_for(shape):
    message = (
        "The 'target_logits' parameter of domain_bce must hold one number a row, in shape (n,) or "
        f"(n, 1) with n >= 1. Got shape {shape} instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        domain_bce(torch.zeros(3), torch.zeros(shape))


def test_weights_never_broadcast():
    message = (
        "The 'source_weights' parameter of domain_bce must hold one weight a row, in shape (3,). "
        "Got shape (3, 1) instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        domain_bce(torch.zeros(3), torch.zeros(3), source_weights=torch.ones(3, 1))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n_source", "n_target"), [(4, 3), (1, 5), (61, 64)])
def test_pooled_logits_have_the_same_loss_and_gradient(n_source, n_target, weighted):
    pooled = logits(n_source + n_target, 1)
    apart = [pooled.detach()[:n_source], pooled.detach()[n_source:]]
    for part in apart:
        part.requires_grad_()
    of_rows = weights(n_source + n_target) if weighted else None
    of_each = of_rows.split([n_source, n_target]) if weighted else (None, None)
    together = pooled_domain_bce(pooled, n_source, of_rows)
    expected = domain_bce(*apart, source_weights=of_each[0], target_weights=of_each[1])
    torch.testing.assert_close(together, expected, rtol=1e-12, atol=0.0)
    (gradient,) = torch.autograd.grad(together, pooled)
    parts = torch.autograd.grad(expected, apart)
    torch.testing.assert_close(gradient, torch.cat(parts), rtol=1e-12, atol=0.0)


def test_pooled_weights_may_have_another_precision():
    pooled, of_rows = logits(5), weights(5)
    found = pooled_domain_bce(pooled, 2, of_rows.float())
    torch.testing.assert_close(found, pooled_domain_bce(pooled, 2, of_rows), rtol=1e-6, atol=0.0)


def test_pooled_weights_never_broadcast():
    message = (
        "The 'weights' parameter of pooled_domain_bce must hold one weight a row, in shape (3,). "
        "Got shape (1,) instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        pooled_domain_bce(torch.zeros(3), 2, torch.ones(1))


@pytest.mark.parametrize("n_source", [0, 3, 7])
def test_pooled_logits_of_one_domain_are_refused(n_source):
    message = f"must leave at least one row to each domain. Got {n_source} of 3 rows instead."
    with pytest.raises(ValueError, match=message):
        pooled_domain_bce(torch.zeros(3), n_source)
