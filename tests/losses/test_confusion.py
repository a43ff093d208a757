import math
import re

import pytest
import torch

from skda.losses import (
    BNMLoss,
    ClassifierDiscrepancyLoss,
    MCCLoss,
    MDDLoss,
    classifier_discrepancy,
    mcc,
    mdd,
    nuclear_norm,
)
from tests.losses import naive


def logits(n=6, k=3, seed=0):
    return naive.samples(n, 1, k, seed=seed)[0]


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("n", [6, 2])
def test_mcc_equals_the_confusion_matrix_by_loops(temperature, n):
    naive.assert_same_with_gradient(
        lambda x: mcc(x, temperature=temperature), lambda x: naive.mcc(x, temperature), logits(n)
    )


def test_mcc_weighs_the_classes_by_their_shares():
    priors = [0.7, 0.3, 0.0]
    naive.assert_same_with_gradient(
        lambda x: mcc(x, priors=torch.tensor(priors, dtype=x.dtype)),
        lambda x: naive.mcc(x, 2.5, priors),
        logits(6),
    )
    # with leading axes, each model has its own shares
    rows = torch.stack([logits(6), logits(6, seed=1)])
    shares = torch.tensor([priors, [0.2, 0.2, 0.6]], dtype=rows.dtype)
    alone = [mcc(x, priors=p) for x, p in zip(rows, shares, strict=True)]
    torch.testing.assert_close(mcc(rows, priors=shares), torch.stack(alone))


def test_mcc_gradient_numerically():
    # The weights of the rows are constants for autograd, but not for finite differences: compare
    # with the same sum with fixed weights.
    rows = logits(4)
    value = mcc(rows, temperature=1.0)
    (gradient,) = torch.autograd.grad(value, rows)
    weights = torch.stack([1 + torch.exp(-naive.row_entropy(row)) for row in rows]).detach()

    def held(x):
        p = x.softmax(1)
        matrix = p.T @ (weights[:, None] * p)
        return 1 - (matrix.diagonal() / matrix.sum(1)).mean()

    assert torch.autograd.gradcheck(held, (rows,))
    torch.testing.assert_close(
        gradient, torch.autograd.grad(held(rows), rows)[0], rtol=1e-10, atol=1e-14
    )


def test_mcc_by_hand():
    assert mcc(torch.zeros(5, 4)).item() == pytest.approx(3 / 4)
    assert mcc(100 * torch.eye(3)).item() == pytest.approx(0, abs=1e-6)
    # Two rows (3/4, 1/4) and (1/4, 3/4) of equal weight: C_jj / C_j. = (9 + 1) / 16.
    rows = torch.tensor([[math.log(3.0), 0.0], [0.0, math.log(3.0)]])
    assert mcc(rows, temperature=1.0).item() == pytest.approx(6 / 16)


@pytest.mark.parametrize("n", [5, 2, 1])
def test_mcc_of_a_class_that_no_row_predicts_is_finite(n):
    rows = logits(n).detach()
    rows[:, 2] = -1e4
    rows.requires_grad_()
    value = mcc(rows)
    value.backward()
    assert 0 < value.item() < 1
    assert torch.isfinite(rows.grad).all()


def test_mcc_training_separates_the_classes():
    rows = logits(12).detach().requires_grad_()
    optimizer = torch.optim.SGD([rows], lr=20.0)
    for _ in range(200):
        optimizer.zero_grad()
        mcc(rows).backward()
        optimizer.step()
    assert mcc(rows).item() < 0.05
    assert len(rows.argmax(1).unique()) == 3


@pytest.mark.parametrize(("n", "k"), [(6, 3), (2, 5)])
def test_nuclear_norm_equals_the_root_of_the_gram(n, k):
    # The sum of the square roots of the eigenvalues of PP' (or P'P): no singular values.
    def roots(x):
        p = torch.stack([torch.stack(naive.softmax(row)) for row in x])
        gram = p @ p.T if n < k else p.T @ p
        return -torch.linalg.eigvalsh(gram).sqrt().sum() / n

    naive.assert_same_with_gradient(nuclear_norm, roots, logits(n, k))
    assert torch.autograd.gradcheck(nuclear_norm, (logits(n, k),))


def test_nuclear_norm_by_hand():
    # With balanced certain rows each class has the singular value sqrt(n / k).
    certain = 200 * torch.eye(4).repeat(3, 1)
    assert nuclear_norm(certain).item() == pytest.approx(-4 * math.sqrt(3) / 12, rel=1e-6)
    # A collapse onto one class is worse: one singular value sqrt(n).
    collapsed = 200 * torch.eye(4)[[0] * 12]
    assert nuclear_norm(collapsed).item() == pytest.approx(-math.sqrt(12) / 12, rel=1e-6)


