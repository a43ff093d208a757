"""The recipes of fine-tuning, each compared with its definition by hand."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import skda
from skda import ADDAClassifier, DANClassifier, DANNClassifier, DDCClassifier, FinetuneClassifier
from skda.model_selection import LambdaSearchCV
from skda.nn import MLP, Backbone
from tests.compared import assert_same_weights, outputs
from tests.discovery import WAYS, has_classes, needs_target, stem
from tests.methods.pretrained import (
    BODY,
    DATA,
    FIT,
    SGD,
    START,
    assert_equal,
    dan,
    network,
    of_body,
    state,
)

# -- LP-FT ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [*filter(needs_target, WAYS)])
def test_the_body_is_fixed_to_the_bit_while_the_head_is_trained(cls: type) -> None:
    own = {"critic_steps": 1} if stem(cls) == "WDGRL" else {}
    own |= {"bottleneck_width": None} if stem(cls) == "DDC" else {}
    module = network(1 + has_classes(cls))
    for max_epochs, fixed in ((1, True), (2, False)):
        fitted = cls(module, max_epochs=max_epochs, head_epochs=1, random_state=0, **own)
        fitted.fit(*FIT)
        net = getattr(fitted, "source_net_", fitted.net_)
        after, before = of_body(net.module_), of_body(module)
        if fixed:
            assert_equal(after, before)
        else:
            assert not any(torch.equal(after[k], before[k]) for k in ("0.weight", "3.weight"))
        assert not torch.equal(net.module_[5].weight, module[5].weight)


def test_the_target_has_the_start_s_statistics_while_the_head_is_trained() -> None:
    fitted = dan(head_epochs=4).fit(*FIT)
    statistics = fitted.net_.domain_stats_
    assert torch.equal(statistics.layer0_running_mean, START[True][1].running_mean)
    assert_array_equal(fitted.predict(DATA.X), fitted.predict(DATA.X, domain="source"))


@pytest.mark.parametrize(("every", "free"), [(None, [0, 1, 1, 1]), (1, [0, 1, 2, 2])])
def test_layers_thaw_after_the_head_was_trained(every: int | None, free: list[int]) -> None:
    found = []
    for max_epochs in range(1, 5):
        params = {"head_epochs": 1, "n_frozen": 1, "unfreeze_schedule": every}
        fitted = FinetuneClassifier(pretrained=START[True], max_epochs=max_epochs, **params)
        layers = fitted.fit(DATA.X, DATA.y).module_[:5]
        found.append(
            sum(
                getattr(m, "weight", None) is not None and m.weight.requires_grad
                for m in layers
                if isinstance(m, nn.Linear)
            )
        )
    assert found == free


def test_what_the_user_fixed_stays_fixed() -> None:
    module = copy.deepcopy(START[True])
    module[0].requires_grad_(False)
    fitted = dan(module, head_epochs=1).fit(*FIT)
    assert torch.equal(fitted.module_[0].weight, module[0].weight)
    assert not torch.equal(fitted.module_[3].weight, module[3].weight)


# -- L2-SP ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam", [0.0, 0.5])
def test_l2_sp_by_hand(lam: float) -> None:
    params = {"lam": lam, "batch_size": 60, "max_epochs": 3, "l2_sp": 0.7}
    fitted = dan(START[False], **params).fit(*FIT)
    module = copy.deepcopy(START[False])
    start = dict(START[False].named_parameters())
    term = fitted.net_.adaptation_
    X, X_target = (torch.from_numpy(rows).float() for rows in (DATA.X, DATA.X_target))
    for _ in range(3):
        loss = cross_entropy(module(X), torch.from_numpy(DATA.y))
        loss = loss + lam * sum(term.distance(module[:5](X), module[:5](X_target)).reshape(1))
        names, values = zip(*module.named_parameters(), strict=True)
        for name, value in zip(names, values, strict=True):
            away = value - start[name].detach() if name.startswith(BODY) else value
            loss = loss + 0.7 / 2 * (away**2).sum()
        grads = torch.autograd.grad(loss, values)
        with torch.no_grad():
            for value, grad in zip(values, grads, strict=True):
                value -= 0.1 * grad
    for name, value in fitted.module_.named_parameters():
        torch.testing.assert_close(value, module.get_parameter(name), rtol=1e-5, atol=1e-6)


def test_l2_sp_keeps_the_body_near_its_start_and_the_head_near_zero() -> None:
    far, near = (dan(l2_sp=weight, max_epochs=20).fit(*FIT).module_ for weight in (0.0, 3.0))
    moved = [(m[3].weight - START[True][3].weight).norm() for m in (far, near)]
    assert moved[1] < 0.3 * moved[0]
    assert near[5].weight.norm() < 0.5 * START[True][5].weight.norm()


def test_the_loss_that_is_recorded_is_that_without_the_penalty() -> None:
    rows = dan(l2_sp=5.0, lam=0.0, max_epochs=1, batch_size=60).fit(*FIT).history_[0]
    assert rows["train_loss"] == rows["classification_loss"]


# -- rates ------------------------------------------------------------------------------------


def rates(estimator: Any) -> dict[str, float]:
    """Return the learning rate of each parameter of the network and of the term."""
    net = estimator.net_
    names = {id(p): name for name, p in net.get_all_learnable_params()}
    groups = net.optimizer_.param_groups
    return {names[id(p)]: g["lr"] for g in groups for p in g["params"]}


def test_rates_fall_from_the_head_down() -> None:
    params = {**SGD, "max_epochs": 1, "backbone_lr_ratio": 0.5, "layer_lr_decay": 0.8}
    found = rates(DANNClassifier(START[True], **params).fit(*FIT))
    expected = {"5": 0.1, "3": 0.1 * 0.5 * 0.8, "0": 0.1 * 0.5 * 0.8**2, "1": 0.1 * 0.5 * 0.8**2}
    for name, rate in found.items():
        layer = name.partition(".")[0]
        assert rate == pytest.approx(expected.get(layer, 0.1)), name  # the discriminator's is lr
    assert any(name.startswith("discriminator") for name in found)
    tuned = FinetuneClassifier(pretrained=START[True], **params).fit(DATA.X, DATA.y)
    assert rates(tuned) == {k: v for k, v in found.items() if not k.startswith("discriminator")}
    assert tuned.history_[-1]["lr"] == 0.1  # the head's


def test_the_body_s_rate_alone() -> None:
    found = rates(dan(backbone_lr_ratio=0.01, max_epochs=1, optimizer__lr=0.4).fit(*FIT))
    assert found["5.bias"] == 0.4
    assert found["0.weight"] == found["1.bias"] == found["3.weight"] == pytest.approx(0.004)
    assert set(rates(dan(max_epochs=1).fit(*FIT)).values()) == {0.1}


class Nested(nn.Module):
    """A layer that has parameters and contains another layer, and a parameter at the root."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(4))
        self.attention = nn.MultiheadAttention(4, 1, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = (x + self.shift)[:, None]
        return self.head(self.attention(x, x, x)[0][:, 0])


def test_rates_of_nested_layers() -> None:
    found = rates(dan(Nested(), layer_lr_decay=0.5, max_epochs=1).fit(*FIT))
    assert found["head.weight"] == 0.1
    assert found["attention.out_proj.weight"] == pytest.approx(0.05)
    assert found["attention.in_proj_weight"] == pytest.approx(0.025)
    assert found["shift"] == pytest.approx(0.0125)


# -- frozen normalisation ---------------------------------------------------------------------


def test_frozen_normalisation_keeps_its_statistics_and_trains_its_weights() -> None:
    fitted = dan(freeze_norm=True).fit(*FIT)
    norm, start = fitted.module_[1], START[True][1]
    for name, buffer in start.named_buffers():
        assert torch.equal(getattr(norm, name), buffer), name
        assert torch.equal(getattr(fitted.net_.domain_stats_, f"layer0_{name}"), buffer), name
    assert not torch.equal(norm.weight, start.weight)
    # by hand: one step of gradient descent through the fixed statistics
    one = dan(freeze_norm=True, lam=0, max_epochs=1, batch_size=60).fit(*FIT).module_
    module = copy.deepcopy(START[True]).eval()
    X = torch.from_numpy(DATA.X).float()
    cross_entropy(module(X), torch.from_numpy(DATA.y)).backward()
    expected = module[0].weight - 0.1 * module[0].weight.grad
    torch.testing.assert_close(one[0].weight, expected, rtol=1e-5, atol=1e-6)


def test_a_new_bottleneck_belongs_to_the_head() -> None:
    params = {**SGD, "max_epochs": 2, "bottleneck_width": 3, "freeze_norm": True}
    fitted = DDCClassifier(START[True], head_epochs=2, layer_lr_decay=0.5, **params).fit(*FIT)
    assert_equal(of_body(fitted.module_), of_body(START[True]))
    bottleneck = fitted.module_[5].bottleneck
    assert bottleneck[1].num_batches_tracked > 0
    found = rates(fitted)
    assert found["5.bottleneck.0.weight"] == found["5.classifier.bias"] == 0.1
    assert found["3.weight"] == pytest.approx(0.05)


# -- WiSE-FT ----------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_average_by_hand(alpha: float) -> None:
    end, fitted = (dan(wise_ft=share).fit(*FIT) for share in (1.0, alpha))
    last, first = state(end.module_), state(START[True])
    for name, value in state(fitted.module_).items():
        if value.is_floating_point():
            expected = (1 - alpha) * first[name] + alpha * last[name]
            torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-7)
    for name in ("running_mean", "running_var"):
        trained = getattr(end.net_.domain_stats_, f"layer0_{name}")
        expected = (1 - alpha) * first[f"1.{name}"] + alpha * trained
        found = getattr(fitted.net_.domain_stats_, f"layer0_{name}")
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
    if alpha == 1:
        assert_same_weights(fitted, end)
    if alpha == 0:
        rows = torch.from_numpy(DATA.X_target).float()
        proba = copy.deepcopy(START[True]).eval()(rows).softmax(1).detach()
        for domain in ("source", "target"):
            np.testing.assert_allclose(
                fitted.predict_proba(DATA.X_target, domain=domain), proba, rtol=1e-5
            )


