"""Divergence, interruption, restoring, threads and modes: every failure is reported."""

import gc
import multiprocessing
import pickle
import sys
import threading
import time
import warnings
import weakref
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import torch
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    LRScheduler,
    PassthroughScoring,
)
from torch.utils.data import Dataset

from skda import ADDAClassifier, DANNClassifier, MCCClassifier, MCDClassifier, WDGRLClassifier
from skda.model_selection import LambdaSearchCV, make_source_scorer, make_validator_scorer
from skda.model_selection._training.candidates import lams_around
from skda.training import DivergenceError
from tests.training.small import DATA, SMALL, dann, same, weights

FAR = DATA.X_target + 5


@pytest.mark.parametrize("cls", [DANNClassifier, WDGRLClassifier, MCDClassifier])
@pytest.mark.parametrize("way", ["stop", "checkpoint"])
def test_load_best_brings_back_everything(cls: Any, way: str, tmp_path: Path) -> None:
    def first(net: Any) -> bool:
        return len(net.history) == 1

    options = (
        {**SMALL, "lr": 5e-2, "lam_schedule": "constant"}
        if cls is not WDGRLClassifier
        else {**SMALL, "lr": 5e-2}
    )
    stop = EarlyStopping(monitor="train_loss", threshold=1e9, threshold_mode="abs", load_best=True)
    save = Checkpoint(dirname=tmp_path, monitor=first, load_best=True)
    best = cls(**{**options, "callbacks": stop if way == "stop" else save, "max_epochs": 3})
    one = cls(**{**options, "max_epochs": 1})
    for each in (best, one):
        each.fit(DATA.X, DATA.y, FAR)
    for domain in ("source", "target"):
        np.testing.assert_allclose(
            best.predict_proba(FAR, domain), one.predict_proba(FAR, domain), atol=1e-6
        )
    for p, q in zip(
        best.net_.adaptation_.parameters(), one.net_.adaptation_.parameters(), strict=True
    ):
        torch.testing.assert_close(p, q)
    assert best.net_.step_ == one.net_.step_


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping(),
        Checkpoint(),
        EpochScoring("accuracy"),
        BatchScoring("accuracy"),
        PassthroughScoring("train_loss"),
        ("x", EarlyStopping()),
    ],
)
def test_a_callback_that_needs_held_out_rows_says_so(callback: Any) -> None:
    with pytest.raises(ValueError, match=r"Pass train_split=0\.2"):
        dann(callbacks=callback)


@pytest.mark.parametrize(("split", "n_held_out"), [(0.2, 12), (5, 12), (0.5, 30)])
def test_numbers_split_as_valid_split(split: float, n_held_out: int) -> None:
    fitted = dann(train_split=split, callbacks=EarlyStopping())
    assert fitted.history_[-1, "valid_batch_count"] == 1
    assert 60 - len(fitted.net_.get_split_datasets(domains())[0]) == n_held_out


def domains() -> Any:
    return DANNClassifier(**SMALL).begin(DATA.X, DATA.y, DATA.X_target)


@pytest.mark.parametrize("split", [1.5, 0.0, True, "half", 1])
def test_other_splits_are_refused(split: Any) -> None:
    with pytest.raises(ValueError, match="The 'train_split' parameter of DANNClassifier"):
        dann(train_split=split)


def test_what_is_no_callback_is_refused() -> None:
    with pytest.raises(ValueError, match=r"The 'callbacks' parameter must be.* Got 3 in it"):
        dann(callbacks=[3])


@pytest.mark.parametrize("batch_size", [60, 30])
def test_divergence_in_the_last_step(batch_size: int) -> None:
    params = {"lr": 1e25, "optimizer": torch.optim.SGD, "max_epochs": 1, "batch_size": batch_size}
    with pytest.raises(DivergenceError, match="Lower 'lr'"):
        dann(**params)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function", "transform"])
def test_no_prediction_is_nan(method: str) -> None:
    fitted = dann()
    with torch.no_grad():
        next(fitted.module_.parameters()).fill_(float("nan"))
    with pytest.raises(DivergenceError, match="NaN or infinite for 60 of 60 rows of X"):
        getattr(fitted, method)(DATA.X_target)


