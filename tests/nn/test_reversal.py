import pytest
import torch
from torch import nn

from skda.nn import GradientReversal, reverse_gradient


def features() -> torch.Tensor:
    return torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_forward_is_the_identity() -> None:
    x = features()
    assert torch.equal(reverse_gradient(x, 0.7), x)
    assert torch.equal(GradientReversal(0.7)(x), x)


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0, 2.5, -1.0])
def test_gradient_is_multiplied_by_minus_lam(lam: float) -> None:
    x = features().requires_grad_()
    (plain,) = torch.autograd.grad((x**3).sum(), x)
    (reversed_,) = torch.autograd.grad((reverse_gradient(x, lam) ** 3).sum(), x)
    torch.testing.assert_close(reversed_, -lam * plain, rtol=0, atol=0)


def test_each_model_has_its_own_strength() -> None:
    x = features().expand(2, 3, 5, 3).clone().requires_grad_()
    strengths = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)
    (plain,) = torch.autograd.grad((x**3).sum(), x)
    for given in (strengths, strengths[..., None, None]):
        (reversed_,) = torch.autograd.grad((reverse_gradient(x, given) ** 3).sum(), x)
        expected = -strengths[..., None, None] * plain
        torch.testing.assert_close(reversed_, expected, rtol=0, atol=0)


def test_only_what_lies_below_the_reversal_is_reversed() -> None:
    with torch.random.fork_rng():
        below, above = nn.Linear(3, 4).double(), nn.Linear(4, 1).double()
    x = features()
    parameters = [*below.parameters(), *above.parameters()]
    plain = torch.autograd.grad(above(below(x)).square().mean(), parameters)
    loss = above(reverse_gradient(below(x), 0.25)).square().mean()
    game = torch.autograd.grad(loss, parameters)
    for before, after in zip(plain[:2], game[:2], strict=True):
        torch.testing.assert_close(after, -0.25 * before)
    for before, after in zip(plain[2:], game[2:], strict=True):
        assert torch.equal(after, before)  # the discriminator descends at weight 1


def test_strength_of_the_module_may_change_between_steps() -> None:
    reversal = GradientReversal()
    grads = []
    for lam in (1.0, 0.5):
        reversal.lam = lam
        x = torch.ones(1, requires_grad=True)
        reversal(x).backward()
        grads.append(x.grad.item())
    assert grads == [-1.0, -0.5]
    assert repr(reversal) == "GradientReversal(lam=0.5)"