def test_the_statistics_of_each_of_several_sources_are_averaged() -> None:
    sources = [DATA.X, 2 * DATA.X + 1], [DATA.y, DATA.y], DATA.X_target
    names: dict[str, Any] = {"source_domain": ["near", "far"]}
    end, half, none = (dan(wise_ft=share).fit(*sources, **names) for share in (1.0, 0.5, 0.0))
    first = state(START[True])
    for k in range(2):
        for name in ("running_mean", "running_var"):
            trained, found = (
                fit.net_.domain_module_.statistics[f"source{k}"].get_buffer(f"layer0_{name}")
                for fit in (end, half)
            )
            assert not torch.allclose(trained, first[f"1.{name}"], rtol=0.05)
            torch.testing.assert_close(found, (first[f"1.{name}"] + trained) / 2)
    rows = torch.from_numpy(DATA.X).float()
    proba = copy.deepcopy(START[True]).eval()(rows).softmax(1).detach()
    for domain in ("near", "far", "source", "target"):
        np.testing.assert_allclose(none.predict_proba(DATA.X, domain=domain), proba, rtol=1e-5)


def test_the_start_has_the_head_that_was_trained_on_its_body() -> None:
    probed = dan(head_epochs=2, max_epochs=2).fit(*FIT)
    for max_epochs in (2, 4):  # without and with a training of all layers
        start = dan(head_epochs=2, max_epochs=max_epochs, wise_ft=0).fit(*FIT)
        assert_equal(state(start.module_), state(probed.module_))
        assert_array_equal(outputs(start, DATA.X_target), outputs(probed, DATA.X_target))


