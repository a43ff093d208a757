from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import Callback
from torch import Tensor, nn

from skda import DANClassifier, DDCClassifier, FinetuneClassifier
from skda.losses import kernel_weights, linear_mmd2, mk_mmd2
from skda.methods.discrepancy.dan import WeightedKernels
from tests.shifted import Shifted, gain, separability, shifted

DATA = shifted()
SMALL: dict[str, Any] = {
    "module__hidden": (6, 5),
    "max_epochs": 3,
    "random_state": 0,
    "lr_schedule": "constant",
}
LAYERS = ["features.2", "features.5", "classifier"]


def fitted(data: Shifted = DATA, cls: Any = DANClassifier, **params: Any) -> Any:
    return cls(**{**SMALL, "lam": 1.0, **params}).fit(data.X, data.y, data.X_target)


def parameters(module: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def tensor(rows: np.ndarray) -> Tensor:
    return torch.from_numpy(rows).float()


@pytest.mark.parametrize(
    ("cls", "loss", "options"),
    [
        (DANClassifier, mk_mmd2, {}),
        (DANClassifier, mk_mmd2, {"n_kernels": 3, "spacing": 4.0}),
        (DANClassifier, mk_mmd2, {"unbiased": True}),
        (DANClassifier, mk_mmd2, {"n_kernels": 33, "spacing": 2**0.5}),
        (DDCClassifier, linear_mmd2, {}),
        (DDCClassifier, linear_mmd2, {"unbiased": True}),
    ],
)
def test_one_step_of_gradient_descent_by_hand(cls: Any, loss: Any, options: dict[str, Any]) -> None:
    descent = {"optimizer": torch.optim.SGD, "max_epochs": 1, "module__batch_norm": False}
    own = {**options, **({"bottleneck_width": None} if cls is DDCClassifier else {})}
    start = fitted(cls=cls, lam=2.0, lr=1e-30, **descent, **own)
    after = fitted(cls=cls, lam=2.0, lr=0.1, **descent, **own)
    module = start.module_
    classification = nn.functional.cross_entropy(module(tensor(DATA.X)), torch.from_numpy(DATA.y))
    features = module.features(tensor(DATA.X)), module.features(tensor(DATA.X_target))
    distance = loss(*features, **options)
    grads = torch.autograd.grad(classification + 2 * distance, list(module.parameters()))
    ours = zip(parameters(after.module_), parameters(module), grads, strict=True)
    for moved, weight, grad in ours:
        torch.testing.assert_close(moved, weight - 0.1 * grad, rtol=1e-4, atol=1e-6)
    assert after.history_[-1, "adaptation_loss"] == pytest.approx(2 * distance.item(), rel=1e-4)


def test_several_layers_add_their_losses() -> None:
    still = {"optimizer": torch.optim.SGD, "lr": 1e-30, "max_epochs": 1}

    def loss(layers: Any) -> float:
        return fitted(adapt_layers=layers, **still).history_[-1, "adaptation_loss"]

    singles = [loss(layer) for layer in LAYERS]
    assert loss(LAYERS) == pytest.approx(sum(singles), rel=1e-5)
    assert min(singles) > 0.001


GAME: dict[str, Any] = {
    "module__hidden": (16, 8),
    "module__batch_norm": False,
    "max_epochs": 30,
    "lr": 0.003,
}


@cache
def source_only(seed: int) -> DANClassifier:
    """Return the source-only network, with which all options are compared."""
    return fitted(shifted(150, 150, seed=seed), **GAME, random_state=seed, lam=0)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    "options", [{}, {"kernel_weights": "optimal"}, {"estimator": "linear", "lam": 3.0}]
)
def test_adaptation_brings_the_domains_together(seed: int, options: dict[str, Any]) -> None:
    data = shifted(150, 150, seed=seed)
    plain, adapted = source_only(seed), fitted(data, **GAME, random_state=seed, **options)

    def distance(clf: DANClassifier) -> float:
        features = clf.transform(data.X, domain="source"), clf.transform(data.X_target)
        scale = np.concatenate(features).std()
        return mk_mmd2(*(tensor(f / scale) for f in features)).item()

    assert distance(adapted) < 0.5 * distance(plain)
    assert separability(adapted, data) < separability(plain, data) - 0.05
    assert adapted.score(data.X_target, data.y_target) > plain.score(data.X_target, data.y_target)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_default_network_adapts(seed: int) -> None:
    assert gain(DANClassifier, seed) > 0.1


