"""DANN with one discriminator of all sources and the target."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import skda
from skda import CDANClassifier, DANNClassifier, DANNRegressor
from skda.datasets import make_rotated_moons
from skda.methods.adversarial.dann import Adversary, DomainsAdversary
from skda.nn import DomainDiscriminator
from skda.training import DomainOutput

RNG = torch.Generator().manual_seed(0)
ALL: dict[str, Any] = {"multi_source": "all_domains", "random_state": 0}
SMALL: dict[str, Any] = {"module__hidden": (6, 5), "max_epochs": 1, **ALL}
_NUMBERS = np.random.default_rng(0)
X = [_NUMBERS.normal(size=(n, 4)) + i for i, n in enumerate((60, 90, 30))]
Y = [(x[:, 0] > i).astype(int) for i, x in enumerate(X)]
X_TARGET = _NUMBERS.normal(size=(50, 4)) + 3


def outputs(sizes: tuple[int, ...], n_target: int = 4) -> tuple[DomainOutput, DomainOutput]:
    features = [torch.randn(n, 3, generator=RNG) for n in (sum(sizes), n_target)]
    features = [rows.requires_grad_() for rows in features]
    source, target = (DomainOutput((rows,), rows) for rows in features)
    return source._replace(sizes=sizes), target


def naive(term: DomainsAdversary, source: DomainOutput, target: DomainOutput) -> float:
    """Sum -log p of each row's own domain, row by row."""
    parts = [rows for part in source.by_source() for rows in part.features]
    means = []
    for k, rows in enumerate([*parts, target.features[0]]):
        of_rows = []
        for row in rows:
            logits = term.discriminator(row[None])[0].tolist()
            of_rows.append(-math.log(math.exp(logits[k]) / sum(math.exp(z) for z in logits)))
        means.append(sum(of_rows) / len(of_rows) if of_rows else None)
    *of_sources, of_target = means
    seen = [mean for mean in of_sources if mean is not None]
    return sum(seen) / len(seen) + of_target


@pytest.mark.parametrize("sizes", [(2, 5, 3), (4, 0, 1)])
def test_the_loss_is_that_of_a_loop_over_the_rows(sizes: tuple[int, ...]) -> None:
    term = DomainsAdversary(DomainDiscriminator(3, (7,), n_outputs=4))
    source, target = outputs(sizes)
    assert term(source, target, 0.5).item() == pytest.approx(naive(term, source, target), rel=1e-5)


def test_a_discriminator_that_cannot_tell_has_twice_the_log_of_the_number_of_domains() -> None:
    term = DomainsAdversary(DomainDiscriminator(3, n_outputs=4))
    for parameter in term.parameters():
        nn.init.zeros_(parameter)
    assert term(*outputs((2, 3, 3)), 1.0).item() == pytest.approx(2 * math.log(4))


def test_one_source_is_the_loss_of_dann() -> None:
    two = DomainDiscriminator(3, (7,), n_outputs=2)
    one = DomainDiscriminator(3, (7,))
    with torch.no_grad():
        one.layers[0].load_state_dict(two.layers[0].state_dict())
        for name in ("weight", "bias"):
            of_two = getattr(two.layers[2], name)
            getattr(one.layers[2], name).copy_(of_two[1:] - of_two[:1])
    source, target = outputs((5,))
    terms = DomainsAdversary(two), Adversary(one)
    losses = [term(source, target, 0.3) for term in terms]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-5)
    gradients = [torch.autograd.grad(loss, source.features[0])[0] for loss in losses]
    torch.testing.assert_close(*gradients)
    torch.testing.assert_close(terms[0].domain_logits[0], terms[1].domain_logits[0])


def test_the_features_get_the_reversed_gradient_and_the_discriminator_its_own() -> None:
    term = DomainsAdversary(DomainDiscriminator(3, n_outputs=3))
    source, target = outputs((4, 4))
    ends = [source.features[0], target.features[0], *term.parameters()]
    reversed_ = torch.autograd.grad(term(source, target, 0.25), ends)
    of_domain = torch.arange(3).repeat_interleave(4)
    losses = nn.functional.cross_entropy(
        term.discriminator(torch.cat(ends[:2])), of_domain, reduction="none"
    )
    plain = torch.autograd.grad(losses[:8].mean() + losses[8:].mean(), ends)
    for ours, theirs in zip(reversed_[:2], plain[:2], strict=True):
        torch.testing.assert_close(ours, -0.25 * theirs)
    torch.testing.assert_close(reversed_[2:], plain[2:])


def fit(cls: Any = DANNClassifier, y: Any = Y, **params: Any) -> Any:
    return cls(**{**SMALL, **params}).fit(X, y, X_TARGET)


def test_what_a_fit_makes_of_it(tmp_path: Any) -> None:
    clf = fit()
    term = clf.net_.adaptation_
    assert isinstance(term, DomainsAdversary)
    assert term.discriminator(torch.zeros(2, 5)).shape == (2, 4)
    assert 0 <= clf.history_[-1]["domain_accuracy"] <= 1
    clf.save(tmp_path / "model", optimizer=True)
    loaded = skda.load(tmp_path / "model")
    for each in (clf, loaded):
        each.partial_fit(X, Y, X_TARGET, source_domain=[0, 1, 2])
    expected = clf.predict_proba(X_TARGET)
    np.testing.assert_array_equal(loaded.predict_proba(X_TARGET), expected)
    assert fit(DANNRegressor, [rows[:, 0] for rows in X]).predict(X_TARGET).shape == (50,)


def test_one_source_is_what_it_was() -> None:
    whole = np.concatenate(X), np.concatenate(Y), X_TARGET
    one, other = (
        DANNClassifier(**{**SMALL, "multi_source": of}).fit(*whole)
        for of in ("all_domains", "pairwise")
    )
    np.testing.assert_array_equal(one.predict_proba(X_TARGET), other.predict_proba(X_TARGET))


def test_lam_zero_is_the_source_only_network_of_the_same_sources() -> None:
    one, other = (fit(lam=0, multi_source=of) for of in ("all_domains", "union"))
    np.testing.assert_array_equal(one.predict_proba(X_TARGET), other.predict_proba(X_TARGET))


class Own(nn.Linear):
    def __init__(self, n_features: int, n_outputs: int = 1) -> None:
        super().__init__(n_features, n_outputs)


def test_a_discriminator_of_ones_own() -> None:
    assert fit(discriminator=Own).net_.adaptation_.discriminator.out_features == 4
    message = r"returns 4 logits, one of each domain, for each row, of shape \(n_rows, 4\)"
    with pytest.raises(ValueError, match=message):
        fit(discriminator=nn.Linear(5, 1))


def test_only_dann_has_it() -> None:
    with pytest.raises(ValueError, match="'multi_source' parameter of CDANClassifier must be"):
        fit(CDANClassifier)


def test_it_brings_all_domains_together() -> None:
    near, far = (make_rotated_moons(angle=angle, random_state=1) for angle in (-20, 15))
    target = make_rotated_moons(angle=35, random_state=1)
    data = [near.X_target, far.X_target], [near.y_target, far.y_target], target.X_target
    scores = [
        DANNClassifier(lam=lam, lr=0.01, max_epochs=8, batch_size=32, **ALL | {"random_state": 1})
        .fit(*data)
        .score(target.X_target, target.y_target)
        for lam in (0, 0.3)
    ]
    assert scores[1] > scores[0] + 0.03