def test_adabn_comes_after_the_average() -> None:
    fitted = dan(wise_ft=0.5, adapt_batch_norm=True).fit(*FIT)
    first = fitted.module_[0](torch.from_numpy(DATA.X_target).float()).mean(0)
    torch.testing.assert_close(fitted.net_.domain_stats_.layer0_running_mean, first)


def test_alpha_is_chosen_without_target_labels() -> None:
    search = LambdaSearchCV(
        dan(lr=0.5, max_epochs=2),
        lams=[0.5],
        param_grid={"wise_ft": [0.0, 0.5, 1.0]},
        cv=2,
        validator="source_accuracy",
        random_state=0,
    ).fit(*FIT)
    assert "tuning recipe works on one network at a time" in search.vectorize_reason_
    # the initial weights are untrained, so the source accuracy rises with the distance from them
    scores = dict(
        zip(search.cv_results_["param_wise_ft"], search.cv_results_["mean_test_score"], strict=True)
    )
    assert search.best_params_["wise_ft"] == max(scores, key=scores.get) > 0
    assert scores[1.0] > scores[0.0]


# -- together, and with other options -----------------------------------------------------------

ALL: dict[str, Any] = {
    "head_epochs": 1,
    "l2_sp": 0.1,
    "layer_lr_decay": 0.7,
    "freeze_norm": True,
    "wise_ft": 0.6,
    "backbone_lr_ratio": 0.5,
    "n_frozen": 1,
    "unfreeze_schedule": 2,
}


def test_clone_pickle_and_a_model_file(tmp_path: Path) -> None:
    fitted = dan(**ALL).fit(*FIT)
    assert {k: clone(fitted).get_params()[k] for k in ALL} == ALL
    path = tmp_path / "model.safetensors"
    fitted.save(path, optimizer=True)
    for other in (pickle.loads(pickle.dumps(fitted)), skda.load(path)):
        assert_same_weights(other, fitted)
        both = [copy.deepcopy(fitted).partial_fit(*FIT), other.partial_fit(*FIT)]
        assert_same_weights(*both)  # L2-SP pulls both to the same initial weights
        assert not torch.equal(both[0].module_[3].weight, fitted.module_[3].weight)


