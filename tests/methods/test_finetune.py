import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import Tensor, nn

from skda import FinetuneClassifier
from skda.nn import weight_layers
from tests.shifted import shifted

DATA = shifted()
SMALL: dict[str, Any] = {"module__hidden": (6, 5), "max_epochs": 4, "random_state": 0}
# a learning rate that changes no weight
STILL: dict[str, Any] = {"optimizer": torch.optim.SGD, "lr": 1e-30}


def source_only(**params: Any) -> FinetuneClassifier:
    return FinetuneClassifier(**{**SMALL, **params}).fit(DATA.X, DATA.y)


def tuned(pretrained: Any, **params: Any) -> FinetuneClassifier:
    estimator = FinetuneClassifier(pretrained=pretrained, max_epochs=4, random_state=1)
    return estimator.set_params(**params).fit(DATA.X_target, DATA.y_target)


def state(estimator: Any) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in estimator.module_.state_dict().items()}


def changed_layers(estimator: Any, before: dict[str, Tensor]) -> list[int]:
    """Numbers of the layers in which a weight or a statistic changed."""
    after = state(estimator)
    return [
        i
        for i, names in enumerate(weight_layers(estimator.module_))
        if any(
            not torch.equal(after[key], before[key])
            for key in after
            if key.startswith(tuple(f"{name}." for name in names))
        )
    ]


# -- what is tuned ----------------------------------------------------------------------------


@pytest.mark.parametrize(("n_frozen", "changed"), [(0, [0, 1, 2]), (1, [1, 2]), (2, [2])])
def test_frozen_layers_stay_bit_for_bit_with_their_statistics(
    n_frozen: int, changed: list[int]
) -> None:
    base = source_only()
    # the rows have another scale, so a trained normalisation would change its statistics
    fitted = tuned(base, n_frozen=n_frozen, optimizer__weight_decay=0.1)
    assert changed_layers(fitted, state(base)) == changed
    assert fitted.module_.features[1].weight.requires_grad is (n_frozen == 0)


@pytest.mark.parametrize("n_frozen", [1, 2])
def test_frozen_layers_in_the_target_stage(n_frozen: int) -> None:
    base = source_only()  # the weights after the first stage: same seed
    fitted = FinetuneClassifier(**SMALL, n_frozen=n_frozen)
    fitted.fit(DATA.X, DATA.y, DATA.X_target, y_target=DATA.y_target)
    assert changed_layers(fitted, state(base)) == list(range(3))[n_frozen:]
    stats, norms = fitted.net_.domain_stats_, base.module_.features
    assert torch.equal(stats.layer0_running_mean, norms[0].running_mean)
    assert torch.equal(stats.layer1_running_mean, norms[4].running_mean) is (n_frozen == 2)


def test_reinit_draws_new_upper_layers_only() -> None:
    base = source_only()
    before = state(base)
    fits = [tuned(base, reinit=2, random_state=seed, **STILL) for seed in (1, 1, 2)]
    head, lower = "classifier.weight", "features.1.weight"
    for fitted in fits:
        after = state(fitted)
        assert torch.equal(after[lower], before[lower])
        for key in ("features.3.weight", head):
            assert not torch.equal(after[key], before[key])
    assert torch.equal(state(fits[0])[head], state(fits[1])[head])
    assert not torch.equal(state(fits[0])[head], state(fits[2])[head])


def gradients(module: nn.Module, frozen: bool) -> dict[str, Tensor]:
    """Gradients on the target rows; the frozen input normalisation keeps its statistics."""
    module = copy.deepcopy(module).train().requires_grad_()
    module.features[0].train(not frozen)
    logits = module(torch.from_numpy(DATA.X_target).float())
    loss = nn.functional.cross_entropy(logits, torch.from_numpy(DATA.y_target))
    names, parameters = zip(*module.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))