@pytest.mark.parametrize("optimizer", ["foreach", "maximize", "amsgrad"])
def test_options_of_the_optimizer(optimizer: str) -> None:
    assert dann(**{f"optimizer__{optimizer}": True}, lr=1e-6).predict(DATA.X).shape == (60,)


def test_modes_of_the_caller() -> None:
    plain = dann()
    expected = plain.predict_proba(DATA.X)
    with torch.inference_mode():
        assert same(weights(dann()), weights(plain))
    with torch.no_grad():
        assert same(weights(dann()), weights(plain))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_array_equal(plain.predict_proba(DATA.X), expected)
        assert same(weights(dann()), weights(plain))
    assert not plain.module_.training


def test_lr_scheduler_and_schedule_are_multiplied() -> None:
    rates: list[float] = []

    class Watch(Callback):
        def on_batch_begin(self, net: Any, training: bool = False, **_: Any) -> None:
            if training:
                rates.append(net.optimizer_.param_groups[0]["lr"])

    step = LRScheduler(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)
    dann(callbacks=[step, Watch()], lr_schedule="inverse_decay", lr=0.01)
    assert rates == pytest.approx([0.01 * 0.5**k * (1 + 10 * k / 3) ** -0.75 for k in range(3)])


def test_a_validator_of_the_target_as_epoch_scoring() -> None:
    scorer = make_validator_scorer("infomax", X_target=DATA.X_target)
    fitted = dann(callbacks=[EpochScoring(scorer, name="im", on_train=True, use_caching=False)])
    assert fitted.history_[-1, "im"] == pytest.approx(scorer(fitted, DATA.X, DATA.y), rel=1e-4)


@pytest.mark.parametrize("use_caching", [False, True])
def test_a_validator_of_features_as_epoch_scoring_of_held_out_rows(use_caching: bool) -> None:
    scorer = make_validator_scorer("iwv", X_target=DATA.X_target)
    scoring = EpochScoring(scorer, name="iwv", on_train=False, use_caching=use_caching)
    fitted = dann(callbacks=[scoring], train_split=0.4)
    held_out = fitted.net_.get_split_datasets(domains())[1].indices
    expected = scorer(fitted, DATA.X[held_out], DATA.y[held_out])
    assert fitted.history_[-1, "iwv"] == pytest.approx(expected, rel=1e-4)
    features = fitted.net_.transform(DATA.X[held_out].astype(np.float32), "source")
    np.testing.assert_allclose(
        features, fitted.transform(DATA.X[held_out], domain="source"), atol=1e-5
    )


class Interrupt(Callback):
    """Ctrl-C in an epoch, counted over all fits."""

    def __init__(self, at: int) -> None:
        self.at = at

    n = 0  # a class attribute, because a search clones callbacks

    def on_epoch_end(self, net: Any, **_: Any) -> None:
        type(self).n += 1
        if type(self).n == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("cls", "at"), [(DANNClassifier, 2), (ADDAClassifier, 2), (ADDAClassifier, 5)]
)
def test_ctrl_c_leaves_the_previous_fit(cls: Any, at: int) -> None:
    estimator = cls(max_epochs=3, random_state=0).fit(DATA.X, DATA.y, DATA.X_target)
    before = estimator.predict_proba(DATA.X)
    Interrupt.n = 0
    estimator.set_params(callbacks=Interrupt(at))
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(DATA.X, DATA.y, DATA.X_target)
    np.testing.assert_array_equal(estimator.predict_proba(DATA.X), before)


