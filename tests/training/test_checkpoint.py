"""Training goes on from a checkpoint, and ends with the same weights to the last bit."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from skorch.callbacks import Callback, EarlyStopping, LRScheduler

from skda import (
    ADDAClassifier,
    CDANClassifier,
    DANClassifier,
    DANNClassifier,
    FinetuneClassifier,
    WDGRLClassifier,
)
from skda.model_selection import LambdaSearchCV
from skda.training.watch.checkpoint import StageFile

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)
X_TARGET = RNG.normal(size=(45, 4)) + 1
Y_TARGET = np.where(np.arange(45) < 10, (X_TARGET[:, 0] > 1).astype(int), -1)
FEW: dict[str, Any] = {"max_epochs": 4, "batch_size": 16, "random_state": 0}


class Killed(Exception):
    """Simulates the end of the process."""


class Kill(Callback):
    """Ends the training in the middle of an epoch, once so many began."""

    left: int

    def on_epoch_begin(self, net: Any, **_: Any) -> None:
        Kill.left -= 1
        if Kill.left < 0:
            raise Killed


def same_state(one: Any, other: Any) -> None:
    for name in ("net_", "source_net_"):
        if hasattr(one, name):
            states = [getattr(each, name).module_.state_dict() for each in (one, other)]
            assert all(torch.equal(a, b) for a, b in zip(*map(dict.values, states), strict=True))
    for domain in ("source", "target"):
        proba = [each.predict_proba(X_TARGET, domain=domain) for each in (one, other)]
        np.testing.assert_array_equal(*proba)
    assert one.net_.optimizer_.param_groups[0]["lr"] == other.net_.optimizer_.param_groups[0]["lr"]
    losses = [each.history_[:, ("epoch", "train_loss", "adaptation_loss")] for each in (one, other)]
    assert losses[0] == losses[1]


KINDS = {
    "DANN with dropout": (DANNClassifier, {"module__dropout": 0.3}, {}),
    "CDAN": (CDANClassifier, {}, {}),
    "DAN": (DANClassifier, {"kernel_weights": "optimal"}, {}),
    "WDGRL, whose critic has an optimizer": (WDGRLClassifier, {}, {}),
    "two stages": (ADDAClassifier, {"lr": 1e-2}, {}),
    "fine-tuning": (FinetuneClassifier, {"n_frozen": 1}, {"y_target": Y_TARGET}),
    "recipes of fine-tuning": (
        FinetuneClassifier,
        {"head_epochs": 2, "l2_sp": 0.5, "wise_ft": 0.5},
        {"y_target": Y_TARGET},
    ),
    "estimated shares and weights": (
        DANNClassifier,
        {"target_priors": "estimate", "class_weight": "balanced"},
        {"sample_weight": RNG.random(60)},
    ),
    "momentum, a schedule, early stopping": (
        DANNClassifier,
        {
            "optimizer": torch.optim.SGD,
            "optimizer__momentum": 0.9,
            "train_split": 0.2,
            "callbacks": [
                LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=2),
                EarlyStopping(patience=2, load_best=True, sink=lambda _: None),
            ],
        },
        {},
    ),
}


TWO_STAGES = ("two stages", "fine-tuning", "recipes of fine-tuning")


def make(kind: str, **options: Any) -> Any:
    cls, params, _ = KINDS[kind]
    callbacks = [*params.get("callbacks", []), ("kill", Kill())]
    return cls(**{**FEW, **params, "callbacks": callbacks, **options})


@cache
def whole_training(kind: str) -> Any:
    """Return a fit that was never interrupted."""
    Kill.left = 1000
    return make(kind).fit(X, Y, X_TARGET, **KINDS[kind][2])


# the fifth and the seventh epoch belong to a second stage, or do not exist
@pytest.mark.parametrize(
    ("kind", "after"),
    [(kind, k) for kind in KINDS for k in (0, 1, 3, 5, 7) if k < 7 or kind in TWO_STAGES],
)
def test_a_training_goes_on_where_it_was_killed(kind: str, after: int, tmp_path: Path) -> None:
    data, whole = KINDS[kind][2], whole_training(kind)
    interrupted = make(kind, checkpoint=tmp_path / "run")
    Kill.left = after
    try:
        interrupted.fit(X, Y, X_TARGET, **data)
    except Killed:
        assert not hasattr(interrupted, "net_")
    Kill.left = 1000
    resumed = make(kind, checkpoint=str(tmp_path / "run")).fit(X, Y, X_TARGET, **data)
    same_state(resumed, whole)
    begun = 1000 - Kill.left
    assert begun <= 4 * (1 + hasattr(whole, "source_net_") + ("y_target" in data)) - min(after, 2)
    # once more: nothing is left to train
    Kill.left = 0
    if "early" not in kind:
        same_state(make(kind, checkpoint=tmp_path / "run").fit(X, Y, X_TARGET, **data), whole)


def killed_until_done(train: Any, n_kills: int, longest: float) -> int:
    """Run `train` in forked processes that are killed at random moments, then in one that is not.

    Return how many were killed.
    """
    rng, kills = np.random.default_rng(0), 0
    for attempt in range(n_kills + 1):
        process = multiprocessing.get_context("fork").Process(target=train)
        process.start()
        if attempt < n_kills:
            process.join(rng.uniform(0.01, longest))
            process.kill()
        process.join(120)
        kills += process.exitcode == -signal.SIGKILL
    assert process.exitcode == 0
    return kills


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("cls", [DANNClassifier, ADDAClassifier])
def test_kill_9_at_random_moments(cls: Any, tmp_path: Path) -> None:
    params = FEW | {"max_epochs": 30}

    def train() -> None:
        estimator = cls(**params, checkpoint=tmp_path).fit(X, Y, X_TARGET)
        np.save(tmp_path / "proba.npy", estimator.predict_proba(X_TARGET))

    assert killed_until_done(train, 10, 0.3) >= 2
    whole = cls(**params).fit(X, Y, X_TARGET)
    proba = np.load(tmp_path / "proba.npy")
    np.testing.assert_array_equal(proba, whole.predict_proba(X_TARGET))


def search(estimator: Any = None, **params: Any) -> Any:
    estimator = estimator or DANNClassifier(max_epochs=2, batch_size=16)
    return LambdaSearchCV(estimator, [0.3, 1.0], cv=2, **{"random_state": 0, **params})


def same_search(one: Any, other: Any) -> None:
    for name, column in one.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(column, other.cv_results_[name], err_msg=name)
    same_state(one.best_estimator_, other.best_estimator_)


@pytest.mark.parametrize("vectorize", [True, False])
def test_a_search_does_not_train_again_what_was_finished(vectorize: bool, tmp_path: Path) -> None:
    frame = pd.DataFrame(X).assign(**{"4": list("ab" * 30)})[[0, 1, 2, 3]]
    whole = search(vectorize=vectorize).fit(frame, Y, X_TARGET)
    for _ in range(2):
        again = search(vectorize=vectorize, checkpoint=tmp_path).fit(frame, Y, X_TARGET)
        same_search(again, whole)
    assert again.vectorize_reason_ == "all results were there already"
    assert len(list(tmp_path.glob("candidate-*-fold-*.joblib"))) == 6


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_kill_9_of_a_search(tmp_path: Path) -> None:
    estimator = DANNClassifier(max_epochs=8, batch_size=16)

    def train() -> None:
        found = search(estimator, vectorize=False, checkpoint=tmp_path).fit(X, Y, X_TARGET)
        np.save(tmp_path / "proba.npy", found.predict_proba(X_TARGET))

    assert killed_until_done(train, 8, 0.5) >= 2
    whole = search(estimator, vectorize=False).fit(X, Y, X_TARGET)
    proba = np.load(tmp_path / "proba.npy")
    np.testing.assert_array_equal(proba, whole.predict_proba(X_TARGET))


@pytest.mark.parametrize(
    ("params", "data"),
    [
        ({"random_state": 1}, {}),
        ({"validator": "infomax"}, {}),
        ({"estimator": DANNClassifier(max_epochs=3)}, {}),
        ({}, {"X_source": X + 1e-3}),
        ({}, {"y_source": 1 - Y}),
        ({}, {"X_target": X_TARGET[1:]}),
    ],
)
def test_another_search_is_refused(
    params: dict[str, Any], data: dict[str, Any], tmp_path: Path
) -> None:
    search(checkpoint=tmp_path, refit=False).fit(X, Y, X_TARGET)
    with pytest.raises(ValueError, match="holds a search with other data, other parameters or"):
        search(**params, checkpoint=tmp_path).fit(
            **{"X_source": X, "y_source": Y, "X_target": X_TARGET, **data}
        )


def test_what_the_checkpoint_of_a_search_needs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="of the estimator names one folder for all candidates"):
        search(DANNClassifier(checkpoint=tmp_path)).fit(X, Y, X_TARGET)
    with pytest.raises(ValueError, match="LambdaSearchCV needs an int as 'random_state'"):
        search(random_state=None, checkpoint=tmp_path).fit(X, Y, X_TARGET)


@pytest.mark.parametrize(
    ("params", "data"),
    [
        ({"lr": 0.1}, {}),
        ({"random_state": 1}, {}),
        ({"module__hidden": (7,)}, {}),
        ({"max_epochs": 5}, {}),
        ({}, {"X_source": X + 1e-3}),
        ({}, {"y_source": 1 - Y}),
        ({}, {"X_target": X_TARGET[1:]}),
        ({}, {"sample_weight": np.arange(60)}),
    ],
)
def test_another_training_is_refused_and_the_checkpoint_untouched(
    params: dict[str, Any], data: dict[str, Any], tmp_path: Path
) -> None:
    DANNClassifier(**FEW, checkpoint=tmp_path).fit(X, Y, X_TARGET)
    before = (tmp_path / "stage-1.pt").read_bytes()
    other = DANNClassifier(**{**FEW, **params}, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="holds a training with other data, other parameters"):
        other.fit(**{"X_source": X, "y_source": Y, "X_target": X_TARGET, **data})
    assert (tmp_path / "stage-1.pt").read_bytes() == before


@pytest.mark.parametrize(
    "names",
    [
        np.repeat(["b", "a"], 30),  # the sources are exchanged
        np.tile(["a", "b"], 30),
        np.repeat(["a", "c"], 30),
        np.repeat(["a", "b", "c"], 20),
        None,
    ],
)
def test_other_sources_are_another_training(names: Any, tmp_path: Path) -> None:
    def fit(source_domain: Any) -> Any:
        estimator = DANNClassifier(**FEW, checkpoint=tmp_path)
        return estimator.fit(X, Y, X_TARGET, source_domain=source_domain)

    whole = fit(np.repeat(["a", "b"], 30))
    before = (tmp_path / "stage-1.pt").read_bytes()
    with pytest.raises(ValueError, match="holds a training with other data, other parameters"):
        fit(names)
    assert (tmp_path / "stage-1.pt").read_bytes() == before
    same_state(fit(np.repeat(["a", "b"], 30)), whole)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", "truncated"])
def test_a_damaged_checkpoint_is_named(content: Any, tmp_path: Path) -> None:
    DANNClassifier(**FEW, checkpoint=tmp_path).fit(X, Y, X_TARGET)
    path = tmp_path / "stage-1.pt"
    path.write_bytes(path.read_bytes()[:-500] if content == "truncated" else content)
    with pytest.raises(ValueError, match=re.escape(str(path)) + ".* is damaged or no checkpoint"):
        DANNClassifier(**FEW, checkpoint=tmp_path).fit(X, Y, X_TARGET)


def test_what_a_checkpoint_needs(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ValueError, match="'checkpoint' parameter must be a folder into which"):
        DANNClassifier(**FEW, checkpoint=file).fit(X, Y, X_TARGET)
    for params in ({"random_state": None}, {"warm_start": True}):
        with pytest.raises(ValueError, match="needs the same start in every run: an int"):
            DANNClassifier(**{**FEW, **params}, checkpoint=tmp_path).fit(X, Y, X_TARGET)


def test_a_full_disk_costs_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = DANNClassifier(**FEW).fit(X, Y, X_TARGET)
    saved = torch.save

    def full(state: Any, path: Path) -> None:
        if len(list(tmp_path.glob("stage-1.pt"))):
            raise OSError(28, os.strerror(28))
        saved(state, path)

    monkeypatch.setattr(torch, "save", full)
    estimator = DANNClassifier(**FEW, checkpoint=tmp_path)
    with pytest.warns(UserWarning, match="could not be written: .*No space left") as caught:
        estimator.fit(X, Y, X_TARGET)
    assert len(caught) == 1
    same_state(estimator, whole)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["stage-1.pt"]
    state = StageFile(tmp_path, "").path
    assert torch.load(state, weights_only=True)["beside"]["step_"] == 4
    same_state(DANNClassifier(**FEW, checkpoint=tmp_path).fit(X, Y, X_TARGET), whole)
