"""LambdaSearchCV: its candidates, the data that it uses, its results."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit, cross_val_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skda import DANNClassifier, make_pipeline
from skda.model_selection import EstimatorEvidence, LambdaSearchCV, compute_validator
from skda.model_selection._training.candidates import lams_around
from tests.discovery import LEARNING_CHECKS
from tests.model_selection.fakes import CenteringClassifier, shifted_blobs
from tests.model_selection.searches import SMALL, search
from tests.shifted import shifted


def test_it_adapts_where_that_helps(blobs: Any) -> None:
    X, y, X_target, y_target = blobs
    found = search(validator="class_ami").fit(X, y, X_target)
    assert found.best_params_ == {"lam": 1.0}
    assert found.adapted_
    assert found.score(X_target, y_target) == 1.0
    assert found.best_score_ > found.source_only_score_
    assert found.best_score_ == found.cv_results_["mean_test_score"][2]
    assert found.source_only_score_ == found.cv_results_["mean_test_score"][0]
    assert found.best_index_ == 2
    assert found.n_splits_ == 3
    assert found.classes_.tolist() == ["left", "right"]
    assert found.best_estimator_.lam == 1.0
    assert found.refit_time_ > 0


def test_the_table_has_the_columns_of_a_grid_search(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    results = search(cv=2).fit(X, y, X_target).cv_results_
    expected = {"params", "param_lam", "mean_fit_time", "std_fit_time", "mean_score_time"}
    expected |= {"std_score_time", "rank_test_score", "accepted", "guard_reason"}
    for name in ("test_score", "source_accuracy", "target_stability", "target_entropy"):
        expected |= {f"{prefix}_{name}" for prefix in ("split0", "split1", "mean", "std")}
    assert set(results) == expected
    assert results["params"] == [{"lam": 0.0}, {"lam": 0.5}, {"lam": 1.0}]
    assert results["param_lam"].tolist() == [0.0, 0.5, 1.0]
    both = np.array([results["split0_test_score"], results["split1_test_score"]])
    assert_allclose(results["mean_test_score"], both.mean(axis=0))
    assert_allclose(results["std_test_score"], both.std(axis=0))
    assert len(pd.DataFrame(results)) == 3


def test_the_scores_are_those_of_the_folds_by_hand(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    splitter = StratifiedKFold(3)
    found = search(cv=splitter, refit=False, validator="iwv")
    seen = CenteringClassifier.calls
    found.fit(X, y, X_target)
    fits = [call for name, call in seen if name == "fit"]
    for i, (train, test) in enumerate(splitter.split(X, y)):
        # the candidates of a fold train on the same rows
        for k in range(3):
            assert_array_equal(fits[3 * k + i]["X"], X[train])
            assert_array_equal(fits[3 * k + i]["X_target"], fits[i]["X_target"])
        held_out = rows_without(X_target, fits[i]["X_target"])
        for k, lam in enumerate((0.0, 0.5, 1.0)):
            model = CenteringClassifier(lam).fit(X[train], y[train], fits[i]["X_target"])
            evidence = EstimatorEvidence(model, X[test], y[test], held_out)
            expected = compute_validator("iwv", evidence)
            assert found.cv_results_[f"split{i}_test_score"][k] == pytest.approx(expected)


def rows_without(rows: np.ndarray, taken: np.ndarray) -> np.ndarray:
    keep = ~(rows[:, None] == taken[None]).all(axis=2).any(axis=1)
    return rows[keep]


def test_no_model_is_judged_on_rows_that_trained_it(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    judged = []

    def validator(estimator: Any, X: Any, y: Any, X_target: Any) -> float:
        judged.append((X, X_target))
        return 0.0

    search(validator=validator, refit=False, cv=3).fit(X, y, X_target)
    fits = CenteringClassifier.recorded("fit")
    assert len(fits) == len(judged) == 9
    for fit, (source, target) in zip(fits, judged, strict=True):
        assert len(rows_without(source, fit["X"])) == len(source) == 40
        assert len(rows_without(target, fit["X_target"])) == len(target) == 30
        assert len(fit["X"]) + len(source) == len(X)
        assert len(fit["X_target"]) + len(target) == len(X_target)
    # over the folds, every row is held out once
    targets = np.concatenate([target for _, target in judged[:3]])
    assert_array_equal(np.sort(targets, axis=0), np.sort(X_target, axis=0))


def test_target_labels_join_the_training_but_no_choice(blobs: Any) -> None:
    X, y, X_target, y_target = blobs
    labels = np.where(np.arange(len(y_target)) < 30, y_target, None)
    found = search().fit(X, y, X_target, y_target=labels)
    *fits, last = CenteringClassifier.recorded("fit")
    known = {tuple(row): label for row, label in zip(X_target, labels, strict=True)}
    for fit in fits:
        assert len(fit["y_target"]) == 60
        assert [known[tuple(row)] for row in fit["X_target"]] == list(fit["y_target"])
    assert list(last["y_target"]) == list(labels)
    poisoned = search().fit(X, y, X_target, y_target=labels[::-1])
    assert_array_equal(
        found.cv_results_["mean_test_score"], poisoned.cv_results_["mean_test_score"]
    )


def test_it_refits_on_all_rows_of_both_domains(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    found = search().fit(X, y, X_target)
    last = CenteringClassifier.recorded("fit")[-1]
    assert_array_equal(last["X"], X)
    assert_array_equal(last["X_target"], X_target)
    assert last["fresh"]
    without = search(refit=False).fit(X, y, X_target)
    assert without.best_params_ == found.best_params_
    assert not hasattr(without, "best_estimator_")
    with pytest.raises(NotFittedError):
        without.predict(X)


class Seeded(CenteringClassifier):
    def __init__(self, lam: float = 1.0, random_state: Any = None) -> None:
        self.lam, self.random_state = lam, random_state


def seeds_of(estimator: Any, **options: Any) -> list[Any]:
    X, y, X_target, _ = shifted_blobs()
    seen = []

    def validator(estimator: Any, X: Any, y: Any, X_target: Any) -> float:
        seen.append(getattr(estimator, "random_state", None))
        return 0.0

    found = search(estimator, (1.0,), validator=validator, **options).fit(X, y, X_target)
    return [*seen, found.best_estimator_.random_state]


def test_all_candidates_train_a_fold_with_the_same_seed() -> None:
    *trials, last = seeds_of(Seeded())
    assert trials[:3] == trials[3:]
    assert len({*trials, last}) == 4
    assert seeds_of(Seeded()) == [*trials, last]
    assert seeds_of(Seeded(random_state=np.random.RandomState(0))) == [*trials, last]
    assert seeds_of(Seeded(), random_state=1) != [*trials, last]
    assert seeds_of(Seeded(random_state=7)) == [7] * 7


def test_the_same_seed_gives_the_same_search() -> None:
    data = shifted(60, 50)
    options = {"vectorize": False, "validator": "infomax", "lams": (0.1,), "cv": 2}
    first, again, other = (
        search(DANNClassifier(**SMALL), **options, random_state=seed).fit(
            data.X, data.y, data.X_target
        )
        for seed in (0, 0, 1)
    )
    scores = [found.cv_results_["mean_test_score"] for found in (first, again, other)]
    assert_array_equal(scores[0], scores[1])
    assert (scores[0] != scores[2]).any()
    assert_array_equal(first.predict_proba(data.X_target), again.predict_proba(data.X_target))


def test_without_lams_those_around_the_estimator_s_own_are_tried() -> None:
    assert lams_around(DANNClassifier()) == [0.03, 0.09, 0.3, 0.9, 3.0]
    assert lams_around(make_pipeline(StandardScaler(), CenteringClassifier(2.0)))[2] == 2.0
    assert lams_around(DANNClassifier(lam=0.0)) == lams_around(DANNClassifier())
    found = search(CenteringClassifier(2.0), None, refit=False, cv=2)
    X, y, X_target, _ = shifted_blobs()
    results = found.fit(X, y, X_target).cv_results_
    assert results["param_lam"].tolist() == [0.0, 0.2, 0.6, 2.0, 6.0, 20.0]


def test_it_answers_like_its_best_estimator(blobs: Any) -> None:
    data = shifted(40, 40)
    found = search(DANNClassifier(**SMALL), (0.1,), cv=2).fit(data.X, data.y, data.X_target)
    best = found.best_estimator_
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        for domain in ("source", "target"):
            assert_array_equal(
                getattr(found, method)(data.X, domain=domain),
                getattr(best, method)(data.X, domain=domain),
            )
    for domain in ("source", "target"):
        expected = best.score(data.X, data.y, domain=domain)
        assert found.score(data.X, data.y, domain=domain) == expected
    weights = np.arange(40)
    assert found.score(data.X, data.y, weights) == best.score(data.X, data.y, weights)
    assert found.n_features_in_ == 4
    assert not hasattr(search(), "decision_function")
    assert hasattr(search(), "transform")


def test_clone_and_pickle(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    found = search().fit(X, y, X_target)
    loaded = pickle.loads(pickle.dumps(found))
    assert_array_equal(loaded.predict(X_target), found.predict(X_target))
    copied = clone(found)
    assert copied.get_params(deep=False).keys() == found.get_params(deep=False).keys()
    with pytest.raises(NotFittedError):
        copied.predict(X)
    assert copied.set_params(estimator__lam=3.0).estimator.lam == 3.0


def test_it_routes_the_target_as_the_last_step_of_a_pipeline(blobs: Any) -> None:
    X, y, X_target, y_target = blobs
    pipe = make_pipeline(StandardScaler(), search(validator="class_ami"))
    pipe.fit(X, y, X_target=X_target)
    scaled = CenteringClassifier.recorded("fit")[-1]["X_target"]
    assert_allclose(scaled, StandardScaler().fit(X).transform(X_target))
    assert (pipe.predict(X_target) == y_target).mean() == 1.0
    asked = pipe.predict_proba(X, domain="source")
    assert asked.shape == (120, 2)
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(search(), X, y, cv=2, params={"X_target": (X_target,)})
    assert scores.shape == (2,)


def test_the_progress_bar_counts_the_trainings(blobs: Any, capsys: Any) -> None:
    X, y, X_target, _ = blobs
    search(verbose=1, refit=False).fit(X, y, X_target)
    assert "9/9 trainings" in capsys.readouterr().err
    search(verbose=0, refit=False).fit(X, y, X_target)
    assert capsys.readouterr() == ("", "")


def test_the_progress_bar_counts_the_epochs_of_what_trains_together(capsys: Any) -> None:
    X, y, X_target = shifted(60, 50)[:3]
    estimator = DANNClassifier(**SMALL)
    options = {"cv": 2, "vectorize": True, "refit": False, "verbose": 1}
    assert search(estimator, **options).fit(X, y, X_target).vectorized_
    shown = capsys.readouterr().err
    assert "0%|" in shown or "50%|" in shown
    assert "100%|" in shown
    assert "6/6 trainings" in shown


class SelfAdaptingSearch(LambdaSearchCV):
    """Supplies ``X_target = X`` where scikit-learn's checks call ``fit(X, y)``."""

    def fit(self, X_source: Any, y_source: Any, X_target: Any = None, **params: Any) -> Any:
        target = X_source if X_target is None else X_target
        return super().fit(X_source, y_source, target, **params)


EXPECTED = {
    "check_fit_score_takes_y": "the second argument of fit is called y_source: domains have names"
}


@parametrize_with_checks(
    [
        SelfAdaptingSearch(
            DANNClassifier(max_epochs=5, lr=4e-2), (0.1,), cv=2, validator="source_accuracy"
        )
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn_check(estimator: Any, check: Any) -> None:
    if check.func.__name__ not in LEARNING_CHECKS:
        # a copy, because all checks share it; one fold of one epoch is enough for them
        fold = StratifiedShuffleSplit(1, test_size=0.5, random_state=0)
        estimator = clone(estimator).set_params(estimator__max_epochs=1, cv=fold)
    check(estimator)


def test_on_iris_the_search_is_as_good_as_its_estimator() -> None:
    X, y = load_iris(return_X_y=True)
    found = search(DANNClassifier(max_epochs=30, lr=1e-2), (0.1,), cv=3)
    found.fit(X[::2], y[::2], X[1::2])
    assert found.score(X[1::2], y[1::2]) > 0.9