@pytest.mark.parametrize(("at", "n_finished"), [(5, 1), (8, 1), (9, 2), (13, 3)])
def test_an_interrupted_search_keeps_what_was_finished(at: int, n_finished: int) -> None:
    Interrupt.n = 0
    estimator = MCCClassifier(max_epochs=2, callbacks=Interrupt(at))
    search = LambdaSearchCV(estimator, lams=[0.5, 1.0], cv=2, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        search.fit(DATA.X, DATA.y, DATA.X_target)
    assert search.cv_results_["param_lam"].tolist() == [0.0, 0.5, 1.0][:n_finished]
    assert not hasattr(search, "best_estimator_")


def test_a_validator_that_gives_nan_is_named() -> None:
    def broken(estimator: Any, X: Any, y: Any, X_target: Any) -> float:
        return float("nan")

    search = LambdaSearchCV(DANNClassifier(**SMALL), [1.0], cv=2, validator=broken)
    with pytest.raises(ValueError, match="The validator 'broken' returned NaN"):
        search.fit(DATA.X, DATA.y, DATA.X_target)


class Slow(Dataset[Any]):
    def __init__(self, draws: bool) -> None:
        self.draws = draws

    def __len__(self) -> int:
        return 60

    def __getitem__(self, i: int) -> tuple[Any, int]:
        time.sleep(0.002)
        noise = torch.randn(DATA.X.shape[1]) if self.draws else 0
        return torch.tensor(DATA.X[i]).float() + noise, int(DATA.y[i])


@pytest.mark.parametrize("draws", [False, True])
def test_fits_in_threads_are_those_of_their_seeds(draws: bool) -> None:
    def fit(seed: int, out: dict[int, Any]) -> None:
        params = {**SMALL, "random_state": seed, "module__dropout": 0.3, "batch_size": 20}
        data = Slow(draws) if seed else DATA.X
        out[seed] = DANNClassifier(**params).fit(data, DATA.y, FAR).predict_proba(FAR)

    alone: dict[int, Any] = {}
    at_once: dict[int, Any] = {}
    for seed in range(3):
        fit(seed, alone)
    state = torch.get_rng_state()
    threads = [threading.Thread(target=fit, args=(seed, at_once)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(3):
        np.testing.assert_array_equal(at_once[seed], alone[seed])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_a_forked_child_predicts_and_trains() -> None:
    fitted = dann()
    ended = threading.Event()

    def busy() -> None:
        while not ended.is_set():
            fitted.predict(DATA.X)
            dann(max_epochs=1)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
            for work in (lambda: fitted.predict(DATA.X), lambda: dann(max_epochs=1)):
                child = multiprocessing.get_context("fork").Process(target=work)
                child.start()
                child.join(30)
                assert child.exitcode == 0
    finally:
        ended.set()
        thread.join()


def test_a_pickle_of_another_version_warns() -> None:
    fitted = dann()
    assert same(weights(pickle.loads(pickle.dumps(fitted))), weights(fitted))
    state = {**fitted.__getstate__(), "_skda_version": "0.0.1"}
    with pytest.warns(UserWarning, match=r"was pickled by skda 0\.0\.1"):
        DANNClassifier().__setstate__(state)


def test_cloudpickle_takes_modules_of_main_along() -> None:
    code = """
class M(torch.nn.Module):
    def __init__(s, n_features, n_classes):
        super().__init__()
        s.body = torch.nn.Linear(n_features, n_features)
        s.l = torch.nn.Linear(n_features, n_classes)
    def forward(s, x): return s.l(s.body(x))"""
    # a class of a program that runs as __main__
    names: dict[str, Any] = {"__name__": "__main__", "torch": torch}
    exec(code, names)
    X = np.random.default_rng(0).normal(size=(40, 3))
    clf = ADDAClassifier(names["M"], max_epochs=1).fit(X, np.arange(40) % 2, X)
    pickled, module = cloudpickle.dumps(clf), weakref.ref(names["M"])
    del clf, names
    gc.collect()
    assert module() is None  # as in another process
    loaded = pickle.loads(pickled)
    assert len(loaded.predict([[0.0, 0, 0]])) == 1


def test_source_rows_are_scored_as_source_rows() -> None:
    fitted = DANNClassifier(**{**SMALL, "max_epochs": 20, "lr": 0.02})
    fitted.fit(DATA.X, DATA.y, FAR)
    for name in ("accuracy", "roc_auc", "neg_log_loss"):
        assert np.isfinite(make_source_scorer(name)(fitted, DATA.X, DATA.y))
    expected = fitted.score(DATA.X, DATA.y, domain="source")
    assert make_source_scorer("accuracy")(fitted, DATA.X, DATA.y) == pytest.approx(expected)
    assert expected != fitted.score(DATA.X, DATA.y)
    with pytest.raises(ValueError, match="acuracy"):
        make_source_scorer("acuracy")


def test_lams_of_adda_are_one() -> None:
    assert lams_around(ADDAClassifier()) == [1.0]
    assert len(lams_around(DANNClassifier())) == 5
