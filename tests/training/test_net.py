import copy
import math
from typing import Any

import numpy as np
import pytest
import torch
from skorch.callbacks import (
    Callback,
)
from skorch.dataset import ValidSplit
from torch import Tensor, nn
from torch.utils.data import Dataset

from skda import DANClassifier, DANNClassifier, FinetuneClassifier, load
from skda.training import DivergenceError
from tests.shifted import count_hooks, shifted
from tests.training.small import DATA, SMALL, Watch, dann, same, weights

# -- progress and schedules -------------------------------------------------------------------


@pytest.mark.parametrize(("n_source", "batch_size"), [(60, 16), (33, 64), (10, 3)])
def test_progress_runs_over_all_steps_and_ends_at_one(n_source: int, batch_size: int) -> None:
    seen: list[float] = []

    def schedule(p: float) -> float:
        seen.append(p)
        return 1.0

    fitted = dann(shifted(n_source), lam_schedule=schedule, batch_size=batch_size, max_epochs=4)
    n_steps = 4 * math.ceil(n_source / batch_size)
    np.testing.assert_allclose(seen, np.arange(n_steps) / n_steps)
    assert fitted.net_.progress == 1.0


def test_progress_counts_the_rows_that_are_held_in() -> None:
    seen: list[float] = []
    dann(lam_schedule=lambda p: seen.append(p) or 1.0, train_split=ValidSplit(5), batch_size=16)
    np.testing.assert_allclose(seen, np.arange(9) / 9)  # 48 rows, 3 epochs


def test_learning_rate_is_annealed_at_every_step_in_every_group() -> None:
    watch = Watch(lambda net, _: [group["lr"] for group in net.optimizer_.param_groups])
    dann(
        optimizer=torch.optim.SGD,
        lr=0.02,
        lr_schedule="inverse_decay",
        optimizer__param_groups=[("classifier.*", {"lr": 0.1})],
        batch_size=16,
        callbacks=[watch],
    )
    factors = (1 + 10 * np.arange(12) / 12) ** -0.75
    np.testing.assert_allclose(watch.seen, np.outer(factors, [0.1, 0.02]))


def test_lam_schedule_weighs_the_loss() -> None:
    constant = DANClassifier(**SMALL, lam=0.25).fit(DATA.X, DATA.y, DATA.X_target)
    scheduled = DANClassifier(**SMALL, lam=0.5, lam_schedule=lambda p: 0.5)
    assert same(weights(constant), weights(scheduled.fit(DATA.X, DATA.y, DATA.X_target)))


# -- sizes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_source", "n_target", "batch_size"),
    [
        (2, 2, 64),
        (65, 3, 64),
        (5, 200, 64),
        (200, 5, 16),
        (33, 1, 32),
        (7, 5, 1),
        (129, 65, 128),
        (9, 8, 8),
    ],
)
@pytest.mark.parametrize(
    ("cls", "batch_stats"),
    [(DANNClassifier, "per_domain"), (DANNClassifier, "joint"), (DANClassifier, "joint")],
)
def test_all_sizes_train(
    cls: type, n_source: int, n_target: int, batch_size: int, batch_stats: str
) -> None:
    data = shifted(n_source, n_target)
    params = {**SMALL, "batch_size": batch_size, "batch_stats": batch_stats}
    start = cls(**params)
    start.begin(data.X, data.y, data.X_target)
    fitted = cls(**params).fit(data.X, data.y, data.X_target)
    assert not same(weights(fitted), weights(start))
    assert all(p.isfinite().all() for p in weights(fitted))
    assert np.isfinite(fitted.history_[:, "train_loss"]).all()
    assert np.isfinite(fitted.decision_function(data.X_target)).all()


@pytest.mark.parametrize("adapt_batch_norm", [False, True])
def test_a_lone_target_row_leaves_the_target_with_the_sources_statistics(
    adapt_batch_norm: bool,
) -> None:
    data = shifted(60, 1)
    fitted = dann(data, adapt_batch_norm=adapt_batch_norm)
    np.testing.assert_array_equal(
        fitted.predict_proba(data.X, domain="target"), fitted.predict_proba(data.X, domain="source")
    )


# -- the loss ---------------------------------------------------------------------------------


def test_log_probabilities_and_logits_give_the_same_network() -> None:
    as_logits = FinetuneClassifier(**SMALL).fit(DATA.X, DATA.y)
    as_log_probabilities = FinetuneClassifier(**SMALL, criterion=nn.NLLLoss).fit(DATA.X, DATA.y)
    for a, b in zip(weights(as_logits), weights(as_log_probabilities), strict=True):
        torch.testing.assert_close(a, b)


