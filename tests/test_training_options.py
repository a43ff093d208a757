"""Options of skorch and torch work in every estimator: rates, schedules, clipping, weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from skorch.callbacks import GradientNormClipping, LRScheduler
from torch import nn

from skda import DANNClassifier, DDCClassifier, FinetuneClassifier

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.repeat([0, 1], [30, 10])
XT = RNG.normal(size=(30, 3)) + 1
SMALL: dict[str, Any] = {"max_epochs": 2, "module__hidden": (6,), "random_state": 0}


def rates(estimator: Any) -> dict[int, float]:
    groups = estimator.net_.optimizer_.param_groups
    return {id(p): group["lr"] for group in groups for p in group["params"]}


def test_new_layers_learn_ten_times_faster() -> None:
    estimator = DDCClassifier(
        lr=1e-3,
        optimizer__param_groups=[
            ("*bottleneck*", {"lr": 1e-2}),
            ("*classifier.classifier*", {"lr": 1e-2}),
        ],
        **SMALL,
    ).fit(X, Y, XT)
    found = rates(estimator)
    for name, parameter in estimator.module_.named_parameters():
        new = name.startswith("classifier.")
        assert found[id(parameter)] == (1e-2 if new else 1e-3), name


def test_nesterov_with_the_paper_s_annealing() -> None:
    estimator = DANNClassifier(
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        optimizer__nesterov=True,
        lr=0.01,
        batch_size=20,
        **SMALL,
    ).fit(X, Y, XT)
    (group,) = estimator.net_.optimizer_.param_groups
    assert (group["momentum"], group["nesterov"]) == (0.9, True)
    # the last of 2 x 2 steps is made at p = 3 / 4
    assert group["lr"] == pytest.approx(0.01 * (1 + 10 * 3 / 4) ** -0.75)


def test_schedulers_and_clipping_of_skorch() -> None:
    clipped = GradientNormClipping(gradient_clip_value=1e-12)
    before = FinetuneClassifier(**SMALL, optimizer=torch.optim.SGD).fit(X, Y).module_.state_dict()
    after = FinetuneClassifier(**SMALL, optimizer=torch.optim.SGD, callbacks=[clipped]).fit(X, Y)
    start = FinetuneClassifier(**SMALL, optimizer=torch.optim.SGD, lr=1e-30).fit(X, Y)
    for name, value in start.module_.named_parameters():
        torch.testing.assert_close(after.module_.state_dict()[name], value, rtol=0, atol=1e-9)
    moved = [
        not torch.equal(before[name], value) for name, value in start.module_.named_parameters()
    ]
    assert sum(moved) >= 4  # all but the bias that the batch normalisation cancels
    halving = LRScheduler("StepLR", step_size=1, gamma=0.5)
    estimator = FinetuneClassifier(**SMALL, lr=0.1, callbacks=[halving]).fit(X, Y)
    assert estimator.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(0.025)


@pytest.mark.parametrize(
    "options",
    [{"criterion__label_smoothing": 0.2}, {"criterion__weight": torch.tensor([1.0, 3.0])}],
    ids=["label smoothing", "class weights"],
)
def test_the_criterion_s_options(options: dict[str, Any]) -> None:
    module = nn.Linear(3, 2)
    module = nn.Sequential(nn.Identity(), module)
    estimator = FinetuneClassifier(
        module,
        max_epochs=1,
        batch_size=40,
        optimizer=torch.optim.SGD,
        lr=0.5,
        random_state=0,
        **options,
    ).fit(X, Y)
    by_hand = nn.CrossEntropyLoss(**{k.removeprefix("criterion__"): v for k, v in options.items()})
    rows, y = torch.from_numpy(X).float(), torch.from_numpy(Y)
    weight = module[1].weight.detach().clone().requires_grad_()
    loss = by_hand(rows @ weight.T + module[1].bias.detach(), y)
    loss.backward()
    expected = weight.detach() - 0.5 * weight.grad
    torch.testing.assert_close(estimator.module_[1].weight.detach(), expected)
    assert estimator.history_[0]["train_loss"] == pytest.approx(loss.item(), rel=1e-5)