def test_lam_changes_the_weights_and_zero_is_source_only() -> None:
    weights = [parameters(fitted(lam=lam).module_) for lam in (0, 0.5, 1)]
    source_only = parameters(FinetuneClassifier(**SMALL).fit(DATA.X, DATA.y).module_)
    assert all(torch.equal(a, b) for a, b in zip(weights[0], source_only, strict=True))
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert not torch.equal(weights[i][0], weights[j][0])


class Betas(Callback):
    """Record the kernel weights of each epoch, and the expected ones."""

    def __init__(self) -> None:
        self.seen: list[Tensor] = []

    def on_batch_end(self, net: Any, training: bool = False, **_: Any) -> None:
        if training:
            self.seen.append(net.adaptation_.beta.clone())


@pytest.mark.parametrize("estimator", ["quadratic", "linear"])
def test_optimal_kernel_weights_are_chosen_anew_in_each_epoch(estimator: str) -> None:
    watch = Betas()
    clf = fitted(
        shifted(200, 150),
        kernel_weights="optimal",
        estimator=estimator,
        n_kernels=7,
        adapt_layers=LAYERS,
        batch_size=50,
        lr=0.01,
        callbacks=[watch],
    )
    betas = torch.stack(watch.seen).reshape(3, 4, len(LAYERS), 7)
    torch.testing.assert_close(betas.sum(-1), torch.ones(3, 4, 3))
    assert (betas >= 0).all()
    assert torch.equal(betas[:, 0], betas[:, -1])  # the same throughout an epoch
    assert not torch.equal(betas[0, 0], betas[1, 0])
    assert not torch.equal(betas[1, 0], betas[2, 0])
    assert not torch.allclose(betas[0, 0], torch.full((3, 7), 1 / 7), atol=0.01)
    assert torch.equal(clf.net_.adaptation_.beta, betas[-1, -1])


def test_optimal_kernel_weights_are_those_of_the_features_before_the_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = []
    start_epoch = WeightedKernels.start_epoch

    def spy(self: WeightedKernels, source: Any, target: Any) -> None:
        samples.append((source, target))
        start_epoch(self, source, target)

    monkeypatch.setattr(WeightedKernels, "start_epoch", spy)
    data = shifted(90, 200)
    still = {"optimizer": torch.optim.SGD, "lr": 1e-30, "module__batch_norm": False}
    clf = fitted(data, kernel_weights="optimal", max_epochs=2, **still)
    ((first, _), ((source,), (target,))) = samples
    for sample, rows in ((source, data.X), (target, data.X_target)):
        ours, theirs = (np.sort(f, axis=0) for f in (sample.numpy(), clf.transform(rows)))
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)  # every row once
    assert not torch.equal(first[0], source)  # in another order in each epoch
    assert torch.equal(clf.net_.adaptation_.beta[0], kernel_weights(source, target))


def test_a_fit_with_optimal_weights_repeats() -> None:
    fits = [parameters(fitted(kernel_weights="optimal").module_) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(*fits, strict=True))
    uniform = parameters(fitted().module_)
    assert not torch.equal(fits[0][0], uniform[0])


@pytest.mark.parametrize("estimator", ["quadratic", "linear"])
@pytest.mark.parametrize("kernel_weights", ["uniform", "optimal"])
@pytest.mark.parametrize(("n_source", "n_target"), [(60, 1), (2, 30), (33, 3)])
def test_every_choice_trains_on_domains_of_any_size(
    estimator: str, kernel_weights: str, n_source: int, n_target: int
) -> None:
    data = shifted(n_source, n_target)
    options = {"estimator": estimator, "kernel_weights": kernel_weights, "batch_size": 16}
    clf = fitted(data, **options, adapt_layers=LAYERS, n_kernels=3, spacing=1.5)
    start = clone(clf)
    start.begin(data.X, data.y, data.X_target)
    assert not torch.equal(parameters(clf.module_)[0], parameters(start.module_)[0])
    assert np.isfinite(clf.history_[:, "train_loss"]).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"n_kernels": 0},
            r"'n_kernels' parameter of DANClassifier must be an int in the range \[",
        ),
        ({"spacing": 1}, r"'spacing' parameter of DANClassifier must be a float in the range \(1"),
        (
            {"kernel_weights": "best"},
            "'kernel_weights' parameter of DANClassifier must be a str am",
        ),
        (
            {"estimator": "cubic"},
            r"'estimator' parameter of DANClassifier must be a str among .*qu",
        ),
        ({"unbiased": "no"}, "'unbiased' parameter of DANClassifier must be an instance of 'bool'"),
        (
            {"lam": -1},
            r"'lam' parameter of DANClassifier must be a float in the range \[0.0, inf\)",
        ),
    ],
)
def test_messages(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted(**params)
