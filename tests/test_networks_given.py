"""Networks, losses and discriminators of users: the layer of the logits, and what cannot train."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.nn.utils import prune

from skda import (
    DANNClassifier,
    DANNRegressor,
    DDCClassifier,
    FinetuneClassifier,
    MCCClassifier,
    MCDClassifier,
)
from skda.model_selection import LambdaSearchCV
from tests.shifted import two_classes

rng = np.random.default_rng(0)
X, Y = two_classes()
SHORT: dict[str, Any] = {"max_epochs": 1, "random_state": 0}


class Net(nn.Module):
    """A body of 8 units and a head; returns `change` of the logits."""

    def __init__(self, change: Callable[[Tensor], Any] = lambda logits: logits) -> None:
        super().__init__()
        self.head = nn.Linear(8, 2)
        self.body = nn.Linear(4, 8)
        self.change = change

    def forward(self, x: Tensor) -> Any:
        return self.change(self.head(self.body(x).relu()))


class TwoWays(Net):
    """Sums logits of a body and logits of the rows, from a layer that is called last."""

    def __init__(self) -> None:
        super().__init__()
        self.skip = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + self.skip(x)


class Gated(Net):
    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Any:
        h = self.body(x).relu()
        return self.head(h) * self.gate(h).sigmoid()


class Maxout(Net):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(8, 6)

    def forward(self, x: Tensor) -> Any:
        return super().forward(x).reshape(-1, 2, 3).amax(2)


class Bilinear(Net):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Bilinear(8, 8, 2)

    def forward(self, x: Tensor) -> Any:
        h = self.body(x).relu()
        return self.head(h, h)


class Cosine(Net):
    def forward(self, x: Tensor) -> Any:
        h, w = (nn.functional.normalize(t) for t in (self.body(x), self.head.weight))
        return 10 * linear(h, w)


def begin(module: Any, cls: Any = DANNClassifier, **params: Any) -> Any:
    estimator = cls(module, **SHORT | params)
    estimator.begin(X, X[:, 0] if cls is DANNRegressor else Y, X + 1)
    return estimator


@pytest.mark.parametrize("module", [TwoWays, Gated, Maxout])
def test_features_are_what_the_logits_are_computed_from(module: type[nn.Module]) -> None:
    assert begin(module).net_.layers == [("head", "input")]
    assert begin(module).net_.widths == (8,)


class Ensemble(Net):
    """The mean of the logits of two bodies with a head each, or of two heads of one body."""

    def __init__(self, combine: Callable[[Tensor, Tensor], Tensor], n_bodies: int = 2) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(nn.Linear(4, 8) for _ in range(n_bodies))
        self.heads = nn.ModuleList(nn.Linear(8, 2) for _ in range(2))
        self.combine = combine

    def forward(self, x: Tensor) -> Any:
        features = [body(x).relu() for body in self.bodies]
        return self.combine(*(h(f) for h, f in zip(self.heads, features * 2, strict=False)))


@pytest.mark.parametrize(
    "combine",
    [
        lambda a, b: (a + b) / 2,
        lambda a, b: torch.stack([a, b]).mean(0),
        lambda a, b: 0.3 * a - b,
        lambda a, b: a * b,
    ],
)
def test_features_of_one_member_of_an_ensemble_are_announced(combine: Any) -> None:
    with pytest.warns(UserWarning, match=r"'heads.[01]' are adapted, .* of \['heads.[01]'\]"):
        begin(Ensemble(combine))
    begin(Ensemble(combine), adapt_layers=["bodies.0", "bodies.1"])
    begin(Ensemble(combine, n_bodies=1))  # heads of the same features


class OwnGradient(Net):
    """A network that asks autograd for a slope in its forward, as one that learns an energy."""

    def forward(self, x: Tensor) -> Any:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            energy = self.body(x).square().sum()
            (slope,) = torch.autograd.grad(energy, x, create_graph=self.training)
        return super().forward(x + slope)


def test_a_network_computes_with_a_gradient_in_predict() -> None:
    fitted = DANNClassifier(OwnGradient(), **SHORT).fit(X, Y, X + 1)
    module = fitted.to_module("target")
    logits = module(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(fitted.decision_function(X), logits[:, 1] - logits[:, 0], rtol=1e-4)
    assert fitted.transform(X).shape == (24, 8)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_scripted_layers_are_named() -> None:
    module = Net()
    module.body = torch.jit.script(nn.Linear(4, 8))
    for given in (module, lambda: module):
        with pytest.raises(ValueError, match=r"'module' parameter has in 'body' a RecursiveScript"):
            begin(given)


@pytest.mark.parametrize("module", [Bilinear, Cosine])
def test_a_layer_below_the_one_that_computes_the_logits_is_not_taken_for_it(
    module: type[nn.Module],
) -> None:
    with pytest.raises(ValueError, match="'adapt_layers' parameter cannot be left at None for a"):
        begin(module)
    with pytest.raises(ValueError, match=r"must have an nn\.Linear layer for its classifier"):
        begin(module, DDCClassifier)
    with pytest.raises(ValueError, match="adapt_layers"):
        begin(module, MCDClassifier)
    assert begin(module, adapt_layers="body").net_.widths == (8,)


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    SCRIPTED = torch.jit.trace(nn.Linear(4, 2), torch.zeros(1, 4))


class NoInit(nn.Module):
    def __init__(self) -> None:
        self.layer = nn.Linear(4, 2)


class NeedsWidth(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (NoInit, "'module' parameter is <class.*NoInit'>, which cannot be made with"),
        (NeedsWidth, "missing 1 required positional argument: 'width'. Pass its arguments as mod"),
        (nn.Sequential(nn.Linear(4, 2)).to("meta"), "'module' parameter is a Sequential on the"),
        (SCRIPTED, "'module' .* layers cannot be read"),
        (Net(lambda o: o.detach()), "'module' parameter .* Got outputs without a gradient"),
        (Net(lambda o: (o > 0).long()), "'module' parameter .* Got outputs of torch.int64"),
        (Net(lambda o: o + 1j), "'module' parameter .* Got outputs of torch.complex64"),
        (Net().requires_grad_(False), "'module' parameter .* Got outputs without a gradient"),
        (Net(lambda o: o.softmax(0)), "'module' parameter .* softmax over the rows of a batch"),
        (Net(lambda o: o.log_softmax(0)), "'module' parameter .* softmax over the rows"),
        (Net(lambda o: o.T), r"here \(5, 2\). Got \(2, 5\) instead"),
    ],
)
def test_networks_that_cannot_be_trained_are_refused(module: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        begin(module)
    if isinstance(module, nn.Module) and "layers" in message:
        with pytest.raises(ValueError, match=message.replace("module", "pretrained")):
            FinetuneClassifier(pretrained=module).fit(X, Y)


def test_regressor_warns_of_a_network_that_is_bounded_below() -> None:
    module = nn.Sequential(nn.Linear(4, 1), nn.ReLU())
    with pytest.warns(UserWarning, match="ends in a relu, so that its outputs are bounded"):
        begin(module, DANNRegressor, adapt_layers="0")


def test_pretrained_weights_are_finite() -> None:
    weights = {name: torch.full_like(w, torch.nan) for name, w in Net().state_dict().items()}
    with pytest.raises(ValueError, match="'pretrained' parameter holds weights that are NaN"):
        FinetuneClassifier(Net, pretrained=weights, **SHORT).fit(X, Y)


def test_pruned_and_lazy_instances_are_cloned_and_searched() -> None:
    pruned = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    prune.random_unstructured(pruned[0], "weight", amount=0.5)
    search = LambdaSearchCV(MCCClassifier(pruned, **SHORT), lams=[1], cv=2, random_state=0)
    search.fit(X, Y, X)
    assert search.vectorize_reason_ == "a layer computes its weights from others"
    best = search.best_estimator_.module_
    assert (best[0].weight_mask == pruned[0].weight_mask).all()
    lazy = nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.Linear(8, 2))
    assert clone(begin(lazy)).module is not lazy
    assert begin(lazy).module_[1].running_mean.shape == (8,)


class Words(nn.Module):
    def __init__(self, sparse: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 8, sparse=sparse)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embedding(x).mean(1))


def test_integers_beyond_an_embedding_are_named() -> None:
    words = rng.integers(0, 9, size=(24, 3))
    wrong = np.vstack([words[1:], [[0, 0, 9]]])
    message = "X_source, X_target or X has integers .* they run from 0 to 9"
    for source, target in ((wrong, words), (words, wrong)):
        with pytest.raises(ValueError, match=message):
            DANNClassifier(Words, batch_size=64, **SHORT).fit(source, Y, target)
    fitted = DANNClassifier(Words, **SHORT).fit(words, Y, words)
    with pytest.raises(ValueError, match=message):
        fitted.predict(wrong)


def test_optimizers_that_cannot_train_the_module_are_refused() -> None:
    words = rng.integers(0, 9, size=(24, 3))
    sparse = DANNClassifier(Words, module__sparse=True, **SHORT)
    with pytest.raises(ValueError, match=r"'optimizer' parameter .*SGD and Adagrad do\. Got"):
        sparse.fit(words, Y, words)
    sparse.set_params(optimizer=torch.optim.SGD).fit(words, Y, words)
    for options, message in [
        ({"optimizer": torch.optim.SparseAdam}, "'optimizer' parameter must take the gradients"),
        ({"optimizer__differentiable": True}, "'optimizer__differentiable' parameter must be"),
        ({"optimizer__betas": (2, 3)}, r"optimizer__\*, is not possible: Invalid beta"),
        ({"optimizer__param_groups": [{"lr": 1}]}, r"optimizer__\*, is not possible: not enough"),
        ({"device": "meta"}, "'device' parameter must be 'auto' or a device"),
        ({"iterator_train__batch_size": 0}, "'iterator_train__batch_size' parameter must be an"),
    ]:
        with pytest.raises(ValueError, match=message):
            begin(Net, **options)


@pytest.mark.parametrize(
    ("name", "schedule", "message"),
    [
        ("lr_schedule", lambda p: None, "'lr_schedule' parameter must be a function of the prog"),
        ("lr_schedule", lambda p: -0.5, "At p = 0 it gave -0.5"),
        ("lam_schedule", lambda p: float("nan"), "'lam_schedule' .* At p = 0 it gave nan"),
        ("lam_schedule", lambda p: 1 / p, "'lam_schedule' .* it raised ZeroDivisionError"),
        ("lam_schedule", lambda p, q: 1.0, "'lam_schedule' .* missing 1 required"),
    ],
)
def test_schedules_return_factors(name: str, schedule: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DANNClassifier(**{name: schedule}, **SHORT).fit(X, Y, X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"criterion__weight": {0: 1.0, 1: 2.0}}, "'criterion__weight' .* a mapping is for 'class"),
        ({"criterion__weight": pd.Series([1.0, 2.0], [1, 0])}, "a Series by label is for 'class"),
        ({"criterion__weight": [-1.0, 2.0]}, "'criterion__weight' .* finite and at least 0"),
        ({"criterion__weight": [np.nan, 2.0]}, "'criterion__weight' .* finite and at least 0"),
        ({"criterion__weight": "balanced"}, "'criterion__weight' parameter must be an array"),
        ({"criterion": lambda o: o.mean()}, "'criterion' parameter must be a class of loss"),
        ({"criterion": nn.AdaptiveLogSoftmaxWithLoss}, "'criterion' .* missing 3 required"),
        ({"criterion": lambda o, y: o.mean() * torch.nan}, "'criterion' .* returned nan with no"),
        ({"criterion": lambda o, y: 0 * o.mean()}, "'criterion' .* 0 with a gradient that is 0"),
    ],
)
def test_losses_that_teach_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        begin(Net, **options)


def test_cross_entropy_of_one_number_is_no_loss_of_a_regression() -> None:
    with pytest.raises(ValueError, match="CrossEntropyLoss'> returned -0 with a gradient that is"):
        begin(None, DANNRegressor, criterion=nn.CrossEntropyLoss)


def test_pos_weight_may_be_a_number() -> None:
    found = [
        begin(None, criterion=nn.BCEWithLogitsLoss, criterion__pos_weight=w).net_.criterion_
        for w in (3.0, [3.0], torch.tensor(3.0))
    ]
    assert [float(each.loss.pos_weight) for each in found] == [3.0] * 3


class Discriminator(nn.Module):
    def __init__(self, n_features: int, change: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.layer = nn.Linear(n_features, 1)
        self.change = change

    def forward(self, x: Tensor) -> Any:
        return self.change(self.layer(x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o[:, :, None], r"'discriminator' .* Got \(5, 1, 1\) instead"),
        (lambda o: o.detach(), "'discriminator' .* Got outputs without a gradient"),
    ],
)
def test_discriminators_give_one_logit_with_a_gradient(change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        begin(None, discriminator=Discriminator, discriminator__change=change)


def test_discriminator_that_ends_in_a_sigmoid_is_undone() -> None:
    def probabilities(change: Any) -> Any:
        estimator = DANNClassifier(
            discriminator=Discriminator, discriminator__change=change, **SHORT
        )
        return estimator.fit(X, Y, X + 1).predict_proba(X)

    with pytest.warns(UserWarning, match="The inverse of its sigmoid is applied to them"):
        found = probabilities(torch.sigmoid)
    np.testing.assert_allclose(found, probabilities(lambda o: o), atol=1e-5)


def test_parameters_that_change_between_two_partial_fit() -> None:
    estimator = DANNClassifier(lr=0.01, batch_size=8, **SHORT).partial_fit(X, Y, X)
    estimator.set_params(lr=0.02, batch_size=12, lr_schedule="constant", max_epochs=4)
    estimator.partial_fit(X, Y, X)
    assert estimator.net_.optimizer_.param_groups[0]["lr"] == pytest.approx(0.02)
    assert estimator.net_.batch_size == 12
    assert estimator.net_.planned_epochs == 4
    weights = estimator.predict_proba(X)
    for name, value in [("module", Net), ("optimizer", torch.optim.SGD), ("amp", "bf16")]:
        changed = clone(estimator).partial_fit(X, Y, X).set_params(**{name: value})
        with pytest.raises(ValueError, match=f"The '{name}' parameter was set to .* call fit"):
            changed.partial_fit(X, Y, X)
    with pytest.raises(ValueError, match=r"'classes' parameter must name .* Got \[0, 1, 2\]"):
        estimator.partial_fit(X, Y, X, classes=[0, 1, 2])
    assert (estimator.predict_proba(X) == weights).all()
