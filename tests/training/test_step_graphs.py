"""Steps that are recorded once and replayed give the weights of ordinary steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import Mock, call

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from skda import DANClassifier, DANNClassifier, FinetuneClassifier
from skda.losses._core import distances
from skda.model_selection import LambdaSearchCV
from skda.training import net as net_module
from skda.training import step_graphs
from tests.contract import small
from tests.discovery import every_estimator, has_classes, needs_target, stem
from tests.training.recorder import record

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype(np.float32)
Y = np.arange(50) % 2
X_TARGET = RNG.normal(size=(70, 4)).astype(np.float32) + 1
# decompositions and transports wait for the device, and the critic has its own optimizer
REFUSED = {
    **dict.fromkeys(
        ["RSD", "DAREGRAM", "DeepJDOT"], "an adaptation loss that reads numbers from the GPU"
    ),
    "WDGRL": "a method that trains networks of its own in each step",
}


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Record on the CPU; the list has what was recorded."""
    found: list[Any] = []

    def note(take_step: Any) -> Any:
        found.append(record(take_step))
        return found[-1]

    @contextmanager
    def here(net: Any) -> Iterator[None]:
        net.graphs_ = step_graphs.StepGraphs(net) if net.cuda_graphs else None
        yield
        net.graphs_ = None

    monkeypatch.setattr(step_graphs, "record", note)
    monkeypatch.setattr(distances, "answers_at_once", lambda tensor: False)
    monkeypatch.setattr(net_module, "recorded_steps", here)
    return found


def domains_for(cls: Any) -> tuple[Any, ...]:
    y = Y if has_classes(cls) else X[:, 0] - X[:, 1]
    return (X, y, X_TARGET) if needs_target(cls) else (X, y)


def outputs(estimator: Any) -> np.ndarray:
    name = "predict_proba" if has_classes(type(estimator)) else "predict"
    return getattr(estimator, name)(X_TARGET)


@every_estimator
def test_replayed_steps_train_the_same(cls: Any, recorded: list[Any]) -> None:
    # with Adam, rounding errors would move the biases before a batch normalisation
    given = small(cls) | {"max_epochs": 6, "optimizer": torch.optim.SGD, "lr": 0.05}
    estimator = cls(**given, cuda_graphs=True)
    if stem(cls) in REFUSED:
        with pytest.raises(ValueError, match=f"must be False for {REFUSED[stem(cls)]}. Got True"):
            estimator.fit(*domains_for(cls))
        return
    estimator.fit(*domains_for(cls))
    plain = cls(**given).fit(*domains_for(cls))
    assert 1 <= len(recorded) <= 4  # one for each pair of sizes of the batches
    np.testing.assert_allclose(outputs(estimator), outputs(plain), atol=1e-5)
    for column in ("train_loss", "classification_loss", "lam", "lr", "train_batch_count"):
        found, expected = (each.history_[:, column] for each in (estimator, plain))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_schedules_dropout_and_adam_are_those_of_each_step(recorded: list[Any]) -> None:
    given = small(DANNClassifier) | {"module__batch_norm": False, "module__dropout": 0.3}
    given |= {"max_epochs": 8, "lr": 0.01, "lr_schedule": lambda p: 1 - p, "lam_schedule": "ramp"}
    fits = [
        DANNClassifier(**given, cuda_graphs=on).fit(X, Y, X_TARGET).partial_fit(X, Y, X_TARGET)
        for on in (True, False)
    ]
    assert recorded
    np.testing.assert_allclose(*map(outputs, fits), atol=1e-5)
    assert fits[0].net_.optimizer_.param_groups[0]["lr"] == pytest.approx(
        fits[1].net_.optimizer_.param_groups[0]["lr"]
    )
    assert not fits[0].net_.optimizer_.param_groups[0]["capturable"]
    np.testing.assert_allclose(*(fit.history_[:, "domain_accuracy"] for fit in fits), atol=1e-6)