class Logits(nn.Module):
    """Returns twice the input, so losses can be computed by hand."""

    adapt_layers = "scale"

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Linear(2, 2, bias=False)
        nn.init.eye_(self.scale.weight)
        self.scale.weight.data.mul_(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.scale(x)


def cross_entropy(rows: np.ndarray, y: np.ndarray) -> float:
    logits = 2 * rows
    log_sum = np.log(np.exp(logits).sum(1))
    return float((log_sum - logits[np.arange(len(y)), y]).mean())


# 3 labelled rows of 6, beside 8 source rows
@pytest.mark.parametrize(
    ("weight", "factor"), [("batch", 1), (1, 3 / 8), (2.5, 2.5 * 3 / 8), (0, 0)]
)
def test_recorded_losses_by_hand(weight: float | str, factor: float) -> None:
    rng = np.random.default_rng(0)
    X, X_target = rng.normal(size=(8, 2)), rng.normal(size=(6, 2)) + 1
    y, y_target = np.arange(8) % 2, np.array([0, -1, 1, -1, 1, -1])
    fitted = DANClassifier(
        Logits(), lam=0.5, max_epochs=1, random_state=0, target_label_weight=weight
    )
    fitted.fit(X, y, X_target, y_target=y_target)
    labelled = y_target >= 0
    of_target = cross_entropy(X_target[labelled], y_target[labelled])
    classification = cross_entropy(X, y) + factor * of_target
    adaptation = fitted.net_.adaptation_.distance(
        torch.tensor(2 * X, dtype=torch.float32), torch.tensor(2 * X_target, dtype=torch.float32)
    )
    row = fitted.history_[-1]
    assert row["classification_loss"] == pytest.approx(classification, rel=1e-5)
    assert row["adaptation_loss"] == pytest.approx(0.5 * adaptation.item(), rel=1e-4)
    assert row["train_loss"] == row["classification_loss"] + row["adaptation_loss"]


def test_unlabelled_target_rows_add_nothing_to_the_classification_loss() -> None:
    unlabelled = DANNClassifier(**SMALL, lam=1.0)
    unlabelled.fit(DATA.X, DATA.y, DATA.X_target, y_target=np.full(60, -1))
    assert same(weights(unlabelled), weights(dann()))


def test_the_weight_of_labels_may_change_between_partial_fits_and_comes_back(tmp_path) -> None:
    y_target = np.where(np.arange(60) % 5 == 0, DATA.y_target, -1)
    data = (DATA.X, DATA.y, DATA.X_target)
    first = DANNClassifier(**SMALL, target_label_weight=0.5).fit(*data, y_target=y_target)
    first.save(tmp_path / "model.skda")
    loaded = load(tmp_path / "model.skda")
    assert loaded.net_.target_label_weight == 0.5
    losses = []
    for weight in (0.5, 0.0):
        first.set_params(target_label_weight=weight)
        copied = copy.deepcopy(first).partial_fit(*data, y_target=y_target)
        losses.append(copied.history_[-1]["classification_loss"])
    assert losses[1] < losses[0] - 0.05
    with pytest.raises(ValueError, match=r"'target_label_weight' parameter of DANNClassifier must"):
        DANNClassifier(**SMALL, target_label_weight="row").fit(*data)


class Unreadable(Dataset):
    def __len__(self) -> int:
        return 5

    def __getitem__(self, i: int) -> Tensor:
        raise AssertionError("the target was read")


@pytest.mark.parametrize("cls", [DANNClassifier, DANClassifier])
def test_lam_zero_does_not_read_the_target(cls: type) -> None:
    fitted = cls(**SMALL, lam=0).fit(DATA.X, DATA.y, Unreadable())
    source_only = FinetuneClassifier(**SMALL).fit(DATA.X, DATA.y)
    assert same(weights(fitted), weights(source_only))
    with pytest.raises(AssertionError, match="the target was read"):
        cls(**SMALL, lam=1e-9).fit(DATA.X, DATA.y, Unreadable())


# -- what is left behind ----------------------------------------------------------------------


class Failing(Callback):
    def on_grad_computed(self, net: Any, **_: Any) -> None:
        raise KeyError("stop here")


def test_the_users_module_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    before, mode = copy.deepcopy(module.state_dict()), module.training
    estimator = DANNClassifier(module, max_epochs=2, random_state=0)
    fits = [weights(estimator.fit(DATA.X, DATA.y, DATA.X_target)) for _ in range(2)]
    assert same(*fits)  # the second fit starts anew
    assert not same(fits[0], list(module.parameters()))
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert module.training is mode
    assert all(p.grad is None for p in module.parameters())
    assert count_hooks(module) == 0
    assert estimator.module is module


def test_no_hook_is_left_anywhere() -> None:
    fitted = dann()
    assert count_hooks(fitted.module_) == 0
    fitted.predict(DATA.X_target)
    fitted.transform(DATA.X_target)
    assert count_hooks(fitted.module_) == 0
    module = nn.Sequential(nn.Linear(4, 2))
    made = []

    def make() -> nn.Module:
        made.append(copy.deepcopy(module))
        return made[-1]

    with pytest.raises(KeyError, match="stop here"):
        DANNClassifier(make, callbacks=[Failing()]).fit(DATA.X, DATA.y, DATA.X_target)
    assert [count_hooks(m) for m in made] == [0]


def test_a_failed_fit_keeps_the_previous_one() -> None:
    fitted = dann()
    before, proba = weights(fitted), fitted.predict_proba(DATA.X_target)
    fitted.set_params(callbacks=[Failing()])
    with pytest.raises(KeyError, match="stop here"):
        fitted.fit(DATA.X, DATA.y, DATA.X_target)
    # partial_fit goes on with the callbacks of the fit
    fitted.net_.callbacks_.append(("failing", Failing()))
    with pytest.raises(KeyError, match="stop here"):
        fitted.partial_fit(DATA.X, DATA.y, DATA.X_target)
    assert same(weights(fitted), before)
    np.testing.assert_array_equal(fitted.predict_proba(DATA.X_target), proba)


def test_divergence_is_an_error_that_says_what_to_do() -> None:
    message = (
        r"The training loss became (nan|inf) in epoch \d+ \(classification_loss=.*adaptation_loss="
        r".*Lower 'lr' \(now 1e\+30\) or 'lam' \(now 1\), or scale the input"
    )
    with pytest.raises(DivergenceError, match=message):
        dann(lr=1e30, optimizer=torch.optim.SGD, module__batch_norm=False, max_epochs=10)
