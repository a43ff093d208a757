import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skda.losses import kernel_weights, linear_mmd2, mk_mmd2
from skda.methods.adversarial.cdan import ConditionalAdversary
from skda.methods.adversarial.dann import Adversary
from skda.methods.discrepancy.dan import WeightedKernels
from skda.nn import DomainDiscriminator
from skda.training import Discrepancy, DomainOutput, features_of_both

GENERATOR = torch.Generator().manual_seed(0)


def passed(n: int, moved: float = 0.0, widths: tuple[int, ...] = (3, 2)) -> DomainOutput:
    features = tuple(
        (torch.randn(n, w, generator=GENERATOR) + moved).requires_grad_() for w in widths
    )
    return DomainOutput(features, torch.zeros(n, 2), None)


SOURCE, TARGET = passed(8), passed(5, moved=2.0)


def gradients(adaptation: nn.Module, lam: float, of: Any) -> tuple[Tensor, ...]:
    return torch.autograd.grad(adaptation(SOURCE, TARGET, lam), list(of))


def test_discrepancy_is_the_weighted_sum_over_the_layers() -> None:
    total = Discrepancy(linear_mmd2)(SOURCE, TARGET, 0.25)
    by_hand = sum(
        ((s.mean(0) - t.mean(0)) ** 2).sum()
        for s, t in zip(SOURCE.features, TARGET.features, strict=True)
    )
    torch.testing.assert_close(total, 0.25 * by_hand)
    assert by_hand > 10


def test_gradient_of_a_discrepancy_is_proportional_to_lam() -> None:
    features = [*SOURCE.features, *TARGET.features]
    once = gradients(Discrepancy(linear_mmd2), 1.0, features)
    thrice = gradients(Discrepancy(linear_mmd2), 3.0, features)
    for a, b in zip(once, thrice, strict=True):
        torch.testing.assert_close(3 * a, b)


def test_kernel_weights_are_uniform_until_they_are_chosen() -> None:
    weighted = WeightedKernels(2, n_kernels=3, spacing=2.0)
    torch.testing.assert_close(weighted.beta, torch.full((2, 3), 1 / 3))
    expected = sum(
        mk_mmd2(s, t, n_kernels=3) for s, t in zip(SOURCE.features, TARGET.features, strict=True)
    )
    torch.testing.assert_close(weighted(SOURCE, TARGET, 0.5), 0.5 * expected)


@pytest.mark.parametrize("estimate", [{}, {"estimator": "linear"}, {"unbiased": True}])
def test_kernel_weights_of_each_layer_enter_its_loss(estimate: dict[str, Any]) -> None:
    weighted = WeightedKernels(2, n_kernels=5, spacing=1.5, **estimate)
    sample = torch.Generator().manual_seed(1)
    source = tuple(torch.randn(200, w, generator=sample) for w in (3, 2))
    target = tuple(torch.randn(200, w, generator=sample) * 2 + 1 for w in (3, 2))
    weighted.start_epoch(source, target)
    expected = torch.zeros(())
    for layer in range(2):
        beta = kernel_weights(source[layer], target[layer], n_kernels=5, spacing=1.5)
        assert torch.equal(weighted.beta[layer], beta)
        torch.testing.assert_close(beta.sum(), torch.ones(()))
        expected = expected + mk_mmd2(
            SOURCE.features[layer],
            TARGET.features[layer],
            n_kernels=5,
            spacing=1.5,
            weights=beta,
            **estimate,
        )
    assert not torch.equal(weighted.beta[0], weighted.beta[1])
    torch.testing.assert_close(weighted(SOURCE, TARGET, 2.0), 2 * expected)
    assert list(weighted.state_dict()) == ["beta"]  # saved with the model