@pytest.mark.parametrize(
    "recipe",
    [
        {"head_epochs": 3},
        {"unfreeze_schedule": 2},
        {"l2_sp": 0.1, "layer_lr_decay": 0.5, "freeze_norm": True},
    ],
)
def test_layers_that_are_freed_later_are_trained(
    recipe: dict[str, Any], recorded: list[Any]
) -> None:
    given = small(FinetuneClassifier) | {"max_epochs": 8, "module__batch_norm": False}
    start = FinetuneClassifier(**given).fit(X, Y)
    given |= {"pretrained": start, "n_frozen": 1 if "unfreeze_schedule" in recipe else 0, **recipe}
    fits = [
        FinetuneClassifier(**given, cuda_graphs=on).fit(X_TARGET[:50], Y) for on in (True, False)
    ]
    assert recorded
    weights = [[p.detach() for p in fit.module_.parameters()] for fit in fits]
    for found, expected in zip(*weights, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_the_stacked_search_is_recorded_as_well(recorded: list[Any]) -> None:
    given = small(DANClassifier) | {"max_epochs": 5, "optimizer": torch.optim.SGD}
    options: dict[str, Any] = {"lams": [0.1, 1.0], "cv": 3, "random_state": 0, "refit": False}
    searches = [
        LambdaSearchCV(DANClassifier(**given, cuda_graphs=on), **options).fit(X, Y, X_TARGET)
        for on in (True, False)
    ]
    assert recorded
    assert all(search.vectorized_ for search in searches)
    columns = [name for name in searches[0].cv_results_ if name.startswith("split")]
    assert columns
    for name in columns:
        np.testing.assert_allclose(*(s.cv_results_[name] for s in searches), atol=1e-4)


def test_a_divergence_is_still_seen(recorded: list[Any]) -> None:
    given = small(FinetuneClassifier) | {"max_epochs": 9, "optimizer": torch.optim.SGD, "lr": 1e30}
    with pytest.raises(ValueError, match="training loss became"):
        FinetuneClassifier(**given, cuda_graphs=True).fit(X, Y)


class Watches(Callback):
    def on_batch_end(self, net: Any, **_: Any) -> None:
        pass


class Counts(nn.Module):
    """Reads a number of its input in each step."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> Any:
        return self.classifier(x if x.sum() > 0 else -x)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"callbacks": [Watches()]}, "callbacks that look at single steps"),
        ({"optimizer": torch.optim.RMSprop}, "the optimizer RMSprop, which has no fused form"),
        ({"kernel_weights": "optimal"}, "an adaptation loss that is set anew before each epoch"),
        ({"optimizer__fused": False}, "the optimizer Adam, which has no fused form"),
        ({"module": Counts}, "a training whose steps read numbers from the GPU"),
    ],
)
def test_what_a_graph_cannot_repeat_is_refused(
    options: dict[str, Any], reason: str, recorded: list[Any]
) -> None:
    clf = DANClassifier(cuda_graphs=True, max_epochs=4, batch_size=20, random_state=0, **options)
    with pytest.raises(ValueError, match=f"'cuda_graphs' parameter must be False for {reason}"):
        clf.fit(X, Y, X_TARGET)


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(4, 2)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> Any:
        return self.classifier(torch.cat([a, b], 1))


def test_several_inputs_are_refused(recorded: list[Any]) -> None:
    source, target = ({"a": rows[:, :2], "b": rows[:, 2:]} for rows in (X, X_TARGET))
    clf = DANClassifier(TwoInputs, cuda_graphs=True, max_epochs=4, random_state=0)
    with pytest.raises(ValueError, match="must be False for a module of several inputs"):
        clf.fit(source, Y, target)


def test_without_a_gpu_it_does_nothing() -> None:
    fits = [
        DANNClassifier(**small(DANNClassifier), cuda_graphs=on).fit(X, Y, X_TARGET)
        for on in (True, False)
    ]
    assert np.array_equal(*map(outputs, fits))


@pytest.mark.parametrize("fails", [True, False])
def test_a_recording_that_fails_puts_the_gpu_s_generator_back(
    fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = Mock()
    monkeypatch.setattr(torch.cuda, "default_generators", (generator,))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "current_stream", Mock())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Mock())
    monkeypatch.setattr(torch.cuda, "graph", lambda *_, **__: nullcontext())
    take_step = Mock(side_effect=RuntimeError("not permitted") if fails else None)
    with pytest.raises(RuntimeError, match="not permitted") if fails else nullcontext():
        step_graphs.record(take_step)
    put_back = generator.graphsafe_set_state.call_args_list
    assert put_back == ([call(generator.clone_state.return_value)] if fails else [])