@pytest.mark.parametrize(
    ("ratio", "options", "fast"),
    [
        (0.1, {}, ["classifier"]),
        (0.25, {}, ["classifier"]),
        (1.0, {}, ["classifier"]),
        (0.5, {"n_frozen": 1}, ["classifier"]),
        (0.5, {"reinit": 2}, ["classifier", "features.3", "features.4"]),
    ],
)
def test_one_step_of_gradient_descent_by_hand(
    ratio: float, options: dict[str, int], fast: list[str]
) -> None:
    base = source_only()
    params = {"optimizer": torch.optim.SGD, "lr": 0.2, "max_epochs": 1, **options}
    fitted = tuned(base, backbone_lr_ratio=ratio, **params)
    start = tuned(base, **{**params, **STILL})
    frozen = ["features.1"] if options.get("n_frozen") else []
    grads = gradients(start.module_, bool(frozen))
    before, after = dict(start.module_.named_parameters()), dict(fitted.module_.named_parameters())
    for name, value in after.items():
        layer = name.rpartition(".")[0]
        rate = 0.0 if layer in frozen else 0.2 if layer in fast else 0.2 * ratio
        expected = before[name] - rate * grads[name]
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)
    assert all(grads[name].abs().max() > 1e-4 for name in ("features.1.weight", "classifier.bias"))


def test_without_pretrained_weights_the_source_stage_has_the_full_rate() -> None:
    plain = source_only(optimizer=torch.optim.SGD)
    groups = plain.net_.optimizer_.param_groups
    assert [(g["lr"], len(g["params"])) for g in groups] == [(1e-3, 8)]
    staged = FinetuneClassifier(**SMALL, optimizer=torch.optim.SGD, n_frozen=1)
    staged.fit(DATA.X, DATA.y, DATA.X_target, y_target=DATA.y_target)
    groups = staged.net_.optimizer_.param_groups
    assert [(g["lr"], len(g["params"])) for g in groups] == [(1e-3, 2), (1e-4, 6)]


def test_the_rate_may_be_given_as_a_parameter_of_the_optimizer() -> None:
    fitted = tuned(source_only(), optimizer=torch.optim.SGD, optimizer__lr=0.5)
    groups = fitted.net_.optimizer_.param_groups
    assert [(g["lr"], len(g["params"])) for g in groups] == [(0.5, 2), (0.05, 6)]


def test_the_users_own_parameter_groups_come_first() -> None:
    own = [("features.*", {"lr": 0.5})]
    fitted = tuned(source_only(), optimizer=torch.optim.SGD, optimizer__param_groups=own, lr=0.01)
    groups = fitted.net_.optimizer_.param_groups
    assert [(g["lr"], len(g["params"])) for g in groups] == [(0.5, 6), (0.01, 2)]


class Layers(Callback):
    """Note which layers can learn, and the weights of each, at the end of every epoch."""

    def __init__(self) -> None:
        self.free: list[list[int]] = []
        self.weights: list[list[Tensor]] = []

    def on_epoch_end(self, net: Any, **_: Any) -> None:
        firsts = [names[-1] if "features.0" in names else names[0] for names in self._names(net)]
        layers = [net.module_.get_submodule(name) for name in firsts]
        self.free.append([i for i, layer in enumerate(layers) if layer.weight.requires_grad])
        self.weights.append([layer.weight.detach().clone() for layer in layers])

    def _names(self, net: Any) -> list[list[str]]:
        return weight_layers(net.module_)


@pytest.mark.parametrize(
    ("schedule", "free"),
    [
        (None, [[2], [2], [2], [2], [2], [2]]),
        (1, [[2], [1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2]]),
        (2, [[2], [2], [1, 2], [1, 2], [0, 1, 2], [0, 1, 2]]),
    ],
)
def test_layers_thaw_from_the_top_when_the_schedule_says(
    schedule: int | None, free: list[list[int]]
) -> None:
    base, watch = source_only(), Layers()
    fitted = tuned(
        base, n_frozen=2, unfreeze_schedule=schedule, max_epochs=6, callbacks=[watch], lr=0.01
    )
    assert watch.free == free
    moved = [
        [i for i in range(3) if not torch.equal(now[i], before[i])]
        for before, now in zip(watch.weights, watch.weights[1:], strict=False)
    ]
    assert moved == free[1:]
    assert changed_layers(fitted, state(base)) == free[-1]


