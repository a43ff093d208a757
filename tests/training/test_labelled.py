"""Class weights hold for labelled target rows as for source rows; a weight may be 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from skda import ADDAClassifier, DANNClassifier, FinetuneClassifier
from skda.training import DivergenceError, DomainOutput
from skda.training.labelled import labelled_loss, weights_of_mean

WEIGHTS = torch.tensor([4.0, 50.0, 0.0])
SOURCE = torch.tensor([1, 1, 0, 2])  # their weights sum to 104
_RNG = torch.Generator().manual_seed(0)
LOGITS = torch.randn(4, 3, generator=_RNG)
OF_SOURCE = DomainOutput((), torch.randn(4, 3, generator=_RNG), SOURCE)

# labels of the target, target_label_weight, and what the row losses are multiplied by
CASES: list[tuple[list[int], float | str, list[float]]] = [
    ([0, -1, -1, -1], 1.0, [4 / 104, 0, 0, 0]),
    ([-1, 1, -1, -1], 2.5, [0, 2.5 * 50 / 104, 0, 0]),
    ([0, 1, 2, -1], 1.0, [4 / 104, 50 / 104, 0, 0]),
    ([0, 1, 2, -1], "batch", [4 / 54, 50 / 54, 0, 0]),
    ([2, -1, 2, -1], 1.0, [0, 0, 0, 0]),
    ([2, -1, -1, -1], "batch", [0, 0, 0, 0]),
]


@pytest.mark.parametrize("criterion", [nn.CrossEntropyLoss, nn.NLLLoss])
@pytest.mark.parametrize(("labels", "weight", "factors"), CASES)
def test_a_row_weighs_as_a_source_row_of_its_class(
    labels: list[int], weight: float | str, factors: list[float], criterion: Any
) -> None:
    loss, logits = criterion(weight=WEIGHTS), LOGITS.log_softmax(1)
    target = DomainOutput((), logits, torch.tensor(labels))
    found = labelled_loss(loss, OF_SOURCE, target, weight, weights_of_mean(loss))
    expected = sum(-f * logits[i, labels[i]] for i, f in enumerate(factors))
    torch.testing.assert_close(torch.zeros(()) if found is None else found, expected)


def test_a_source_row_and_a_labelled_row_of_a_class_have_the_same_gradient() -> None:
    loss = nn.CrossEntropyLoss(weight=WEIGHTS)
    logits = torch.zeros(4, 3, requires_grad=True)
    (of_source,) = torch.autograd.grad(loss(logits, SOURCE), logits)
    target = DomainOutput((), logits, torch.tensor([-1, 1, 0, -1]))
    found = labelled_loss(loss, OF_SOURCE, target, 1.0, weights_of_mean(loss))
    assert found is not None
    (of_target,) = torch.autograd.grad(found, logits)
    torch.testing.assert_close(of_target[1:3], of_source[1:3])


def test_a_criterion_that_divides_by_the_number_of_rows_keeps_it() -> None:
    loss = nn.MultiMarginLoss(weight=WEIGHTS)
    assert weights_of_mean(loss) is None
    assert weights_of_mean(nn.CrossEntropyLoss()) is None
    target = DomainOutput((), LOGITS, torch.tensor([0, 1, -1, -1]))
    found = labelled_loss(loss, OF_SOURCE, target, 1.0, weights_of_mean(loss))
    assert found is not None
    of_rows = nn.MultiMarginLoss(weight=WEIGHTS, reduction="none")
    expected = of_rows(LOGITS[:2], torch.tensor([0, 1])).sum() / 4
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("cls", [DANNClassifier, ADDAClassifier])
@pytest.mark.parametrize("weight", ["batch", 1.0])
def test_a_class_of_weight_zero_trains_on(cls: Any, weight: Any) -> None:
    rng = np.random.default_rng(0)
    X, y, X_target = rng.normal(size=(96, 3)), np.arange(96) % 3, rng.normal(size=(96, 3))
    y_target = np.full(96, -1)
    y_target[:6] = [0, 1, 2, 0, 1, 2]
    small = {"max_epochs": 3, "batch_size": 16, "random_state": 0, "target_label_weight": weight}
    clf = cls(**small, class_weight={0: 0.0}).fit(X, y, X_target, y_target=y_target)
    assert np.isfinite(clf.history_[:, "train_loss"]).all()
    equal, none = (
        cls(**small, class_weight=given).fit(X, y, X_target, y_target=y_target)
        for given in ({0: 1.0}, None)
    )
    found = [each.decision_function(X_target) for each in (equal, none)]
    np.testing.assert_allclose(*found, atol=1e-5)


def test_a_source_batch_that_weighs_nothing_is_named() -> None:
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.repeat([0, 1], [50, 10])
    clf = FinetuneClassifier(max_epochs=3, batch_size=2, random_state=0, class_weight={0: 0.0})
    message = (
        r"loss became nan .* A batch whose rows are all of classes with a weight of 0 has no mean "
        r"loss: give these classes a small weight, or raise 'batch_size' \(now 2\)\. Otherwise: "
        r"Lower 'lr'"
    )
    with pytest.raises(DivergenceError, match=message):
        clf.fit(X, y)
