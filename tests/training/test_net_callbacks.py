from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LRScheduler,
    ProgressBar,
)
from skorch.dataset import ValidSplit
from torch import Tensor

from skda import DANClassifier
from skda.training import ArrayRows, DomainPair
from tests.training.small import DATA, SMALL, Watch, dann, held_out_loss, same, weights


def test_early_stopping_on_the_training_loss() -> None:
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=1e9, threshold_mode="abs")
    assert len(dann(callbacks=[stop], max_epochs=30).history_) == 3


def test_callbacks_are_told_the_labelled_batch() -> None:
    watch = Watch(lambda _, batch: [len(part) for part in batch])
    dann(callbacks=[watch], batch_size=30)
    assert watch.seen == [[30, 30]] * 6


def test_scores_of_the_source_while_training() -> None:
    on_train = EpochScoring("accuracy", lower_is_better=False, on_train=True, name="source_acc")
    fitted = dann(callbacks=[on_train], max_epochs=30, lr=0.02)
    scores = fitted.history_[:, "source_acc"]
    assert scores[-1] >= 0.95
    assert fitted.history_[-1, "train_loss"] == pytest.approx(
        fitted.history_[-1, "classification_loss"] + fitted.history_[-1, "adaptation_loss"], 1e-6
    )


def test_a_callback_that_predicts_does_not_change_the_training() -> None:
    class Predicts(Callback):
        def on_batch_end(self, net: Any, batch: Any = None, **_: Any) -> None:
            net.evaluation_step(batch)

    plain = dann(module__dropout=0.3, callbacks=[Watch(lambda *_: None)], batch_size=16)
    assert same(
        weights(dann(module__dropout=0.3, callbacks=[Predicts()], batch_size=16)), weights(plain)
    )
    assert same(weights(dann(module__dropout=0.3, batch_size=16)), weights(plain))


def test_learning_rate_scheduler() -> None:
    scheduler = LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)
    fitted = dann(callbacks=[scheduler], lr=0.01)
    assert fitted.history_[:, "event_lr"] == pytest.approx([0.01, 0.005, 0.0025])


def test_gradient_clipping_covers_the_discriminator() -> None:
    norms: list[float] = []

    class Norm(Callback):
        def on_grad_computed(self, net: Any, named_parameters: Any = None, **_: Any) -> None:
            grads = [p.grad.norm() for _, p in named_parameters if p.grad is not None]
            norms.append(torch.stack(grads).norm().item())
            assert len(grads) == len(weights_of(net))

    def weights_of(net: Any) -> list[Any]:
        return [*net.module_.parameters(), *net.adaptation_.parameters()]

    dann(callbacks=[GradientNormClipping(1e-3), Norm()])
    np.testing.assert_allclose(norms, [1e-3] * 3, rtol=1e-3)


def test_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    dann(callbacks=[ProgressBar()], batch_size=16)
    assert capsys.readouterr().err.count("0/4 [") == 3  # four steps in each of three epochs


def test_checkpoint(tmp_path: Path) -> None:
    checkpoint = Checkpoint(monitor="train_loss_best", dirname=tmp_path, f_pickle=None)
    fitted = dann(callbacks=[checkpoint], max_epochs=5)
    assert fitted.history_[:, "train_loss_best"][-1]  # then the last epoch was saved
    saved = torch.load(tmp_path / "params.pt", weights_only=True)
    for name, value in fitted.module_.state_dict().items():
        assert torch.equal(saved[name], value), name


def test_callbacks_can_be_disabled_and_their_parameters_set() -> None:
    quiet = dann(callbacks="disable")
    assert same(weights(quiet), weights(dann()))
    assert len(quiet.history_[:, "train_loss"]) == 3
    stop = EarlyStopping(monitor="train_loss", threshold=1e9, threshold_mode="abs")
    fitted = dann(callbacks=[("stop", stop)], callbacks__stop__patience=4, max_epochs=30)
    assert len(fitted.history_) == 5


def test_a_verbose_fit_prints_a_row_of_losses_per_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    dann(verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert all(name in lines[0] for name in ("adaptation_loss", "classification_loss"))
    assert len(lines) == 2 + 3
    dann()
    assert capsys.readouterr().out == ""


class Recorded(ArrayRows):
    """Records the rows that are read in batches, as in training."""

    def __init__(self, array: np.ndarray) -> None:
        super().__init__(array)
        self.read: set[int] = set()

    def batches(self, indices: Any) -> Iterator[Tensor]:
        for index in indices:
            if len(index) > 1:
                self.read |= set(index.tolist())
            yield from super().batches([index])


@pytest.mark.parametrize("kernel_weights", ["uniform", "optimal"])
def test_train_split_holds_out_source_rows_and_no_target_rows(kernel_weights: str) -> None:
    split = ValidSplit(0.2, random_state=0)
    fitted = DANClassifier(**SMALL, kernel_weights=kernel_weights, train_split=split)
    fitted.fit(DATA.X, DATA.y, DATA.X_target)
    source, target = Recorded(DATA.X), Recorded(DATA.X_target)
    domains = DomainPair(source, DATA.y, target)
    fitted.net_.fit_domains(domains, 2)
    held_in = fitted.net_.get_split_datasets(domains)[0].subset
    assert len(held_in) == 48
    assert source.read == set(held_in.tolist())
    assert target.read == set(range(60))


def test_validation_loss_by_hand() -> None:
    fitted = dann(train_split=ValidSplit(0.2, random_state=0))
    loss = held_out_loss(fitted, DATA.X, DATA.y, "source")
    assert fitted.history_[-1, "valid_loss"] == pytest.approx(loss, rel=1e-4)
    assert len(fitted.history_[:, "valid_acc"]) == 3


def test_held_out_rows_are_judged_where_callbacks_are_disabled() -> None:
    assert len(dann(callbacks="disable", train_split=0.2).history_) == 3


def test_what_a_callback_waits_for_is_recorded() -> None:
    with pytest.raises(ValueError, match="'EarlyStopping' has monitor='val_loss', which this"):
        dann(callbacks=[EarlyStopping(monitor="val_loss")], train_split=0.2)
    with pytest.raises(ValueError, match="train_split: Cannot have number of splits n_splits=999"):
        dann(train_split=999)


def test_a_number_of_folds_of_numpy_holds_out_what_an_int_does() -> None:
    one, other = (dann(train_split=n).history_[:, "valid_loss"] for n in (5, np.int64(5)))
    assert one == other
