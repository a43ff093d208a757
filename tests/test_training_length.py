"""`max_epochs="auto"`: as many epochs as make 1000 steps, from 20 to 200."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch.utils.data import TensorDataset

from skda import (
    ADDAClassifier,
    DANNClassifier,
    DANRegressor,
    FinetuneClassifier,
    FinetuneRegressor,
    make_pipeline,
)
from skda._building.epochs import auto_epochs
from skda.model_selection import LambdaSearchCV

RNG = np.random.default_rng(0)
X, X_TARGET = (RNG.normal(size=(120, 3)).astype("float32") + shift for shift in (0, 0.3))
Y = (X[:, 0] > 0).astype(int)
# 120 rows in batches of 12 are 10 steps, so 100 epochs; two of three folds (80 rows) would have 143
SMALL: dict[str, Any] = {"batch_size": 12, "module__hidden": (3,), "random_state": 0}


@pytest.mark.parametrize(
    ("n_source", "batch_size", "epochs"),
    [
        (1, 64, 200),
        (320, 64, 200),
        (321, 64, 167),
        (1000, 64, 63),
        (3200, 64, 20),
        (300_000, 64, 20),
        (300, 300, 200),
        (300, 1, 20),
    ],
)
def test_epochs_make_1000_steps_within_limits(n_source: int, batch_size: int, epochs: int) -> None:
    assert auto_epochs(n_source, batch_size) == epochs


@pytest.mark.parametrize("data", [X, TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))])
def test_it_is_the_default_and_a_fit_says_what_it_came_to(data: Any) -> None:
    labels = () if data is X else (None,)
    clf = DANNClassifier(**SMALL).fit(data, *(labels or (Y,)), X_TARGET)
    assert clf.max_epochs == "auto"
    assert clf.n_epochs_ == len(clf.history_) == clf.net_.planned_epochs == 100
    assert clf.set_params(max_epochs=2).fit(X, Y, X_TARGET).n_epochs_ == 2


def test_every_stage_has_as_many_epochs() -> None:
    adda = ADDAClassifier(**SMALL).fit(X, Y, X_TARGET)
    assert (len(adda.source_net_.history), len(adda.net_.history)) == (100, 100)
    labels = np.where(np.arange(120) < 10, Y, -1)
    tuned = FinetuneClassifier(**SMALL, max_epochs=3).fit(X, Y, X_TARGET, y_target=labels)
    assert (len(tuned.source_history_), len(tuned.net_.history)) == (3, 3)


@pytest.mark.parametrize("regression", [False, True])
def test_the_epochs_of_the_target_stage_are_those_of_the_labelled_target_rows(
    regression: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.where(np.arange(120) < 30, Y, np.nan if regression else -1)
    # 10 steps an epoch on the source, and 3 on the labelled target rows
    options = {**SMALL, "verbose": 1, "checkpoint": tmp_path, "checkpoint_every": 150}
    tuned = (FinetuneRegressor if regression else FinetuneClassifier)(**options)
    tuned.fit(X, Y.astype(float) if regression else Y, X_TARGET, y_target=labels)
    assert (tuned.n_epochs_, tuned.net_.planned_epochs, tuned.net_.max_epochs) == (100, 200, 200)
    assert (len(tuned.source_history_), len(tuned.net_.history)) == (100, 200)
    assert "300/300 epochs" in capsys.readouterr().err
    # the last epoch of each stage is saved
    saved = [torch.load(tmp_path / f"stage-{k}.pt", weights_only=True) for k in (1, 2)]
    assert [len(json.loads(state["history"])) for state in saved] == [100, 200]


def test_it_is_the_number_of_the_same_name_to_the_bit() -> None:
    auto, given = (DANRegressor(**SMALL, max_epochs=epochs) for epochs in ("auto", 100))
    predicted = [reg.fit(X, X[:, 0], X_TARGET).predict(X_TARGET) for reg in (auto, given)]
    assert_array_equal(*predicted)


@pytest.mark.parametrize("in_pipeline", [False, True])
@pytest.mark.parametrize("vectorize", [False, True])
def test_the_folds_of_a_search_train_as_long_as_its_final_fit(
    vectorize: bool, in_pipeline: bool
) -> None:
    found = []
    for epochs in ("auto", 100):
        clf: Any = DANNClassifier(**SMALL, max_epochs=epochs)
        clf = make_pipeline("passthrough", clf) if in_pipeline else clf
        search = LambdaSearchCV(clf, lams=[0.1], cv=3, vectorize=vectorize, random_state=0)
        found.append(search.fit(X, Y, X_TARGET))
    scores = [search.cv_results_["mean_test_score"] for search in found]
    assert_array_equal(*scores)
    best = found[0].best_estimator_
    assert (best[-1] if in_pipeline else best).n_epochs_ == 100


def test_batch_sizes_of_a_search_have_their_own_epochs() -> None:
    clf = DANNClassifier(module__hidden=(3,), random_state=0)
    grid = {"batch_size": [6, 60]}
    search = LambdaSearchCV(clf, lams=[0.1], param_grid=grid, cv=2, random_state=0)
    search.fit(X, Y, X_TARGET)
    epochs = {6: 50, 60: 200}[search.best_params_["batch_size"]]
    assert search.best_estimator_.n_epochs_ == epochs


def test_each_of_several_sources_counts_for_itself() -> None:
    clf = DANNClassifier(**SMALL).fit([X, X + 1], [Y, Y], X_TARGET)
    assert (clf.n_epochs_, clf.net_.step_) == (100, 1000)
    found = []
    for epochs in ("auto", 100):
        clf = DANNClassifier(**SMALL, max_epochs=epochs)
        search = LambdaSearchCV(clf, lams=[0.1], cv=2, random_state=0)
        found.append(search.fit([X, X + 1], [Y, Y], X_TARGET))
    assert found[0].best_estimator_.n_epochs_ == 100
    assert_array_equal(*(search.cv_results_["mean_test_score"] for search in found))


@pytest.mark.parametrize(
    ("weights", "epochs"),
    [
        (np.full(120, 3), 34),  # 30 steps
        ((np.arange(120) % 4 == 0).astype(int), 200),  # 3 steps
        (np.where(np.arange(120) % 2, 0.5, 0), 200),  # 5 steps
        (np.full(120, 0.5), 100),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_the_folds_of_a_search_count_the_rows_that_are_drawn(
    weights: np.ndarray, epochs: int, several: bool
) -> None:
    seen = []

    class Seen(DANNClassifier):
        def begin(self, *data: Any, **options: Any) -> Any:
            domains = super().begin(*data, **options)
            seen.append(self.n_epochs_)
            self.n_epochs_ = 1  # enough here
            return domains

    data: Any = (X, Y, X_TARGET)
    if several:
        data = (np.concatenate([X, X + 1]), np.concatenate([Y, Y]), X_TARGET)
        weights = np.concatenate([weights, weights])
    names = {"source_domain": np.repeat(["a", "b"], 120)} if several else {}
    search = LambdaSearchCV(Seen(**SMALL), lams=[0.1], cv=2, vectorize=False, random_state=0)
    search.fit(*data, sample_weight=weights, **names)
    assert set(seen) == {epochs}
    assert len(seen) == 5  # two candidates in two folds, and the final fit


def test_the_short_training_that_estimates_shares_counts_the_steps_of_several_sources() -> None:
    clf = DANNClassifier(**SMALL, max_epochs=60)
    net = clf._train_briefly(clf.begin([X, X + 1], [Y, Y], X_TARGET))
    assert (net.step_, len(net.history)) == (300, 30)


def test_partial_fit_keeps_the_length_that_the_first_call_planned() -> None:
    clf = DANNClassifier(**SMALL)
    clf.partial_fit(X, Y, X_TARGET).partial_fit(X[:30], Y[:30], X_TARGET)
    assert (clf.n_epochs_, clf.net_.planned_epochs, len(clf.history_)) == (100, 100, 2)
    clf.set_params(max_epochs=7).partial_fit(X, Y, X_TARGET)
    assert (clf.n_epochs_, clf.net_.planned_epochs) == (7, 7)


def test_another_word_is_refused_by_name() -> None:
    message = "The 'max_epochs' parameter of DANNClassifier must be an int .*'auto'.*Got 'all'"
    with pytest.raises(ValueError, match=message):
        DANNClassifier(max_epochs="all").fit(X, Y, X_TARGET)
