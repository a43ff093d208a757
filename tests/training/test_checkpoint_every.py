"""A checkpoint every k epochs and after the last one; resuming gives the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from skorch.callbacks import EarlyStopping

from skda import ADDAClassifier, DANNClassifier, FinetuneClassifier
from skda.training.watch.checkpoint import StageFile
from tests.training.test_checkpoint import X_TARGET, Y_TARGET, Kill, Killed, X, Y, same_state

FEW: dict[str, Any] = {"max_epochs": 5, "batch_size": 32, "random_state": 0}


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Return the list of (stage, epoch) of the written checkpoints."""
    found: list[tuple[int, int]] = []
    save = StageFile.save

    def noted(self: StageFile, net: Any) -> None:
        found.append((self.stage, len(net.history_)))
        save(self, net)

    monkeypatch.setattr(StageFile, "save", noted)
    return found


@pytest.mark.parametrize(
    ("cls", "data", "n_stages"),
    [
        (DANNClassifier, {}, 1),
        (ADDAClassifier, {}, 2),
        (FinetuneClassifier, {"y_target": Y_TARGET}, 2),
    ],
)
def test_when_it_is_written_and_what_it_goes_on_to(
    cls: Any, data: dict[str, Any], n_stages: int, saved: list[tuple[int, int]], tmp_path: Path
) -> None:
    def make(**options: Any) -> Any:
        return cls(**FEW, callbacks=[("kill", Kill())], **options)

    Kill.left = 1000
    whole = make().fit(X, Y, X_TARGET, **data)
    Kill.left = 5 * n_stages - 2  # in the fourth epoch of the last stage
    with pytest.raises(Killed):
        make(checkpoint=tmp_path, checkpoint_every=2).fit(X, Y, X_TARGET, **data)
    stages = [(stage, epoch) for stage in range(1, n_stages + 1) for epoch in (2, 4, 5)]
    assert saved == stages[:-2]
    Kill.left = 1000
    same_state(make(checkpoint=tmp_path, checkpoint_every=2).fit(X, Y, X_TARGET, **data), whole)
    assert 1000 - Kill.left == 3  # epochs 3 to 5 of the last stage
    assert saved == stages
    Kill.left = 0  # nothing is left to train, whatever the interval is now
    same_state(make(checkpoint=tmp_path).fit(X, Y, X_TARGET, **data), whole)


def test_an_interval_beyond_the_training_saves_its_end(
    saved: list[tuple[int, int]], tmp_path: Path
) -> None:
    DANNClassifier(**FEW, checkpoint=tmp_path, checkpoint_every=100).fit(X, Y, X_TARGET)
    assert saved == [(1, 5)]


def test_a_training_that_stopped_early_stops_there_again(tmp_path: Path) -> None:
    def make(**options: Any) -> Any:
        stop = EarlyStopping(
            monitor="train_loss", patience=2, threshold=1e3, threshold_mode="abs", sink=str
        )
        return DANNClassifier(**FEW | {"max_epochs": 9}, callbacks=[stop], **options)

    whole = make().fit(X, Y, X_TARGET)
    assert len(whole.history_) == 3
    for _ in range(2):
        again = make(checkpoint=tmp_path, checkpoint_every=2).fit(X, Y, X_TARGET)
        same_state(again, whole)


@pytest.mark.parametrize("every", [0, -1, 1.5, "2", None])
def test_it_is_a_number_of_epochs(every: Any, tmp_path: Path) -> None:
    estimator = DANNClassifier(**FEW, checkpoint=tmp_path, checkpoint_every=every)
    with pytest.raises(ValueError, match=r"'checkpoint_every' parameter .* must be an int in the"):
        estimator.fit(X, Y, X_TARGET)