def test_nuclear_norm_of_equal_rows_has_only_the_gradient_of_its_one_singular_value():
    rows = torch.tensor([[1.0, 0.5, -2.0]]).repeat(6, 1).double().requires_grad_()
    nuclear_norm(rows).backward()
    expected = rows.detach().clone().requires_grad_()
    (-expected.softmax(1).norm() / 6).backward()
    torch.testing.assert_close(rows.grad, expected.grad, rtol=1e-10, atol=1e-14)


def test_classifier_discrepancy_equals_the_loop():
    def loop(one, other):
        terms = [
            abs(a - b)
            for x, y in zip(one, other, strict=True)
            for a, b in zip(naive.softmax(x), naive.softmax(y), strict=True)
        ]
        return sum(terms) / len(terms)

    naive.assert_same_with_gradient(classifier_discrepancy, loop, logits(), logits(seed=4))
    assert torch.autograd.gradcheck(classifier_discrepancy, (logits(), logits(seed=4)))


def test_classifiers_that_agree_differ_by_nothing():
    rows = logits()
    value = classifier_discrepancy(rows, rows.detach().clone())
    value.backward()
    assert value.item() == 0
    assert (rows.grad == 0).all()


@pytest.mark.parametrize("margin", [1.0, 4.0])
def test_mdd_equals_the_loop(margin):
    source, target = logits(5), logits(7, seed=1)
    naive.assert_same_with_gradient(
        lambda s, t: mdd(source, s, target, t, margin=margin),
        lambda s, t: naive.mdd(s, t, source.argmax(1), target.argmax(1), margin),
        logits(5, seed=2),
        logits(7, seed=3),
    )
    assert torch.autograd.gradcheck(
        lambda s, t: mdd(source, s, target, t, margin=margin),
        (logits(5, seed=2), logits(7, seed=3)),
    )


def test_mdd_by_hand():
    source = torch.tensor([[1.0, 0.0]])
    # The adversary gives the classifier's label 3/4 on both domains.
    adversary = torch.tensor([[math.log(3.0), 0.0]])
    value = mdd(source, adversary, source, adversary, margin=2.0)
    assert value.item() == pytest.approx(2 * math.log(4 / 3) + math.log(4))


def test_mdd_gives_the_classifier_no_gradient():
    source, target = logits(5), logits(7, seed=1)
    mdd(source, logits(5, seed=2), target, logits(7, seed=3)).backward()
    assert source.grad is None
    assert target.grad is None


def test_mdd_of_a_certain_adversary_is_finite():
    # 1 - p rounds to 0 here; the loss is the difference of the logits.
    rows = torch.tensor([[500.0, 0.0, 0.0]], requires_grad=True)
    value = mdd(rows, rows, rows, rows, margin=1.0)
    value.backward()
    assert value.item() == pytest.approx(500 - math.log(2))
    assert torch.isfinite(rows.grad).all()
    assert rows.grad.abs().max() > 0.4


def test_modules_equal_the_functions():
    rows, other = logits(), logits(seed=4)
    assert torch.equal(MCCLoss(temperature=1.5)(rows), mcc(rows, temperature=1.5))
    assert torch.equal(BNMLoss()(rows), nuclear_norm(rows))
    assert torch.equal(
        ClassifierDiscrepancyLoss()(rows, other), classifier_discrepancy(rows, other)
    )
    arguments = (rows, other, other, rows)
    assert torch.equal(MDDLoss(margin=2.0)(*arguments), mdd(*arguments, margin=2.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: mcc(x, temperature=0), "'temperature' parameter of mcc must be a float in the"),
        (lambda x: mdd(x, x, x, x, margin=-1), "'margin' parameter of mdd must be a float in the"),
        (
            lambda x: mdd(x, x[:, :2], x, x),
            "The source_logits and source_adversary_logits of mdd must have the same shape. "
            "Got (4, 3) and (4, 2) instead.",
        ),
        (
            lambda x: mdd(*[x[:, :1]] * 4),
            "The logits of mdd must have at least two columns. Got 1 instead.",
        ),
        (
            lambda x: classifier_discrepancy(x, x[:2]),
            "The logits and other_logits of classifier_discrepancy must have the same shape.",
        ),
        (
            lambda x: nuclear_norm(x.long()),
            "The 'target_logits' parameter of nuclear_norm must be a float tensor of shape "
            "(n_rows, n_columns) with at least one row. Got a torch.int64 tensor of shape (4, 3)",
        ),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(torch.zeros(4, 3))
