"""Weights of rows, and known shares of the classes in the target."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version
from skorch.callbacks import Callback
from torch.utils.data import TensorDataset

from skda import (
    DANClassifier,
    DANNClassifier,
    FinetuneClassifier,
    MCCClassifier,
    load,
    make_pipeline,
)
from skda.model_selection import LambdaSearchCV
from skda.training import ArrayRows, DomainPair

from .compared import outputs
from .discovery import every_way, has_classes

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.where(X[:, 0] > 0, "up", "down")
X_TARGET = RNG.normal(size=(50, 4)) + 1
WEIGHTS = RNG.integers(0, 4, 60)
REPEATED = np.repeat(X, WEIGHTS, axis=0), np.repeat(Y, WEIGHTS)
FEW: dict[str, Any] = {"max_epochs": 2, "batch_size": 16, "random_state": 0}


def probabilities(estimator: Any, *data: Any, **options: Any) -> np.ndarray:
    result: np.ndarray = estimator.fit(*data, **options).predict_proba(X_TARGET)
    return result


@every_way
def test_whole_weights_are_repeated_rows(cls: Any) -> None:
    y = Y if has_classes(cls) else X[:, 0]
    of_rows = np.repeat(X, WEIGHTS, axis=0), np.repeat(y, WEIGHTS)
    weighted = outputs(cls(**FEW).fit(X, y, X_TARGET, sample_weight=WEIGHTS), X_TARGET)
    repeated = outputs(cls(**FEW).fit(*of_rows, X_TARGET), X_TARGET)
    np.testing.assert_array_equal(weighted, repeated)


def test_whole_weights_of_a_dataset_and_in_partial_fit() -> None:
    repeated = probabilities(DANNClassifier(**FEW), *REPEATED, X_TARGET)
    rows = TensorDataset(torch.tensor(X).float(), torch.tensor(Y == "up").long())
    weighted = probabilities(DANNClassifier(**FEW), rows, None, X_TARGET, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(weighted, repeated)
    by_parts = [DANNClassifier(**FEW) for _ in range(2)]
    by_parts[0].partial_fit(X, Y, X_TARGET, sample_weight=WEIGHTS)
    by_parts[1].partial_fit(*REPEATED, X_TARGET)
    np.testing.assert_array_equal(*(each.predict_proba(X_TARGET) for each in by_parts))


def test_whole_weights_reach_the_steps_of_a_pipeline_and_a_search() -> None:
    def pipe() -> Any:
        return make_pipeline(StandardScaler(), DANNClassifier(**FEW))

    weighted = probabilities(pipe(), X, Y, X_target=X_TARGET, sample_weight=WEIGHTS)
    repeated = probabilities(pipe(), *REPEATED, X_target=X_TARGET)
    np.testing.assert_array_equal(weighted, repeated)
    search = LambdaSearchCV(pipe(), [1.0], cv=2, random_state=0)
    search.fit(X, Y, X_TARGET, sample_weight=WEIGHTS)
    best = search.best_estimator_.named_steps["standardscaler"]
    np.testing.assert_allclose(best.mean_, REPEATED[0].mean(axis=0))
    own = pipe()
    with config_context(enable_metadata_routing=True):
        own.named_steps["standardscaler"].set_fit_request(sample_weight=False)
    own.fit(X, Y, X_target=X_TARGET, sample_weight=WEIGHTS)
    np.testing.assert_allclose(own.named_steps["standardscaler"].mean_, X.mean(axis=0))


def test_grid_search_cuts_the_weights_into_folds() -> None:
    searches = [
        GridSearchCV(DANNClassifier(**FEW), {"lam": [1.0]}, cv=2, scoring="accuracy").fit(
            X, Y, X_target=(X_TARGET,), **options
        )
        for options in ({}, {"sample_weight": np.ones(60)}, {"sample_weight": WEIGHTS})
    ]
    found = [search.best_estimator_.predict_proba(X_TARGET) for search in searches]
    np.testing.assert_array_equal(found[1], found[0])
    assert np.abs(found[2] - found[0]).max() > 1e-3


@pytest.mark.parametrize("cls", [DANNClassifier, MCCClassifier])
def test_weights_and_priors_train_stacked(cls: Any) -> None:
    # SGD: Adam scales rounding up
    estimator = cls(
        **FEW,
        optimizer=torch.optim.SGD,
        class_weight={"up": 3.0},
        target_priors={"up": 0.2, "down": 0.8},
    )
    weights = RNG.random(60)
    stacked, alone = (
        LambdaSearchCV(estimator, [0.3, 1.0], cv=2, random_state=0, vectorize=vectorize).fit(
            X, Y, X_TARGET, sample_weight=weights
        )
        for vectorize in (True, False)
    )
    for name in ("mean_test_infomax", "mean_source_accuracy"):
        np.testing.assert_allclose(stacked.cv_results_[name], alone.cv_results_[name], atol=1e-5)


def epoch(y: np.ndarray, weights: np.ndarray, seed: int = 0, shuffle: bool = True) -> np.ndarray:
    rows = ArrayRows(np.zeros((len(y), 1)))
    pair = DomainPair(rows, y, weights=weights)
    return np.asarray(pair.draw_source(np.random.default_rng(seed), shuffle))


@pytest.mark.parametrize("shuffle", [True, False])
def test_rows_are_drawn_as_often_as_their_weights_say(shuffle: bool) -> None:
    y = RNG.integers(0, 3, 40)
    weights = RNG.random(40) ** 3
    counts = np.array(
        [np.bincount(epoch(y, weights, seed, shuffle), minlength=40) for seed in range(2000)]
    )
    expected = 40 * weights / weights.sum()
    assert (counts.sum(axis=1) == 40).all()
    assert (np.abs(counts - expected) < 1).all()
    if shuffle:
        np.testing.assert_allclose(counts.mean(axis=0), expected, atol=0.05)
    for k in range(3):
        off = counts[:, y == k].sum(axis=1) - expected[y == k].sum()
        assert np.abs(off).max() < 1


def test_the_source_is_drawn_with_the_shares_of_the_target() -> None:
    y = np.repeat([0, 1, 2], [80, 15, 5])
    pair = DomainPair(ArrayRows(np.zeros((100, 1))), y, weights=np.where(y == 0, 2.0, 1.0))
    shares = np.array([0.0, 0.35, 0.65])
    drawn = pair.with_class_shares(shares)
    np.testing.assert_allclose(drawn.class_shares(3), shares)
    counts = np.bincount(y[drawn.draw_source(np.random.default_rng(0))], minlength=3)
    assert counts.tolist() == [0, 35, 65]


def test_each_source_has_the_shares_of_the_target_and_as_many_rows() -> None:
    y = np.repeat([0, 1, 0, 1, 1, 2], [90, 10, 10, 90, 40, 60])
    source_of = np.repeat([0, 1, 2], 100)
    weights = np.where(y == 0, 1.0, np.arange(300) + 1.0)
    pair = DomainPair(ArrayRows(np.zeros((300, 1))), y, weights=weights).with_sources(source_of, 3)
    drawn = pair.with_class_shares(np.array([0.6, 0.3, 0.1]))
    totals = np.bincount(source_of * 3 + y, drawn.weights).reshape(3, 3)
    np.testing.assert_allclose(totals.sum(axis=1), 1)
    # the third source lacks class 0, the others class 2
    np.testing.assert_allclose(totals, [[2 / 3, 1 / 3, 0], [2 / 3, 1 / 3, 0], [0, 0.75, 0.25]])
    of_class = (source_of == 2) & (y == 1)  # within a class of a source the rows keep their weights
    ratio = np.asarray(drawn.weights)[of_class] / weights[of_class]
    np.testing.assert_allclose(ratio, ratio[0])
    rows = drawn.draw_source(np.random.default_rng(0))
    counts = np.bincount(source_of[rows] * 3 + y[rows], minlength=9).reshape(3, 3)
    assert np.abs(counts - 100 * totals).max() < 1
    none_left = pair.with_class_shares(np.array([0.0, 0.0, 1.0]))
    found = np.bincount(source_of, none_left.weights)
    np.testing.assert_allclose(found, [0, 0, 1])


def test_the_estimator_draws_each_source_with_the_shares_it_was_told() -> None:
    y, names = np.repeat([0, 1, 0, 1], [70, 10, 2, 38]), np.repeat(["a", "b"], [80, 40])
    rows = RNG.normal(size=(120, 4))
    clf = DANClassifier(**FEW, target_priors=[0.9, 0.1])
    drawn = clf.begin(rows, y, X_TARGET, source_domain=names)
    totals = np.bincount(2 * (names == "b") + y, drawn.weights).reshape(2, 2)
    np.testing.assert_allclose(totals, [[0.9, 0.1], [0.9, 0.1]])
    # a rare class has a row of each source in an epoch: of 60 rows each
    rare = DANClassifier(**FEW, target_priors=[0.9999, 0.0001])
    epoch_of = rare.begin(rows, y, X_TARGET, source_domain=names)
    np.testing.assert_allclose(rare.target_priors_[1], (1 / 60) / (0.9999 + 1 / 60))
    assert (names[epoch_of.draw_source(np.random.default_rng(0))] == "a").sum() == 60


def test_shares_of_classes_without_rows_are_refused() -> None:
    clf = DANNClassifier(**FEW, target_priors=[0.0, 1.0])
    message = (
        "The 'target_priors' parameter must give a share above 0 to a class of the source rows "
        "that are drawn, here ['down']. Got [0.0, 1.0]."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        clf.partial_fit(X[Y == "down"], Y[Y == "down"], X_TARGET, classes=["down", "up"])


def shifted_blobs(seed: int) -> tuple[Any, ...]:
    """Two classes, 1:1 in the source and 9:1 in the target, which is moved a little."""
    rng = np.random.default_rng(seed)
    y, y_target = np.arange(400) % 2, (np.arange(400) % 10 == 0).astype(int)
    means = np.array([[-1.5, 0.0], [1.5, 0.0]])
    X, X_target = (means[labels] + rng.normal(size=(400, 2)) for labels in (y, y_target))
    return X, y, X_target + np.array([0.5, 0.0]), y_target


@pytest.mark.parametrize("cls", [DANNClassifier, DANClassifier])
def test_known_shares_mend_what_other_shares_break(cls: Any) -> None:
    gains = []
    for seed in range(3):
        X, y, X_target, y_target = shifted_blobs(seed)
        blind, told = (
            cls(max_epochs=15, lr=1e-2, random_state=seed, target_priors=priors).fit(X, y, X_target)
            for priors in (None, [0.9, 0.1])
        )
        np.testing.assert_allclose(blind.target_priors_, [0.5, 0.5])
        np.testing.assert_allclose(told.target_priors_, [0.9, 0.1])
        assert told.score(X_target, y_target) > 0.92
        gains.append(told.score(X_target, y_target) - blind.score(X_target, y_target))
    assert np.mean(gains) > 0.05


@pytest.mark.parametrize("cls", [DANNClassifier, MCCClassifier])
def test_estimated_shares_mend_most_of_it(cls: Any) -> None:
    for seed in range(2):
        X, y, X_target, y_target = shifted_blobs(seed)
        blind, told = (
            cls(max_epochs=15, lr=1e-2, random_state=seed, target_priors=priors)
            for priors in (None, "estimate")
        )
        told.fit(X, y, X_target)
        assert 0.65 < told.target_priors_[0] < 0.95
        assert told.score(X_target, y_target) > 0.1 + blind.fit(X, y, X_target).score(
            X_target, y_target
        )


def test_an_estimate_is_kept_by_partial_fit_and_runs_no_callback_twice() -> None:
    calls = []

    class Count(Callback):
        def on_epoch_end(self, net: Any, **_: Any) -> None:
            calls.append(net)

    clf = DANNClassifier(**FEW, target_priors="estimate", callbacks=[Count()])
    clf.partial_fit(X, Y, X_TARGET)
    before = clf.target_priors_
    clf.partial_fit(X[:30], Y[:30], X_TARGET[:5])
    np.testing.assert_array_equal(clf.target_priors_, before)
    assert len(calls) == 2


def test_what_an_estimate_needs() -> None:
    with pytest.raises(ValueError, match="'estimate' needs the rows of the target"):
        FinetuneClassifier(**FEW, target_priors="estimate").fit(X, Y)
    y = np.where(np.arange(60) == 7, "left", Y)
    with pytest.raises(ValueError, match=r"two rows of each class .*'left' has 1"):
        DANNClassifier(**FEW, target_priors="estimate").fit(X, y, X_TARGET)


def test_a_share_of_zero_leaves_a_class_out() -> None:
    # partial domain adaptation: the target lacks a class of the source
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    X = np.array([[-3.0, 0], [3, 0], [0, 5]])[y] + rng.normal(size=(300, 2))
    X_target = X[y < 2] + [1.0, 0.0]
    clf = DANNClassifier(
        max_epochs=20, lr=1e-2, random_state=0, target_priors={0: 0.5, 1: 0.5, 2: 0}
    )
    clf.fit(X, y, X_target)
    assert clf.target_priors_.tolist() == [0.5, 0.5, 0.0]
    assert clf.score(X_target, y[y < 2]) > 0.97
    assert not (clf.predict(X_target) == 2).any()


def test_a_rare_class_is_seen_in_every_epoch() -> None:
    clf = FinetuneClassifier(**FEW, target_priors=[0.9999, 0.0001]).fit(X, Y)
    np.testing.assert_allclose(clf.target_priors_, np.array([0.9999, 1 / 60]) / (0.9999 + 1 / 60))


def test_a_series_of_shares_is_read_by_label(tmp_path: Path) -> None:
    known = pd.Series(["up"] * 35 + ["down"] * 15)
    shares = known.value_counts(normalize=True)
    assert shares.index.tolist() == ["up", "down"]  # by frequency, not as in classes_
    clf = DANNClassifier(**FEW, target_priors=shares).fit(X, Y, X_TARGET)
    assert dict(zip(clf.classes_, clf.target_priors_, strict=True)) == {"down": 0.3, "up": 0.7}
    told = DANNClassifier(**FEW, target_priors={"down": 0.3, "up": 0.7}).fit(X, Y, X_TARGET)
    np.testing.assert_array_equal(clf.predict_proba(X_TARGET), told.predict_proba(X_TARGET))
    assert clone(clf).target_priors.equals(shares)
    if parse_version(sklearn.__version__) >= parse_version("1.8"):  # before, it compares with ==
        assert clf._repr_html_()
    clf.save(tmp_path / "model")
    assert load(tmp_path / "model").target_priors == shares.to_dict()


@pytest.mark.parametrize(
    ("priors", "says"),
    [
        ([0.9, 0.2], "which sum to 1. Got [0.9, 0.2], of sum 1.1"),
        ([0.5, 0.4, 0.1], "in the order ['down', 'up']: 2 numbers. Got shape (3,)"),
        ([1.5, -0.5], "each at least 0. Got [1.5, -0.5]"),
        ([np.nan, 1], "each at least 0. Got [nan, 1.0]"),
        ({"up": 1.0}, "Got a mapping without ['down']"),
        ({"up": 0.5, "left": 0.5}, "with unknown classes ['left']"),
        ({"up": "much", "down": 0.5}, "as numbers. Got [0.5, 'much']"),
        (pd.Series([0.5, 0.5]), "of y_source, ['down', 'up']. Got a Series with unknown classes"),
        (pd.Series([1.0], index=["up"]), "Got a Series without ['down']"),
        (pd.Series([0.5, 0.5], index=["up", "up"]), "Got a Series whose index has ['up'] more"),
    ],
)
def test_wrong_priors_are_refused(priors: Any, says: str) -> None:
    message = f"The 'target_priors' parameter must .*{re.escape(says)}"
    with pytest.raises(ValueError, match=message):
        DANNClassifier(**FEW, target_priors=priors).fit(X, Y, X_TARGET)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (-WEIGHTS, "Negative values in data passed to `sample_weight`"),
        (WEIGHTS * 0, "sample_weight: .*"),
        (WEIGHTS[:5], r"sample_weight.shape == \(5,\), expected \(60,\)"),
        (["a"] * 60, "sample_weight: could not convert"),
        ([np.nan] * 60, "sample_weight.* contains NaN"),
    ],
)
@pytest.mark.parametrize("search", [False, True])
def test_wrong_weights_are_refused(weights: Any, says: str, search: bool) -> None:
    estimator: Any = DANNClassifier(**FEW)
    if search:
        estimator = LambdaSearchCV(estimator, [1.0], cv=2)
    with pytest.raises(ValueError, match=says):
        estimator.fit(X, Y, X_TARGET, sample_weight=weights)
