"""Networks that train, but not as their authors intend: `fit` raises or warns."""

import threading
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from skorch.callbacks import Freezer
from torch import Tensor, nn
from torch.nn.functional import dropout, linear
from torch.utils.flop_counter import FlopCounterMode

from skda import (
    ADDAClassifier,
    DANClassifier,
    DANNClassifier,
    DANNRegressor,
    DDCClassifier,
    DeepCORALClassifier,
    FinetuneClassifier,
    JANClassifier,
    MCCClassifier,
    MCDClassifier,
    MDDClassifier,
)
from skda.model_selection import LambdaSearchCV
from skda.nn import ConvNet
from skda.training.stacked.support import _Operations
from tests.shifted import two_classes

X, Y = two_classes()
SHORT: dict[str, Any] = {"max_epochs": 1, "random_state": 0}


class Net(nn.Module):
    def __init__(self, n_classes: int = 2) -> None:
        super().__init__()
        self.below = nn.Linear(4, 8)
        self.body = nn.Linear(8, 8)
        self.head = nn.Linear(8, n_classes)

    def features(self, x: Tensor) -> Tensor:
        return self.body(self.below(x).relu()).relu()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


# -- rows stay rows ---------------------------------------------------------------------------


class BatchNormWithoutStatistics(Net):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(8, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.features(x)))


class Centred(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x - x.mean(0))


class Scaled(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x / x.abs().max())


class Mirrored(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).flip(0)


class Counted(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) / len(x)


class Neighbours(Net):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.cdist(x, x).neg().softmax(1) @ self.features(x))


class Attention(Net):
    """Its author forgot batch_first=True: it attends to the other rows."""

    def __init__(self, batch_first: bool = False) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=batch_first)

    def forward(self, x: Tensor) -> Tensor:
        steps = self.below(x[:, None].expand(-1, 3, -1))
        return self.head(self.attention(steps, steps, steps)[0].mean(1))


class Recurrent(Net):
    """Likewise: it runs over the rows."""

    def __init__(self, batch_first: bool = False) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=batch_first)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x[:, None].expand(-1, 3, -1))[0][:, -1])


def said_of(module: Any, cls: Any = DANNClassifier, n_rows: int = 24) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        y = X[:, 0] if cls is DANNRegressor else Y
        cls(module, **SHORT).begin(X[:n_rows], y[:n_rows], X + 1)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("cls", [DANNClassifier, FinetuneClassifier])
@pytest.mark.parametrize(
    "module",
    [
        BatchNormWithoutStatistics,
        Centred,
        Scaled,
        Mirrored,
        Counted,
        Neighbours,
        Attention,
        Recurrent,
    ],
)
def test_a_network_that_mixes_rows_is_named(module: Any, cls: Any) -> None:
    for n_rows in (2, 24):
        (message,) = said_of(module, cls, n_rows)
        assert "'module' parameter" in message
        assert "depends, in evaluation mode, on the other rows of its batch" in message
        assert "batch_first=True" in message


def test_a_regressor_that_mixes_rows_is_named() -> None:
    (message,) = said_of(Centred(n_classes=1), DANNRegressor)
    assert "on the other rows of its batch" in message


@pytest.mark.parametrize(
    "module",
    [
        Net,
        Attention(batch_first=True),
        Recurrent(batch_first=True),
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 2)),
        nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 2)),
    ],
)
def test_other_networks_are_not(module: Any) -> None:
    assert said_of(module) == []


class AlwaysDropping(Net):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(dropout(self.features(x), 0.5))


class Noisy(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + torch.randn_like(x))


class Bayesian(Net):
    def forward(self, x: Tensor) -> Tensor:
        drawn = self.body.weight + torch.randn_like(self.body.weight)
        return self.head(linear(self.below(x).relu(), drawn, self.body.bias))


class Remembering(Net):
    state = 0.0

    def forward(self, x: Tensor) -> Tensor:
        self.state = self.state + 1
        return super().forward(x) + self.state * x[:, :2]


@pytest.mark.parametrize("module", [AlwaysDropping, Noisy, Bayesian, Remembering])
def test_a_network_whose_outputs_cannot_be_repeated_is_named(module: Any) -> None:
    (message,) = said_of(module)
    assert "'module' parameter" in message
    assert "change from call to call in evaluation mode" in message
    assert "training=self.training" in message


# -- an adaptation that trains nothing --------------------------------------------------------


class Frozen(Net):
    def __init__(self) -> None:
        super().__init__()
        self.below.requires_grad_(False)
        self.body.requires_grad_(False)