def test_batch_norm_of_a_thawed_layer_learns_again() -> None:
    base = source_only()
    statistics = base.module_.features[0].running_mean
    for epochs, equal in ((2, True), (3, False)):
        fitted = tuned(base, n_frozen=1, unfreeze_schedule=2, max_epochs=epochs)
        assert torch.equal(fitted.module_.features[0].running_mean, statistics) is equal


def test_the_head_is_replaced_for_another_number_of_classes() -> None:
    base = source_only()
    three = shifted(n_classes=3)
    fitted = FinetuneClassifier(pretrained=base, reinit=1, **{**SMALL, **STILL, "max_epochs": 1})
    fitted.fit(three.X, three.y)
    assert fitted.module_.classifier.weight.shape == (3, 5)
    assert fitted.predict_proba(three.X).shape == (60, 3)
    assert torch.equal(fitted.module_.features[1].weight, base.module_.features[1].weight)
    message = r"returns logits of shape \(n_rows, n_classes\), here \(2, 3\). Got \(2, 2\) instead"
    with pytest.raises(ValueError, match=message):
        FinetuneClassifier(pretrained=base, max_epochs=1).fit(three.X, three.y)


def test_a_classifier_that_is_no_linear_layer_can_be_reinitialised() -> None:
    net = nn.Sequential(nn.Unflatten(1, (4, 1)), nn.Conv1d(4, 2, 1), nn.Flatten())
    fitted = tuned(net, reinit=1, adapt_layers="2", **STILL)
    assert not torch.equal(fitted.module_[1].weight, net[1].weight)


def test_what_was_pretrained_is_left_as_it_was() -> None:
    base = source_only()
    before, proba = state(base), base.predict_proba(DATA.X)
    module = copy.deepcopy(base.module_)
    for pretrained in (base, module):
        fits = [tuned(pretrained, reinit=1) for _ in range(2)]
        for key, value in state(fits[0]).items():
            assert torch.equal(value, state(fits[1])[key])  # each fit starts anew
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
        assert torch.equal(state(base)[name], before[name])
    np.testing.assert_array_equal(base.predict_proba(DATA.X), proba)
    assert all(p.requires_grad for p in module.parameters())


def test_weights_of_another_network(tmp_path: Path) -> None:
    torch.save(nn.Linear(7, 7).state_dict(), tmp_path / "weights.pt")
    message = r"'pretrained' parameter holds weights that do not fit the module, for instance \['bi"
    with pytest.raises(ValueError, match=message):
        tuned(tmp_path / "weights.pt")


def test_upper_layers_may_differ_from_the_file() -> None:
    wide = source_only(module__hidden=(6, 9)).module_.state_dict()
    with pytest.raises(ValueError, match="set 'reinit' to their number"):
        tuned(wide, module__hidden=(6, 5), reinit=1)
    fitted = tuned(wide, module__hidden=(6, 5), reinit=2, **STILL)
    assert torch.equal(fitted.module_.features[1].weight, wide["features.1.weight"])


# -- the two stages ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_few_target_labels_beat_source_only(seed: int) -> None:
    data = shifted(150, 150, seed=seed, shift=2.0)
    few = np.where(np.arange(150) < 40, data.y_target, -1)
    params = {**SMALL, "max_epochs": 40, "lr": 0.01, "module__batch_norm": False}
    rest = slice(40, None)
    scores = [
        FinetuneClassifier(**params)
        .fit(data.X, data.y, X_target, y_target=y_target)
        .score(data.X_target[rest], data.y_target[rest])
        for X_target, y_target in ((None, None), (data.X_target, few))
    ]
    assert scores[1] > scores[0] + 0.1


