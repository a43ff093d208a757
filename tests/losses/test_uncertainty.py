import math

import pytest
import torch

from skda.losses import EntropyLoss, entropy, row_entropy
from tests.losses import naive


def test_row_entropy_equals_the_loop():
    rows, _ = naive.samples(5, 1, 4)
    naive.assert_same_with_gradient(
        row_entropy, lambda x: torch.stack([naive.row_entropy(row) for row in x]), rows
    )


def test_entropy_is_the_mean_over_the_rows():
    rows, _ = naive.samples(5, 1, 4)
    naive.assert_same_with_gradient(
        entropy, lambda x: sum(naive.row_entropy(row) for row in x) / 5, rows
    )
    assert torch.autograd.gradcheck(entropy, (rows,))
    assert torch.equal(EntropyLoss()(rows), entropy(rows))


def test_by_hand():
    logits = torch.tensor([[0.0, 0.0], [math.log(3.0), 0.0]])
    quarters = 0.75 * math.log(4 / 3) + 0.25 * math.log(4)
    torch.testing.assert_close(row_entropy(logits), torch.tensor([math.log(2), quarters]))


def test_certain_rows_have_none_and_a_finite_gradient():
    logits = torch.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    value = entropy(logits)
    value.backward()
    assert value.item() == 0
    assert (logits.grad == 0).all()


def test_message():
    with pytest.raises(ValueError, match=r"The 'logits' parameter of row_entropy must be a float"):
        entropy(torch.zeros(4))
