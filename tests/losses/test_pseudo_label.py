from __future__ import annotations

import math

import pytest
import torch

from skda.losses import PseudoLabelLoss, pseudo_label


def naive(logits: torch.Tensor, threshold: float) -> torch.Tensor:
    total = logits.new_zeros(())
    for row in logits:
        p = torch.stack([torch.exp(v) for v in row])
        p = p / p.sum()
        if max(float(v) for v in p.detach()) >= threshold:
            total = total - torch.log(p[int(p.argmax())])
    return total / len(logits)


@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.9])
def test_value_and_gradient_of_the_naive_loop(threshold: float) -> None:
    generator = torch.Generator().manual_seed(0)
    ours = (3 * torch.randn(7, 4, generator=generator, dtype=torch.float64)).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    pseudo_label(ours, threshold=threshold).backward()
    naive(theirs, threshold).backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(
        PseudoLabelLoss(threshold=threshold)(ours), naive(theirs, threshold), rtol=1e-10, atol=0
    )


def test_known_value_and_gradcheck() -> None:
    logits = torch.tensor([[math.log(9.0), 0.0]], dtype=torch.float64, requires_grad=True)
    assert pseudo_label(logits, threshold=0.89).item() == pytest.approx(-math.log(0.9))
    assert torch.autograd.gradcheck(lambda x: pseudo_label(x, threshold=0.5), (logits,))


def test_no_confident_row_is_zero_with_a_gradient() -> None:
    logits = torch.zeros(3, 5, requires_grad=True)
    loss = pseudo_label(logits)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros(3, 5))


def test_the_threshold_is_checked() -> None:
    with pytest.raises(ValueError, match="'threshold'"):
        pseudo_label(torch.zeros(2, 2), threshold=-1.0)
