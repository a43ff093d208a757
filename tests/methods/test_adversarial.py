import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import skda
from skda import (
    ADDAClassifier,
    CDANClassifier,
    DANNClassifier,
    FinetuneClassifier,
    WDGRLClassifier,
)
from skda.nn import DomainDiscriminator
from tests.shifted import Shifted, gain, separability, shifted

DATA = shifted()
SMALL: dict[str, Any] = {
    "lam": 1.0,
    "lr_schedule": "constant",
    "module__hidden": (6, 5),
    "max_epochs": 3,
    "random_state": 0,
    "discriminator__hidden": (7,),
}


def fitted(data: Shifted = DATA, **params: Any) -> DANNClassifier:
    return DANNClassifier(**{**SMALL, **params}).fit(data.X, data.y, data.X_target)


def parameters(module: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def tensor(rows: np.ndarray) -> Tensor:
    return torch.from_numpy(rows).float()


@pytest.mark.parametrize("lam", [0.5, 2.0])
def test_one_step_of_gradient_descent_by_hand(lam: float) -> None:
    plain = {"module__batch_norm": False, "lam_schedule": "constant", "max_epochs": 1}
    descent = {"optimizer": torch.optim.SGD, **plain}
    start = fitted(lam=lam, lr=1e-30, **descent)
    after = fitted(lam=lam, lr=0.1, **descent)
    module, discriminator = start.module_, start.net_.adaptation_.discriminator

    classification = nn.functional.cross_entropy(module(tensor(DATA.X)), torch.from_numpy(DATA.y))
    bce = nn.functional.binary_cross_entropy_with_logits
    on_source = discriminator(module.features(tensor(DATA.X)))
    on_target = discriminator(module.features(tensor(DATA.X_target)))
    adversarial = bce(on_source, torch.zeros(60)) + bce(on_target, torch.ones(60))

    # the network minimises the classification loss and maximises the adversarial loss;
    # the discriminator minimises the adversarial loss
    objective = classification - lam * adversarial
    grads = torch.autograd.grad(objective, list(module.parameters()), retain_graph=True)
    ours = zip(parameters(after.module_), parameters(module), grads, strict=True)
    for moved, weight, grad in ours:
        torch.testing.assert_close(moved, weight - 0.1 * grad, rtol=1e-4, atol=1e-6)
    grads = torch.autograd.grad(adversarial, list(discriminator.parameters()))
    theirs = parameters(after.net_.adaptation_.discriminator)
    for moved, weight, grad in zip(theirs, parameters(discriminator), grads, strict=True):
        torch.testing.assert_close(moved, weight - 0.1 * grad, rtol=1e-4, atol=1e-6)
    assert after.history_[-1, "adaptation_loss"] == pytest.approx(adversarial.item(), rel=1e-5)


@pytest.mark.parametrize("lam", [1e-9, 1e-3])
def test_the_discriminator_learns_however_small_lam_is(lam: float) -> None:
    data = shifted(shift=5.0)
    clf = fitted(data, lam=lam, max_epochs=60, lr=0.01, module__batch_norm=False)
    discriminator = clf.net_.adaptation_.discriminator
    with torch.no_grad():
        source = discriminator(tensor(clf.transform(data.X, domain="source"))) > 0
        target = discriminator(tensor(clf.transform(data.X_target))) > 0
    assert target.float().mean() > 0.8  # a positive logit means "target"
    assert source.float().mean() < 0.2


# without batch normalisation the features keep the shift; a small momentum helps convergence
GAME: dict[str, Any] = {
    "module__hidden": (16, 8),
    "module__batch_norm": False,
    "discriminator__hidden": (100,),
    "max_epochs": 80,
    "batch_size": 32,
    "lr": 0.003,
    "lr_schedule": "inverse_decay",
    "optimizer__betas": (0.5, 0.9),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_reversal_makes_the_domains_less_separable_and_its_flip_more(seed: int) -> None:
    data = shifted(150, 150, seed=seed, shift=1.0)
    games = [
        fitted(data, **GAME, random_state=seed, lam=lam, lam_schedule=schedule)
        for lam, schedule in ((0, "constant"), (1, "constant"), (1, lambda p: -1))
    ]
    source_only, reversed_, flipped = (separability(clf, data) for clf in games)
    assert reversed_ < source_only - 0.1
    assert flipped > source_only + 0.03
    accuracy = [clf.score(data.X_target, data.y_target) for clf in games]
    assert accuracy[1] > accuracy[0] + 0.01


def test_lam_changes_the_weights() -> None:
    weights = [parameters(fitted(lam=lam).module_)[0] for lam in (0, 0.5, 1, 0.5)]
    assert torch.equal(weights[1], weights[3])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert not torch.equal(weights[i], weights[j])


def test_lam_zero_is_source_only() -> None:
    plain = {k: v for k, v in SMALL.items() if k not in ("lam", "discriminator__hidden")}
    source_only = FinetuneClassifier(**plain).fit(DATA.X, DATA.y)
    for a, b in zip(
        parameters(fitted(lam=0).module_), parameters(source_only.module_), strict=True
    ):
        assert torch.equal(a, b)


def test_the_ramp_is_the_default() -> None:
    for name, schedule in (("ramp", "ramp"), ("tanh", lambda p: np.tanh(5 * p))):
        clf = fitted(batch_size=16, lam_schedule=schedule)
        reference = fitted(batch_size=16)
        for a, b in zip(parameters(clf.module_), parameters(reference.module_), strict=True):
            torch.testing.assert_close(a, b, msg=name)
    constant = fitted(batch_size=16, lam_schedule="constant")
    assert not torch.equal(parameters(constant.module_)[0], parameters(reference.module_)[0])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_default_network_adapts(seed: int) -> None:
    assert gain(DANNClassifier, seed) > 0.1


def test_the_discriminator_has_the_width_of_all_adapted_layers() -> None:
    clf = fitted(adapt_layers=["features.2", "features.5", "classifier"])
    (first, _) = (m for m in clf.net_.adaptation_.modules() if isinstance(m, nn.Linear))
    assert (first.in_features, first.out_features) == (6 + 5 + 2, 7)
    assert clf.transform(DATA.X).shape == (60, 13)


def test_a_discriminator_of_the_users() -> None:
    made: list[int] = []

    def make(n_features: int, scale: float = 1.0) -> nn.Module:
        made.append(n_features)
        return nn.Sequential(nn.Linear(n_features, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))

    own = {k: v for k, v in SMALL.items() if k != "discriminator__hidden"}
    clf = DANNClassifier(**own, discriminator=make, discriminator__scale=2.0)
    clf.fit(DATA.X, DATA.y, DATA.X_target)
    assert made == [5]
    # both domains in one batch: its batch normalisation counts one pass a step
    assert clf.net_.adaptation_.discriminator[1].num_batches_tracked == 3

    instance = DomainDiscriminator(5, hidden=())
    before = copy.deepcopy(instance.state_dict())
    clf = DANNClassifier(**own, discriminator=instance).fit(DATA.X, DATA.y, DATA.X_target)
    assert all(torch.equal(v, before[k]) for k, v in instance.state_dict().items())
    assert not torch.equal(
        parameters(clf.net_.adaptation_.discriminator)[0], parameters(instance)[0]
    )


def test_the_discriminators_start_does_not_depend_on_the_module_and_back() -> None:
    start = {"optimizer": torch.optim.SGD, "lr": 1e-30}
    narrow, wide = fitted(**start), fitted(**start, discriminator__hidden=(9, 9))
    assert torch.equal(parameters(narrow.module_)[0], parameters(wide.module_)[0])


def test_messages() -> None:
    message = r"Unexpected argument discriminator__hiden, did you mean discriminator__hidden\?"
    with pytest.raises(ValueError, match=message):
        fitted(discriminator__hiden=(3,))
    message = "The 'discriminator' parameter must be an nn.Module class or instance, or a callable"
    with pytest.raises(ValueError, match=message):
        DANNClassifier(discriminator=lambda n_features: 3).fit(DATA.X, DATA.y, DATA.X_target)
    with pytest.raises(ValueError, match="The 'discriminator' parameter of DANNClassifier must be"):
        DANNClassifier(discriminator=3).fit(DATA.X, DATA.y, DATA.X_target)


@pytest.mark.parametrize("cls", [DANNClassifier, CDANClassifier, ADDAClassifier, WDGRLClassifier])
def test_a_discriminator_with_two_outputs_is_refused(cls: Any) -> None:
    with pytest.raises(ValueError, match=r"The 'discriminator' parameter .* Got \(5, 2\) instead"):
        cls(discriminator=nn.LazyLinear(2), max_epochs=1).fit(DATA.X, DATA.y, DATA.X_target)


DOMAINS = "source", "target"
STILL: dict[str, Any] = {"optimizer": torch.optim.SGD, "lr": 1e-30, "max_epochs": 1}


def test_a_warm_start_of_adda_goes_on_from_both_networks_and_the_discriminator(
    tmp_path: Any,
) -> None:
    data = shifted(shift=3.0)
    params = {"lr": 0.01, "max_epochs": 20, "module__batch_norm": False, "random_state": 0}
    first = ADDAClassifier(**params).fit(data.X, data.y, data.X_target)
    source, target = (first.decision_function(data.X_target, domain=d) for d in DOMAINS)
    assert np.abs(source - target).max() > 0.5
    first.save(tmp_path / "adda.safetensors")
    for start in (copy.deepcopy(first), skda.load(tmp_path / "adda.safetensors")):
        warm = start.set_params(warm_start=True, **STILL).fit(data.X, data.y, data.X_target)
        for found, domain in zip((source, target), DOMAINS, strict=True):
            again = warm.decision_function(data.X_target, domain=domain)
            np.testing.assert_allclose(again, found, rtol=1e-5, atol=1e-5)
        discriminators = (e.net_.adaptation_.discriminator for e in (warm, first))
        for ours, theirs in zip(*map(parameters, discriminators), strict=True):
            torch.testing.assert_close(ours, theirs)
    cold = first.set_params(warm_start=False, **STILL).fit(data.X, data.y, data.X_target)
    assert np.abs(cold.decision_function(data.X_target) - target).max() > 0.5


def test_the_target_network_of_a_warm_start_has_the_classifier_of_the_source_network() -> None:
    data = shifted(shift=3.0)
    clf = ADDAClassifier(lr=0.01, max_epochs=5, warm_start=True, random_state=0)
    clf.fit(data.X, data.y, data.X_target)
    before = clf.source_net_.plain_module.classifier.weight.clone()
    clf.fit(data.X, data.y, data.X_target)
    of_source, of_target = (
        net.plain_module.classifier.weight for net in (clf.source_net_, clf.net_)
    )
    assert not torch.equal(of_source, before)
    torch.testing.assert_close(of_target, of_source, rtol=0, atol=0)
    one_stage = clf.set_params(lam=0.0).fit(data.X, data.y, data.X_target)
    assert one_stage.net_ is one_stage.source_net_
    two_stages = clf.set_params(lam=1.0).fit(data.X, data.y, data.X_target)
    assert two_stages.net_ is not two_stages.source_net_


def test_a_warm_start_of_adda_with_another_discriminator_is_refused_before_it_trains() -> None:
    data = shifted(shift=3.0)
    clf = ADDAClassifier(max_epochs=1, warm_start=True, random_state=0)
    clf.fit(data.X, data.y, data.X_target)
    before = vars(clf) | {}
    clf.set_params(discriminator__hidden=(7,))
    with pytest.raises(ValueError, match=r"'warm_start' parameter is True, but .* size mismatch"):
        clf.fit(data.X, data.y, data.X_target)
    assert clf.net_ is before["net_"]
    assert clf.source_net_ is before["source_net_"]