class Detached(Net):
    def features(self, x: Tensor) -> Tensor:
        return super().features(x).detach()


class WithoutGradient(Net):
    def features(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return super().features(x)


class WithoutWeights(Net):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)

    def features(self, x: Tensor) -> Tensor:
        return x.tanh()


@pytest.mark.parametrize("module", [Frozen, Detached, WithoutGradient, WithoutWeights])
def test_an_adaptation_that_trains_no_weight_is_announced(module: Any) -> None:
    with pytest.warns(UserWarning, match=r"no weight of the network, so that 'lam' had no effect"):
        fitted = DANNClassifier(module, **SHORT).fit(X, Y, X + 1)
    with pytest.warns(UserWarning, match=r"below the input of 'head' are frozen"):
        fitted.partial_fit(X, Y, X + 1)


@pytest.mark.parametrize("cls", [DANClassifier, DeepCORALClassifier, MDDClassifier, ADDAClassifier])
def test_by_other_methods_as_well(cls: Any) -> None:
    with pytest.warns(UserWarning, match=r"'lam' had no effect"):
        cls(Frozen, **SHORT).fit(X, Y, X + 1)


# a bottleneck, the classifier itself
@pytest.mark.parametrize("cls", [DDCClassifier, JANClassifier, MCCClassifier, MCDClassifier])
def test_methods_that_train_what_is_above_are_not(cls: Any) -> None:
    cls(Frozen, **SHORT).fit(X, Y, X + 1)


def test_one_of_two_layers_is_enough_and_lam_0_needs_none() -> None:
    half = Net()
    half.below.requires_grad_(False)
    DANClassifier(half, adapt_layers=["below", "body"], **SHORT).fit(X, Y, X + 1)
    DANClassifier(half, lam=0, adapt_layers="below", **SHORT).fit(X, Y, X + 1)
    with pytest.warns(UserWarning, match=r"below the output of 'below' are frozen"):
        DANClassifier(half, adapt_layers="below", **SHORT).fit(X, Y, X + 1)


def test_what_a_callback_or_a_recipe_freezes_counts() -> None:
    for params in ({"callbacks": [Freezer(["below*", "body*"])]}, {"n_frozen": 2}):
        with pytest.warns(UserWarning, match=r"'lam' had no effect"):
            DANNClassifier(Net(), **SHORT, **params).fit(X, Y, X + 1)
    DANNClassifier(Net(), n_frozen=2, unfreeze_schedule=1, **SHORT).fit(X, Y, X + 1)


def test_a_search_announces_it_once_for_each_stack() -> None:
    search = LambdaSearchCV(DANNClassifier(Frozen, **SHORT), lams=[1.0], cv=2, random_state=0)
    with pytest.warns(UserWarning, match=r"'lam' had no effect"):
        search.fit(X, Y, X + 1)
    assert search.vectorized_


def test_the_second_stage_of_adda_trains_though_the_first_ended_with_the_head_alone() -> None:
    fitted = ADDAClassifier(Net(), head_epochs=1, max_epochs=1, random_state=0).fit(X, Y, X + 1)
    before, after = fitted.source_net_.module_, fitted.net_.module_
    assert not torch.equal(before.below.weight, after.below.weight)
    assert torch.equal(before.head.weight, after.head.weight)


# -- torch's modes, which are the caller's ----------------------------------------------------


@pytest.mark.parametrize("cls", [DANNClassifier, MCDClassifier, DANNRegressor])
def test_another_default_device_changes_nothing(cls: Any) -> None:
    y = X[:, 0] if cls is DANNRegressor else Y
    wanted = cls(**SHORT).fit(X, y, X + 1).predict(X)
    with torch.device("meta"):
        found = cls(**SHORT).fit(X, y, X + 1).predict(X)
    np.testing.assert_array_equal(found, wanted)


def test_counting_operations_leaves_other_threads_alone() -> None:
    network, images = ConvNet(1, 2), torch.randn(2, 1, 8, 8)
    with torch.no_grad(), FlopCounterMode(display=False) as wanted:
        network(images)
    failed: list[BaseException] = []

    def train() -> None:
        try:
            for _ in range(30):
                network(images).sum().backward()
                torch.autograd.grad(network(images).sum(), [images])
        except BaseException as error:
            failed.append(error)

    images.requires_grad_()
    thread = threading.Thread(target=train)
    thread.start()
    with torch.no_grad():
        for _ in range(30):
            with _Operations() as found:
                network(images)
    thread.join()
    assert found.total == wanted.get_total_flops() > 0
    assert not failed