def test_a_warm_start_keeps_the_first_start() -> None:
    fitted = dan(wise_ft=0.0, warm_start=True).fit(*FIT).set_params(wise_ft=1.0)
    moved = fitted.fit(*FIT)  # starts at the initial weights, which wise_ft=0 had restored
    assert not torch.equal(moved.module_[3].weight, START[True][3].weight)
    again = dan(wise_ft=0.5, warm_start=True).fit(*FIT)
    once = again.module_[3].weight.clone()
    again.set_params(wise_ft=0.0).fit(*FIT)
    assert not torch.equal(once, START[True][3].weight)
    assert_equal(of_body(again.module_), of_body(START[True]))


def test_partial_fit_trains_the_head_first_and_averages_nothing() -> None:
    parts = dan(head_epochs=1, wise_ft=0.0)
    assert_equal(of_body(parts.partial_fit(*FIT).module_), of_body(START[True]))
    parts.partial_fit(*FIT)
    assert not torch.equal(parts.module_[3].weight, START[True][3].weight)


def test_the_two_stages_of_adda() -> None:
    params = {**SGD, "max_epochs": 2, "head_epochs": 1, "n_frozen": 1, "wise_ft": 0.25}
    fitted = ADDAClassifier(START[True], **params).fit(*FIT)
    source, target = fitted.source_net_.module_, fitted.net_.module_
    for module in (source, target):
        assert torch.equal(module[0].weight, START[True][0].weight)
    assert torch.equal(source[5].weight, target[5].weight)
    assert not torch.equal(source[3].weight, target[3].weight)
    whole = ADDAClassifier(START[True], **{**params, "wise_ft": 1.0}).fit(*FIT)
    first = START[True][3].weight
    torch.testing.assert_close(
        source[3].weight, first + 0.25 * (whole.source_net_.module_[3].weight - first)
    )


def test_the_target_stage_of_fine_tuning_starts_from_the_source_stage() -> None:
    params = {**SGD, "max_epochs": 3, "wise_ft": 0.0, "batch_size": 30}
    source_only = FinetuneClassifier(MLP, **params).fit(DATA.X, DATA.y)
    staged = FinetuneClassifier(MLP, **params)
    staged.fit(*FIT, y_target=DATA.y_target)
    assert_same_weights(staged, source_only)


def test_a_backbone_has_its_own_ratio_and_stays_fixed_if_it_is() -> None:
    fitted = dan(Backbone(START[True]), layer_lr_decay=0.5, max_epochs=1).fit(*FIT)
    found = rates(fitted)
    assert found["network.5.weight"] == 0.1
    assert found["network.3.weight"] == pytest.approx(0.1 * 0.1 * 0.5)
    params = {"head_epochs": 1, "l2_sp": 0.1, "wise_ft": 0.5}
    fixed = dan(Backbone(START[True], frozen=True, bottleneck=3), **params).fit(*FIT)
    assert_equal(of_body(fixed.module_.network), of_body(START[True]))


# -- messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"head_epochs": -1}, r"'head_epochs' parameter of DANClassifier must be an int in the r"),
        ({"l2_sp": -0.1}, r"'l2_sp' .* must be a float in the range \[0.0, inf\)"),
        ({"layer_lr_decay": 0}, r"'layer_lr_decay' .* must be a float in the range \(0.0, 1.0\]"),
        ({"wise_ft": 1.1}, r"'wise_ft' .* must be a float in the range \[0.0, 1.0\]"),
        ({"freeze_norm": 2}, r"'freeze_norm' .* must be an instance of 'bool'"),
        ({"backbone_lr_ratio": 0}, r"'backbone_lr_ratio' .* in the range \(0.0, inf\) or None"),
        ({"n_frozen": 3}, "'n_frozen' parameter of DANClassifier must be at most 2, the number"),
        (
            {"layer_lr_decay": 0.5, "optimizer__param_groups": [("0.*", {"lr": 1.0})]},
            "'layer_lr_decay' and 'optimizer__param_groups' parameters both set the learning rat",
        ),
    ],
)
def test_messages(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dan(**params).fit(*FIT)


def test_recipes_are_for_trained_weights() -> None:
    message = "'l2_sp' parameter of DANClassifier is for trained weights, and module=None has none"
    with pytest.raises(ValueError, match=message):
        DANClassifier(l2_sp=0.1).fit(*FIT)
    message = "'wise_ft' parameter applies to trained weights. .* as 'pretrained' instead of 'mod"
    with pytest.raises(ValueError, match=message):
        FinetuneClassifier(START[True], wise_ft=0.5).fit(DATA.X, DATA.y)