def naive_adversarial_loss(discriminator: nn.Module) -> float:
    """log 1/(1-G) on the source and log 1/G on the target, each domain averaged first."""
    total = 0.0
    for domain, label in ((SOURCE, 0), (TARGET, 1)):
        rows = torch.cat(domain.features, 1)
        losses = []
        for row in rows:
            g = 1 / (1 + math.exp(-discriminator(row[None]).item()))
            losses.append(-math.log(g if label else 1 - g))
        total += sum(losses) / len(losses)
    return total


@pytest.mark.parametrize("lam", [0.0, 0.3, 5.0])
def test_adversarial_loss_by_hand(lam: float) -> None:
    discriminator = DomainDiscriminator(5, hidden=(4,))
    loss = Adversary(discriminator)(SOURCE, TARGET, lam)
    assert loss.item() == pytest.approx(naive_adversarial_loss(discriminator), rel=1e-5)


def test_the_discriminator_learns_at_weight_one_whatever_lam() -> None:
    adversary = Adversary(DomainDiscriminator(5, hidden=(4,)))
    reference = gradients(adversary, 1.0, adversary.parameters())
    assert all(g.abs().sum() > 0 for g in reference)
    for lam in (0.0, 0.01, 7.0, -1.0):
        for ours, theirs in zip(
            gradients(adversary, lam, adversary.parameters()), reference, strict=True
        ):
            assert torch.equal(ours, theirs)


@pytest.mark.parametrize("lam", [0.0, 0.3, 7.0])
def test_the_features_ascend_on_its_loss_by_lam(lam: float) -> None:
    adversary = Adversary(DomainDiscriminator(5, hidden=(4,)))
    features = [*SOURCE.features, *TARGET.features]
    n = len(SOURCE.logits)
    rows = torch.cat([torch.cat(SOURCE.features, 1), torch.cat(TARGET.features, 1)])
    logits = adversary.discriminator(rows)
    bce = nn.functional.binary_cross_entropy_with_logits
    plain_loss = bce(logits[:n], torch.zeros(n)) + bce(logits[n:], torch.ones(len(logits) - n))
    plain = torch.autograd.grad(plain_loss, features)
    for ours, theirs in zip(gradients(adversary, lam, features), plain, strict=True):
        torch.testing.assert_close(ours, -lam * theirs)


def test_both_domains_pass_the_discriminator_together() -> None:
    sizes = []

    class Counting(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            sizes.append(tuple(features.shape))
            return features.sum(1, keepdim=True)  # (n, 1) is as good as (n,)

    loss = Adversary(Counting())(SOURCE, TARGET, 1.0)
    assert sizes == [(13, 5)]
    assert loss.item() == pytest.approx(
        naive_adversarial_loss(Counting()),
        rel=1e-5,
    )


class SumOfFeatures(nn.Module):
    """A fake discriminator of many models, with a different logit for each row."""

    def forward(self, features: Tensor) -> Tensor:
        return features.sum(-1)


def test_rows_by_turns_give_the_loss_and_the_logits_of_rows_in_order() -> None:
    rows = torch.randn(2, 4, 6, 3, generator=GENERATOR)  # 2 domains of 4 models with 6 rows
    in_order = [DomainOutput((of_one,), of_one) for of_one in rows]
    turns = rows.permute(1, 2, 0, 3).flatten(1, 2)
    by_turns = [output._replace(both=(turns,), by_turns=True) for output in in_order]
    for term in (Adversary(SumOfFeatures()), conditional()):
        losses, logits = [], []
        for outputs in (in_order, by_turns):
            losses.append(term(*outputs, 1.0))
            logits.append(term.domain_logits[0])
        torch.testing.assert_close(*losses)
        torch.testing.assert_close(*logits)
        assert losses[0].shape == (4,)
    torch.testing.assert_close(features_of_both(*by_turns), torch.cat([*rows], -2))


def conditional() -> ConditionalAdversary:
    return ConditionalAdversary(
        lambda _: SumOfFeatures(), 3, 3, max_width=9, random_width=4, entropy_weighting=True
    )
