"""The entries of an epoch in the history, apart from the losses."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch

from skda import ADDAClassifier, CDANClassifier, DANClassifier, DANNClassifier, FinetuneClassifier
from skda.training.watch.record import domain_accuracy
from tests.training.small import DATA, SMALL, Watch, dann


def naive_accuracy(steps: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Mean accuracy of the two domains; a logit of 0 counts as half."""
    rights: tuple[list[float], list[float]] = ([], [])
    for of_source, of_target in steps:
        for right, logits, sign in zip(rights, (of_source, of_target), (-1, 1), strict=True):
            right += [0.5 if logit == 0 else float(sign * logit > 0) for logit in logits]
    return float(np.mean([np.mean(right) for right in rights]))


@pytest.mark.parametrize("pooled", [True, False])
def test_domain_accuracy_by_hand(pooled: bool) -> None:
    numbers = torch.Generator().manual_seed(0)
    sizes = [(5, 3), (5, 3), (2, 3), (1, 4), (5, 3)]
    steps = [[torch.randn(n, 1, generator=numbers) for n in pair] for pair in sizes]
    steps[0][1][0] = 0
    given = [
        (len(one), (torch.cat([one, other]),) if pooled else (one, other)) for one, other in steps
    ]
    naive = naive_accuracy([(s.flatten().numpy(), t.flatten().numpy()) for s, t in steps])
    assert domain_accuracy(given) == pytest.approx(naive, abs=1e-12)


@pytest.mark.parametrize("cls", [DANNClassifier, CDANClassifier, ADDAClassifier])
def test_the_history_has_the_accuracy_of_the_discriminator(cls: type) -> None:
    seen: list[Any] = []

    def look(net: Any, _: Any) -> None:  # the logits of the previous step
        if net.adaptation is not None and (logits := net.adaptation_.domain_logits):
            seen.append(torch.cat(logits).flatten().numpy())

    fitted = cls(**SMALL | {"max_epochs": 1}, batch_size=30, callbacks=[Watch(look)])
    fitted.fit(DATA.X, DATA.y, DATA.X_target)
    accuracy = fitted.history_[-1, "domain_accuracy"]
    first, *later = seen
    assert not later  # 60 rows make 2 steps; `look` does not see the logits of the last step
    of_first = naive_accuracy([(first[:30], first[30:])])
    of_last = 2 * accuracy - of_first
    assert 0 <= of_last <= 1
    assert of_last * 60 == pytest.approx(round(of_last * 60), abs=1e-9)


def test_other_methods_have_no_domain_accuracy() -> None:
    fitted = DANClassifier(**SMALL).fit(DATA.X, DATA.y, DATA.X_target)
    assert "domain_accuracy" not in fitted.history_[-1]
    assert "domain_accuracy" not in dann(lam=0).history_[-1]


def test_lam_and_the_rate_are_those_of_the_last_step() -> None:
    fitted = dann(lam=0.5, lam_schedule="ramp", lr=0.01, lr_schedule="inverse_decay", batch_size=16)
    last = (np.arange(3) * 4 + 3) / 12  # of 4 steps in each of 3 epochs
    np.testing.assert_allclose(fitted.history_[:, "lam"], 0.5 * (2 / (1 + np.exp(-10 * last)) - 1))
    np.testing.assert_allclose(fitted.history_[:, "lr"], 0.01 * (1 + 10 * last) ** -0.75)


def test_the_source_only_network_has_lam_0() -> None:
    alone = FinetuneClassifier(**SMALL, lr=0.02).fit(DATA.X, DATA.y)
    for fitted in (alone, dann(lam=0, lr=0.02)):
        assert fitted.history_[:, "lam"] == [0.0] * 3
        assert fitted.history_[:, "lr"] == [0.02] * 3


def test_a_schedule_may_return_a_tensor() -> None:
    fitted = dann(lam=0.5, lam_schedule=lambda p: torch.tensor(0.5))
    assert fitted.history_[:, "lam"] == [0.25] * 3


def test_no_logits_stay_behind() -> None:
    fitted = dann()
    assert fitted.net_.adaptation_.domain_logits == ()
    assert pickle.loads(pickle.dumps(fitted)).history_ == fitted.history_
