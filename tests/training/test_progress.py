"""The progress bar of a fit: one, closed, and plain where the output is no terminal."""

from __future__ import annotations

import re
import sys
from io import StringIO
from typing import Any

import joblib
import numpy as np
import pytest
from skorch.callbacks import EarlyStopping

from skda import ADDAClassifier, DANNClassifier, FinetuneClassifier
from skda.model_selection import LambdaSearchCV
from skda.training.watch.progress import FitProgress, Progress
from tests.training.small import DATA, SMALL, Watch, dann

DOMAINS = DATA.X, DATA.y, DATA.X_target


class Terminal(StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def as_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    return found


def test_one_plain_line_where_the_output_is_no_terminal(capsys: Any) -> None:
    row = dann(verbose=1).history_[-1]
    out, err = capsys.readouterr()
    losses = f"loss {row['classification_loss']:.3g} + {row['adaptation_loss']:.3g}, lam 1"
    assert out == ""
    assert re.fullmatch(
        rf"DANNClassifier: 100%\|#+\| 3/3 epochs \[\d+:\d+<00:00, {re.escape(losses)}\]\n", err
    )
    dann()
    assert capsys.readouterr() == ("", "")


def test_the_bar_moves_with_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = as_terminal(monkeypatch)
    moves: list[float] = []
    move_to = Progress.move_to
    monkeypatch.setattr(
        Progress, "move_to", lambda self, done: moves.append(done) or move_to(self, done)
    )
    dann(verbose=True, batch_size=16)
    np.testing.assert_allclose(moves, np.arange(1, 13) / 4)
    shown = terminal.getvalue().split("\r")
    assert "3/3 epochs" in shown[-1]
    assert shown[-1].endswith("\n")
    assert len({line[:14] for line in shown if line.strip()}) == 1


@pytest.mark.parametrize(
    ("estimator", "options", "epochs"),
    [
        (ADDAClassifier(**SMALL, verbose=1), {}, 6),
        (ADDAClassifier(**SMALL, lam=0, verbose=1), {}, 3),
        (FinetuneClassifier(**SMALL, verbose=1), {"y_target": DATA.y_target}, 6),
        (DANNClassifier(**SMALL, target_priors="estimate", verbose=1), {}, 3),
    ],
)
def test_stages_share_a_bar(
    estimator: Any, options: dict[str, Any], epochs: int, capsys: Any
) -> None:
    estimator.fit(*DOMAINS, **options)
    err = capsys.readouterr().err
    assert f"{epochs}/{epochs} epochs" in err
    assert err.count("\n") == 1


def test_stages_with_checkpoints_share_a_line_where_there_is_no_terminal(
    tmp_path: Any, capsys: Any
) -> None:
    ADDAClassifier(**SMALL, verbose=1, checkpoint=tmp_path).fit(*DOMAINS)
    assert "6/6 epochs" in capsys.readouterr().err


def test_partial_fit_shows_its_epoch(capsys: Any) -> None:
    DANNClassifier(**SMALL, verbose=1).partial_fit(*DOMAINS)
    assert "1/1 epochs" in capsys.readouterr().err


def test_a_training_that_stops_early_is_done(capsys: Any) -> None:
    stop = EarlyStopping("train_loss", patience=1, threshold=10, threshold_mode="abs")
    fitted = dann(verbose=1, max_epochs=30, callbacks=[stop])
    n = len(fitted.history_)
    assert n < 30
    assert f"100%|##########| {n}/{n} epochs" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_error_closes_the_bar(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = as_terminal(monkeypatch)

    def fail(net: Any, _: Any) -> None:
        if net.step_ == 5:
            raise error

    with pytest.raises(error):
        dann(verbose=1, batch_size=16, callbacks=[Watch(fail)])
    assert terminal.getvalue().endswith("\n")
    terminal.truncate(0)
    dann(verbose=1)  # the next training shows its bar again
    assert "3/3 epochs" in terminal.getvalue()


def test_after_an_error_there_is_no_plain_line(capsys: Any) -> None:
    with pytest.raises(ValueError, match="training loss became"):
        dann(verbose=1, lr=1e30)
    assert capsys.readouterr().err == ""


def test_a_checkpoint_counts_its_epochs(tmp_path: Any, capsys: Any) -> None:
    failed = tmp_path / "failed"

    def fail_once(net: Any, _: Any) -> None:  # another function would be another parameter
        if len(net.history) == 3 and not failed.exists():
            failed.touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dann(checkpoint=tmp_path, callbacks=[Watch(fail_once)])
    dann(checkpoint=tmp_path, callbacks=[Watch(fail_once)], verbose=1)
    assert "3/3 epochs" in capsys.readouterr().err


def _shown(n_jobs: int) -> list[bool]:
    def run() -> bool:
        with FitProgress(1, True, "fit") as bar:
            return bar.shown

    found: list[bool] = joblib.Parallel(n_jobs=n_jobs, backend="threading")(
        joblib.delayed(run)() for _ in range(2)
    )
    return found


def test_workers_show_nothing() -> None:
    assert _shown(1) == [True, True]
    assert _shown(2) == [False, False]


@pytest.mark.parametrize("vectorize", [True, False])
def test_a_search_shows_its_own_bar_alone(vectorize: bool, capsys: Any) -> None:
    options: dict[str, Any] = {"lams": [0.1], "cv": 2, "random_state": 0, "refit": False}
    estimator = DANNClassifier(**SMALL, verbose=1)
    LambdaSearchCV(estimator, **options, vectorize=vectorize, verbose=1).fit(*DOMAINS)
    err = capsys.readouterr().err
    assert re.fullmatch(r"LambdaSearchCV: 100%\|#+\| 4/4 trainings \[\d+:\d+<00:00\]\n", err)
    LambdaSearchCV(estimator, **options, vectorize=vectorize).fit(*DOMAINS)
    assert capsys.readouterr() == ("", "")


def test_the_weights_are_those_without_a_bar() -> None:
    shown, silent = dann(verbose=1), dann()
    for one, other in zip(shown.module_.parameters(), silent.module_.parameters(), strict=True):
        assert one.equal(other)
