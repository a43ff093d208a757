"""What a checkpoint holds can be read again, whatever parameters and callbacks keep."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback, LRScheduler
from torch.optim import SGD

from skda import DANNClassifier, WDGRLClassifier
from skda.model_selection import LambdaSearchCV
from tests.training.test_checkpoint import FEW, X_TARGET, Kill, Killed, X, Y, same_state


def cosine(p: float) -> Any:
    return 0.5 * (1 + np.cos(np.pi * p))


def goes_on(cls: Any, folder: Path, **params: Any) -> Any:
    """Kill a training in its third epoch, let it go on, and compare it with a whole one."""
    callbacks = [*params.pop("callbacks", []), ("kill", Kill())]
    params = {**FEW, **params, "callbacks": callbacks}
    Kill.left = 1000
    whole = cls(**params).fit(X, Y, X_TARGET)
    Kill.left = 2
    with pytest.raises(Killed):
        cls(**params, checkpoint=folder).fit(X, Y, X_TARGET)
    Kill.left = 1000
    again = cls(**params, checkpoint=folder).fit(X, Y, X_TARGET)
    assert 1000 - Kill.left == 2
    same_state(again, whole)
    return again


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        (DANNClassifier, {"lr": np.float64(0.01)}),
        (DANNClassifier, {"lr": np.float32(0.01), "lr_schedule": cosine}),
        (DANNClassifier, {"lam": np.float64(0.5), "lam_schedule": cosine}),
        (DANNClassifier, {"optimizer__weight_decay": np.array(0.1)}),
        (DANNClassifier, {"optimizer__betas": (np.float64(0.5), np.float64(0.9))}),
        (DANNClassifier, {"optimizer__betas": np.array([0.5, 0.9])}),
        (DANNClassifier, {"optimizer__param_groups": [("*bias", {"lr": np.float32(0.1)})]}),
        (DANNClassifier, {"optimizer": SGD, "optimizer__nesterov": np.False_}),
        (
            DANNClassifier,
            {
                "callbacks": [
                    LRScheduler("StepLR", step_size=np.int64(1), gamma=np.float64(0.5)),
                ]
            },
        ),
        (WDGRLClassifier, {"critic_lr": np.float64(0.01)}),
    ],
)
def test_numbers_of_numpy(cls: Any, params: dict[str, Any], tmp_path: Path) -> None:
    found = goes_on(cls, tmp_path, **params)
    for group in found.net_.optimizer_.param_groups:
        assert type(group["lr"]) is float


def test_a_search_over_rates_of_numpy(tmp_path: Path) -> None:
    search = LambdaSearchCV(
        DANNClassifier(max_epochs=2, batch_size=16),
        [1.0],
        param_grid={"lr": np.logspace(-3, -2, 2)},
        cv=2,
        random_state=0,
        checkpoint=tmp_path,
    )
    one, other = (search.fit(X, Y, X_TARGET).predict_proba(X_TARGET) for _ in range(2))
    np.testing.assert_array_equal(one, other)


class Recording(Callback):
    """Records what is no number, and keeps what a checkpoint cannot hold."""

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        net.history.record("shares", np.array([0.25, 0.75]))
        net.history.record("tensor", torch.tensor([1.0, 2.0], requires_grad=True))
        net.history.record("number", np.float32(0.5))
        net.history.record("object", object())
        self.best_ = {"at": np.int64(3), "of": [np.float64(0.5)]}
        self.arrays_ = {"rows": np.ones(2)}
        self.seen_ = {"kinds": {1, 2}}

    def on_batch_end(self, net: Any, training: bool = True, **kwargs: Any) -> None:
        net.history.record_batch("of_batch", object())
        net.history.record_batch("its_array", np.zeros(1))


def test_what_a_callback_records_and_keeps(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = goes_on(DANNClassifier, tmp_path, callbacks=[("record", Recording())])
    first, last = found.history_[0], found.history_[-1]
    assert first["shares"] == [0.25, 0.75]
    assert first["tensor"] == [1.0, 2.0]
    assert first["number"] == 0.5
    assert "object" not in first
    assert "object" in last
    assert first["batches"][0]["its_array"] == [0.0]
    assert "of_batch" not in first["batches"][0]
    state = torch.load(tmp_path / "stage-1.pt", weights_only=True)
    assert state["callbacks"]["record"] == {"best_": {"at": 3, "of": [0.5]}}


class Odd(SGD):
    """An optimizer whose state holds what a checkpoint must not hold, or what cannot be saved."""

    def __init__(self, params: Any, lr: float, keep: Any) -> None:
        super().__init__(params, lr=lr)
        self.param_groups[0]["keep"] = keep


@pytest.mark.parametrize(
    ("keep", "why"),
    [
        (Path("a"), "it holds '[a-z]+.[A-Za-z.]*Path', where only tensors, numbers and text are"),
        (lambda: None, "<lambda>"),
    ],
)
def test_what_cannot_be_kept_costs_no_training(keep: Any, why: str, tmp_path: Path) -> None:
    params = FEW | {"optimizer": Odd, "optimizer__keep": keep}
    whole = DANNClassifier(**params).fit(X, Y, X_TARGET)
    with pytest.warns(UserWarning, match="could not be written: .*" + why) as caught:
        found = DANNClassifier(**params, checkpoint=tmp_path).fit(X, Y, X_TARGET)
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    same_state(found, whole)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_holds_other_things_is_named_without_torch_s_advice(tmp_path: Path) -> None:
    path = tmp_path / "stage-1.pt"
    torch.save({"rate": np.float64(0.1)}, path)
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        DANNClassifier(**FEW, checkpoint=tmp_path).fit(X, Y, X_TARGET)
    message = str(caught.value)
    assert "is damaged or no checkpoint: it holds 'numpy." in message
    assert message.endswith(
        "where only tensors, numbers and text are read. Remove it, or pass another folder as "
        "'checkpoint'."
    )
    assert "\x1b" not in message
    assert "weights_only" not in message