def test_unlabelled_target_rows_change_nothing() -> None:
    plain = source_only()
    for y_target in (None, np.full(60, -1)):
        fitted = FinetuneClassifier(**SMALL).fit(DATA.X, DATA.y, DATA.X_target, y_target=y_target)
        for name, value in state(fitted).items():
            assert torch.equal(value, state(plain)[name]), name


def test_only_labelled_target_rows_are_learned_from() -> None:
    few = np.where(np.arange(60) % 3 == 0, DATA.y_target, -1)
    other = DATA.X_target.copy()
    other[few < 0] = 1e3
    fits = [
        FinetuneClassifier(**SMALL).fit(DATA.X, DATA.y, rows, y_target=few)
        for rows in (DATA.X_target, other)
    ]
    for name, value in state(fits[0]).items():
        assert torch.equal(value, state(fits[1])[name]), name


def test_source_rows_are_still_judged_by_the_sources_statistics() -> None:
    base = source_only()
    fitted = FinetuneClassifier(**{**SMALL, "backbone_lr_ratio": 1e-20})
    fitted.fit(DATA.X, DATA.y, DATA.X_target, y_target=DATA.y_target)
    for i in (0, 4):  # the target stage leaves them alone
        for name in ("running_mean", "running_var"):
            ours, theirs = (getattr(e.module_.features[i], name) for e in (fitted, base))
            assert torch.equal(ours, theirs)
    features = fitted.transform(DATA.X, domain="source")
    np.testing.assert_allclose(features, base.transform(DATA.X, domain="source"), rtol=1e-5)
    assert abs(features - fitted.transform(DATA.X, domain="target")).max() > 0.1


def test_adabn_after_the_target_stage_takes_all_target_rows() -> None:
    few = np.where(np.arange(60) < 10, DATA.y_target, -1)
    fitted = FinetuneClassifier(**SMALL, adapt_batch_norm=True)
    fitted.fit(DATA.X, DATA.y, DATA.X_target, y_target=few)
    mean = fitted.net_.domain_stats_.layer0_running_mean
    np.testing.assert_allclose(mean, DATA.X_target.mean(0), rtol=1e-5)


# -- messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_frozen": 4}, "'n_frozen' parameter of FinetuneClassifier must be at most 3, the numb"),
        ({"reinit": 4}, "'reinit' parameter of FinetuneClassifier must be at most 3, the number"),
        ({"n_frozen": 3}, "'n_frozen' parameter of FinetuneClassifier must be at most 2: of the m"),
        (
            {"n_frozen": 2, "reinit": 2},
            r"at most 1: of the module's 3 layers, the last and those of 'reinit' \(2\) must stay",
        ),
        ({"n_frozen": -1}, r"'n_frozen' parameter of FinetuneClassifier must be an int in the ran"),
        (
            {"backbone_lr_ratio": 0},
            r"'backbone_lr_ratio' .* must be a float in the range \(0.0, in",
        ),
        (
            {"unfreeze_schedule": 0},
            r"'unfreeze_schedule' .* must be an int in the range \[1, inf\)",
        ),
        ({"pretrained": 3}, "The 'pretrained' parameter of FinetuneClassifier must be"),
    ],
)
@pytest.mark.parametrize("pretrained", [False, True])
def test_messages(params: dict[str, Any], message: str, pretrained: bool) -> None:
    if pretrained:
        params = {"pretrained": source_only(max_epochs=1), **params}
    with pytest.raises(ValueError, match=message):
        FinetuneClassifier(**SMALL, **params).fit(DATA.X, DATA.y)


def test_trained_weights_belong_into_pretrained() -> None:
    message = "parameters apply to trained weights. .* pass it as 'pretrained' instead of 'module'"
    with pytest.raises(ValueError, match=message):
        FinetuneClassifier(nn.Linear(4, 2), n_frozen=1).fit(DATA.X, DATA.y)
