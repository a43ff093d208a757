"""LambdaSearchCV: what it tries, what it may look at, what it chooses."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch.utils.data import TensorDataset

from skda import DANNClassifier, FinetuneClassifier, make_pipeline
from skda.model_selection import (
    AdaptationWarning,
    EstimatorEvidence,
    LambdaSearchCV,
    compute_validator,
    make_validator_scorer,
)
from skda.model_selection._candidates import lams_around
from skda.training import DivergenceError
from tests.discovery import LEARNING_CHECKS
from tests.model_selection.fakes import CenteringClassifier, CenteringScaler, shifted_blobs
from tests.shifted import shifted

SMALL = {"max_epochs": 2, "batch_size": 32, "module__hidden": (6,)}


@pytest.fixture
def blobs() -> tuple[Any, ...]:
    return shifted_blobs()


def search(estimator: Any = None, lams: Any = (0.5, 1.0), **options: Any) -> LambdaSearchCV:
    options = {"validator": "iwv", "cv": 3, "random_state": 0, **options}
    return LambdaSearchCV(estimator or CenteringClassifier(), lams, **options)


class Scripted(CenteringClassifier):
    """Follows a script by lam: the accuracy on the source and the predictions on the target."""

    # share of the source rows that are predicted right, share of "right" on the target
    script: ClassVar[dict[float, tuple[float, float]]] = {}

    def predict_proba(self, X: Any, domain: str = "target") -> np.ndarray:
        good, share = self.script[self.lam]
        X = np.asarray(X)
        if domain == "target":
            right = np.arange(len(X)) < share * len(X)
        else:
            wrong = np.arange(len(X)) >= round(good * len(X))
            right = (X[:, 0] > 0) ^ wrong
        return np.where(right[:, None], [0.0, 1.0], [1.0, 0.0])


def scripted(script: dict[float, tuple[float, float]], scores: dict[float, float], **options: Any):
    """Search with these scores of the validator by lam."""
    Scripted.script = script
    X, y, X_target, _ = shifted_blobs()
    validator = lambda estimator, X, y, X_target: scores[estimator.lam]  # noqa: E731
    found = search(Scripted(), list(script), validator=validator, refit=False, **options)
    return found.fit(X, y, X_target)


GOOD = (1.0, 0.5)


# -- the result -----------------------------------------------------------------------------------


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
    found = search(cv=splitter, refit=False)
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


# -- the choice -----------------------------------------------------------------------------------


def test_source_only_wins_a_tie_and_the_smaller_lam_before_the_larger() -> None:
    script = {0.0: GOOD, 0.5: GOOD, 1.0: GOOD}
    found = scripted(script, {0.0: 0.7, 0.5: 0.7 + 1e-9, 1.0: 0.7})
    assert found.best_params_ == {"lam": 0.0}
    assert not found.adapted_
    assert found.cv_results_["rank_test_score"].tolist() == [1, 1, 1]
    found = scripted(script, {0.0: 0.7, 0.5: 0.8, 1.0: 0.8})
    assert found.best_params_ == {"lam": 0.5}
    assert found.adapted_
    assert found.cv_results_["rank_test_score"].tolist() == [3, 1, 1]


def test_a_candidate_that_forgot_the_source_ranks_last() -> None:
    script = {0.0: GOOD, 0.5: (0.97, 0.5), 1.0: (0.9, 0.5)}
    found = scripted(script, {0.0: 0.1, 0.5: 0.2, 1.0: 0.9})
    assert found.best_params_ == {"lam": 0.5}
    assert found.cv_results_["accepted"].tolist() == [True, True, False]
    assert found.cv_results_["rank_test_score"].tolist() == [2, 1, 3]
    assert found.cv_results_["guard_reason"][2].startswith("forgot the source: held-out source")
    loose = scripted(script, {0.0: 0.1, 0.5: 0.2, 1.0: 0.9}, guard={"accuracy_tolerance": 0.2})
    assert loose.best_params_ == {"lam": 1.0}
    off = scripted(script, {0.0: 0.1, 0.5: 0.2, 1.0: 0.9}, guard=False)
    assert off.best_params_ == {"lam": 1.0}


def test_a_candidate_that_collapsed_on_the_target_ranks_last() -> None:
    script = {0.0: GOOD, 0.5: GOOD, 1.0: (1.0, 0.01)}
    found = scripted(script, {0.0: 0.1, 0.5: 0.2, 1.0: 0.9})
    assert found.best_params_ == {"lam": 0.5}
    assert "collapsed on the target" in found.cv_results_["guard_reason"][2]


class Unstable(CenteringClassifier):
    """Gives a share of target rows a class that depends on the fold; the share is lam / 10."""

    def predict_proba(self, X: Any, domain: str = "target") -> np.ndarray:
        proba = np.eye(2)[(np.asarray(X)[:, 0] > 0).astype(int)]
        if domain == "target":
            rng = np.random.default_rng(int(1e6 * abs(self.means_["target"][0])))
            drawn = rng.uniform(size=len(X)) < self.lam / 10
            proba[drawn] = np.eye(2)[rng.integers(0, 2, size=drawn.sum())]
        return proba


def test_a_candidate_whose_models_disagree_more_than_those_of_source_only_ranks_last() -> None:
    X, y, X_target, _ = shifted_blobs(n_target=900)
    X_target = X_target - [8.0, 0.0]  # not shifted at all
    options = {"validator": lambda e, X, y, X_target: e.lam, "refit": False}
    found = search(Unstable(), (5.0,), **options).fit(X, y, X_target)
    stability = found.cv_results_["mean_target_stability"]
    assert stability[0] == 1.0
    # a row is drawn twice, once or by neither model: half of what is drawn by one or both differs
    assert stability[1] == pytest.approx(1 - 0.75 / 2, abs=0.03)
    assert found.best_params_ == {"lam": 0.0}
    assert not found.adapted_
    reason = found.cv_results_["guard_reason"][1]
    assert reason.startswith("unstable on the target: the models of the folds agree on 0.")
    assert "more than 0.05 below the source-only models' 1.000 (kappa 1.000)" in reason
    assert found.estimated_accuracy_ == found.cv_results_["mean_source_accuracy"][0]
    for guard in ({"stability_tolerance": 0.9}, False):
        loose = search(Unstable(), (5.0,), guard=guard, **options)
        says = (
            r"lam=5 may have done harm: .* agree on 0\.6\d, .* source-only models agree on 1\.00 .*"
            "Try target_priors"
        )
        with pytest.warns(AdaptationWarning, match=says):
            loose.fit(X, y, X_target)
        assert loose.best_params_ == {"lam": 5.0}
        stability = loose.cv_results_["mean_target_stability"][1]
        accuracy = loose.cv_results_["mean_source_accuracy"][1]
        assert loose.estimated_accuracy_ == stability * accuracy
    with pytest.raises(
        ValueError, match=r"stability_tolerance must be a float in the range \[0, 1"
    ):
        search(Unstable(), (5.0,), guard={"stability_tolerance": 2}, **options).fit(X, y, X_target)


def test_one_collapsed_fold_is_enough() -> None:
    class CollapsesOnce(Scripted):
        def predict_proba(self, X: Any, domain: str = "target") -> np.ndarray:
            proba = super().predict_proba(X, domain)
            once = (
                self.lam == 1
                and domain == "target"
                and round(self.means_["target"][0], 6) == self.unlucky
            )
            return np.eye(2)[np.zeros(len(X), dtype=int)] if once else proba

    Scripted.script = {0.0: GOOD, 1.0: GOOD}
    X, y, X_target, _ = shifted_blobs()
    found = search(Scripted(), (1.0,), validator=lambda e, X, y, X_target: e.lam, refit=False)
    found.fit(X, y, X_target)
    assert found.best_params_ == {"lam": 1.0}
    CollapsesOnce.unlucky = round(CenteringClassifier.recorded("fit")[1]["X_target"].mean(0)[0], 6)
    found.set_params(estimator=CollapsesOnce()).fit(X, y, X_target)
    assert found.best_params_ == {"lam": 0.0}
    assert found.cv_results_["guard_reason"][1].startswith("in fold 1, collapsed on the target")


def test_source_only_stays_though_it_collapses_on_the_target() -> None:
    found = scripted({0.0: (1.0, 0.0), 1.0: (0.5, 0.5)}, {0.0: 0.1, 1.0: 0.9})
    assert found.cv_results_["accepted"].tolist() == [True, False]
    assert found.best_params_ == {"lam": 0.0}


class Diverging(CenteringClassifier):
    at: ClassVar[tuple[float, ...]] = (1.0,)

    def fit(self, X: Any, y: Any, X_target: Any = None, *, y_target: Any = None) -> Any:
        if self.lam in self.at:
            raise DivergenceError("the loss became nan")
        return super().fit(X, y, X_target, y_target=y_target)


def test_a_candidate_that_diverges_is_rejected_and_the_search_goes_on(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    found = search(Diverging()).fit(X, y, X_target)
    assert found.cv_results_["guard_reason"][2] == "diverged in 3 of 3 folds"
    assert np.isnan(found.cv_results_["mean_test_score"][2])
    assert found.cv_results_["rank_test_score"][2] == 3
    assert found.best_params_["lam"] != 1.0
    Diverging.at = (0.0, 1.0)
    with pytest.raises(DivergenceError, match="became nan"):
        search(Diverging()).fit(X, y, X_target)
    Diverging.at = (1.0,)


def test_other_parameters_are_searched_beside_lam() -> None:
    class Bent(Scripted):
        def __init__(self, lam: float = 1.0, bend: int = 0) -> None:
            self.lam, self.bend = lam, bend

    Scripted.script = {0.0: GOOD, 1.0: GOOD}
    X, y, X_target, _ = shifted_blobs()
    points = {(0, 1): 0.5, (0, 2): 0.3, (1, 1): 0.4, (1, 2): 0.9}
    found = search(
        Bent(),
        (1.0,),
        validator=lambda e, X, y, X_target: points[e.lam, e.bend],
        param_grid={"bend": [1, 2]},
        refit=False,
    ).fit(X, y, X_target)
    assert found.best_params_ == {"lam": 1.0, "bend": 2}
    assert found.source_only_score_ == 0.5
    assert found.cv_results_["param_bend"].tolist() == [1, 1, 2, 2]
    assert found.cv_results_["rank_test_score"].tolist() == [2, 3, 4, 1]
    lists = search(Bent(), (1.0,), param_grid=[{"bend": [1]}], refit=False).fit(X, y, X_target)
    assert [p["bend"] for p in lists.cv_results_["params"]] == [1, 1]


# -- seeds ----------------------------------------------------------------------------------------


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


def test_the_same_seed_gives_the_same_search_and_any_number_of_jobs(blobs: Any) -> None:
    data = shifted(60, 50)
    options = {"vectorize": False, "validator": "infomax", "lams": (0.1, 1.0)}
    results = [
        search(DANNClassifier(**SMALL), **options, n_jobs=n_jobs, random_state=seed).fit(
            data.X, data.y, data.X_target
        )
        for n_jobs, seed in ((None, 0), (None, 0), (2, 0), (None, 1))
    ]
    first, again, parallel, other = (found.cv_results_["mean_test_score"] for found in results)
    assert_array_equal(first, again)
    assert_array_equal(first, parallel)
    assert (first != other).any()
    proba = [found.predict_proba(data.X_target) for found in results]
    assert_array_equal(proba[0], proba[2])


# -- what goes in ---------------------------------------------------------------------------------


def test_a_pipeline_s_lam_is_found_and_its_steps_are_told_the_domain(blobs: Any) -> None:
    X, y, X_target, y_target = blobs
    scaler = CenteringScaler(source=1.0, target=9.0)
    for pipe in (
        make_pipeline(scaler, CenteringClassifier()),
        Pipeline(
            [("centeringscaler", scaler), ("centeringclassifier", CenteringClassifier())],
            transform_input=["X_target"],
        ),
    ):
        found = search(pipe, validator="class_ami").fit(X, y, X_target)
        assert found.best_params_ == {"centeringclassifier__lam": 1.0}
        assert found.score(X_target, y_target) == 1.0
        means = found.best_estimator_[-1].means_
        assert_allclose(found.transform(X, domain="source"), X - 1.0 - means["source"])
        assert_allclose(found.transform(X, domain="target"), X - 9.0 - means["target"])
        steps = found.best_estimator_.steps
        asked = [call["domain"] for call in CenteringClassifier.recorded("transform")]
        assert asked[-2:] == ["source", "target"]
        assert steps[0][1].source == 1.0


@pytest.mark.parametrize("kind", ["pandas", "polars", "csr", "tensor", "list", "Dataset", "tuple"])
def test_rows_of_any_kind(kind: str) -> None:
    data = shifted(40, 40)
    X, X_target = data.X.astype(np.float32), data.X_target.astype(np.float32)
    names = ["a", "b", "c", "d"]
    convert = {
        "pandas": lambda rows: pd.DataFrame(rows, columns=names),
        "polars": lambda rows: pl.DataFrame(rows, schema=names),
        "csr": sparse.csr_array,
        "tensor": torch.from_numpy,
        "list": np.ndarray.tolist,
        "Dataset": lambda rows: TensorDataset(torch.from_numpy(rows)),
        "tuple": lambda rows: rows,
    }[kind]
    options = {"lams": (0.1,), "cv": 2, "validator": "infomax", "vectorize": False}
    reference = search(DANNClassifier(**SMALL), **options).fit(X, data.y, X_target)
    target = (X_target,) if kind == "tuple" else convert(X_target)
    found = search(DANNClassifier(**SMALL), **options).fit(convert(X), data.y, target)
    assert_allclose(
        found.cv_results_["mean_test_score"],
        reference.cv_results_["mean_test_score"],
        rtol=1e-5,
    )
    assert_allclose(
        found.predict_proba(convert(X_target)), reference.predict_proba(X_target), rtol=1e-4
    )
    if kind in ("pandas", "polars"):
        assert found.feature_names_in_.tolist() == names


def test_a_dataset_of_pairs_has_its_labels() -> None:
    data = shifted(40, 40)
    source = TensorDataset(torch.from_numpy(data.X).float(), torch.from_numpy(data.y))
    target = TensorDataset(torch.from_numpy(data.X_target).float())
    options = {"lams": (0.1,), "cv": 2, "validator": "infomax"}
    found = search(DANNClassifier(**SMALL), **options).fit(source, None, target)
    expected = search(DANNClassifier(**SMALL), **options, vectorize=False)
    expected.fit(data.X, data.y, data.X_target)
    assert_array_equal(found.predict(target), expected.predict(data.X_target))


def test_images() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(40, 1, 8, 8), dtype=np.uint8)
    y = np.arange(20) % 2
    found = search(
        DANNClassifier(max_epochs=1, batch_size=8, module__width=2),
        lams=(0.1,),
        cv=2,
        validator="infomax",
    ).fit(images[:20], y, images[20:])
    assert found.predict(images[20:]).shape == (20,)
    assert found.n_features_in_ == 1


def test_any_splitter_and_any_number_of_folds(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    one = search(cv=ShuffleSplit(1, test_size=0.25, random_state=0)).fit(X, y, X_target)
    assert one.n_splits_ == 1
    listed = [(np.arange(60), np.arange(60, 120)), (np.arange(60, 120), np.arange(60))]
    assert search(cv=listed).fit(X, y, X_target).n_splits_ == 2
    assert search(cv=4).fit(X, y, X_target).n_splits_ == 4


def test_sorted_labels_are_shuffled_into_the_folds(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    order = np.argsort(y)
    found = search(validator="source_accuracy").fit(X[order], y[order], X_target[order[:90] % 90])
    assert found.cv_results_["mean_test_score"].min() > 0.9


def test_a_scorer_or_a_function_can_be_the_validator(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    named = search(validator="iwv").fit(X, y, X_target)
    scorer = search(validator=make_validator_scorer("iwv")).fit(X, y, X_target)
    assert_array_equal(named.cv_results_["mean_test_score"], scorer.cv_results_["mean_test_score"])


# -- what comes out -------------------------------------------------------------------------------


def test_several_validators_are_averaged_as_z_scores_and_agreement_compares_candidates() -> None:
    X, y, X_target, _ = shifted_blobs()
    names = ("agreement", "infomax", "source_accuracy")
    found = search(validator=names, refit=False).fit(X, y, X_target)
    results = found.cv_results_
    for i in range(3):
        z_scores = []
        for name in names:
            values = results[f"split{i}_test_{name}"]
            spread = np.std(values)
            z_scores.append((values - np.mean(values)) / (spread if spread > 1e-6 else 1.0))
        assert_allclose(results[f"split{i}_test_score"], np.mean(z_scores, axis=0))
    assert_allclose(
        results["mean_test_infomax"],
        np.mean([results[f"split{i}_test_infomax"] for i in range(3)], axis=0),
    )
    alone = search(validator="infomax", refit=False).fit(X, y, X_target).cv_results_
    assert_allclose(results["mean_test_infomax"], alone["mean_test_score"])


def test_agreement_in_a_search_is_that_with_the_mean_of_all_candidates() -> None:
    # lams .5 and 1 say "right" for 60 and 50 % of the rows, source-only for none
    script = {0.0: (1.0, 0.0), 0.5: (1.0, 0.6), 1.0: (1.0, 0.5)}
    Scripted.script = script
    X, y, X_target, _ = shifted_blobs()
    found = search(Scripted(), list(script), validator=["agreement"], guard=False, refit=False)
    results = found.fit(X, y, X_target).cv_results_
    assert_allclose(results["mean_test_agreement"], [0.5, 0.9, 1.0], atol=0.02)
    assert found.best_params_ == {"lam": 1.0}


def test_stability_can_be_the_validator() -> None:
    X, y, X_target, _ = shifted_blobs()
    found = search(Unstable(), (5.0,), validator="stability", refit=False).fit(X, y, X_target)
    results = found.cv_results_
    assert_array_equal(results["mean_test_score"], results["mean_target_stability"])
    both = search(Unstable(), (5.0,), validator=("stability", "snd"), refit=False)
    results = both.fit(X, y, X_target).cv_results_
    assert_array_equal(results["mean_test_stability"], results["mean_target_stability"])


def test_a_diverging_candidate_takes_no_part_in_the_comparison(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    names = ("agreement", "infomax")
    found = search(Diverging(), validator=names, refit=False).fit(X, y, X_target)
    results = found.cv_results_
    assert np.isnan(results["mean_test_score"][2])
    assert np.isfinite(results["mean_test_score"][:2]).all()
    assert results["rank_test_score"][2] == 3


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


def test_a_failed_fit_keeps_the_previous_one(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    found = search().fit(X, y, X_target)
    before = found.predict(X_target)
    with pytest.raises(ValueError, match="fewer than"):
        found.fit(X, y, X_target[:2])
    assert_array_equal(found.predict(X_target), before)


# -- messages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"lams": [-1]},
            r"'lams' parameter of LambdaSearchCV must be a sequence of floats in the ",
        ),
        ({"lams": 1.0}, r"in the range \[0, inf\). Got 1.0 instead"),
        ({"lams": "1"}, "must be a sequence of floats"),
        ({"lams": [np.inf]}, "must be a sequence of floats"),
        ({"lams": [True]}, "must be a sequence of floats"),
        ({"param_grid": {"lam": [1]}}, "must not name 'lam'. Pass its values as 'lams'"),
        ({"validator": "accuracy"}, "The validator must be one of"),
        ({"validator": ("agreement", "accuracy")}, "The validator must be one of"),
        ({"validator": []}, "a sequence of different names"),
        ({"validator": ["snd", "snd"]}, r"of different names. Got \['snd', 'snd'\] instead"),
        ({"vectorize": "yes"}, "'vectorize' parameter of LambdaSearchCV must be"),
        ({"guard": "no"}, "'guard' parameter of LambdaSearchCV must be"),
        ({"guard": {"accuracy_tolerance": 2}}, "accuracy_tolerance must be a float"),
        ({"guard": {"min_entropy_ratio": "half"}}, "min_entropy_ratio must be a float.*'half'"),
        ({"guard": {"stability_tolerance": np.nan}}, "stability_tolerance must be a float"),
        (
            {"guard": {"tolerance": 0.1}},
            "'guard' parameter of LambdaSearchCV must be a bool or a dict with the keys "
            "'accuracy_tolerance', 'min_entropy_ratio', 'stability_tolerance', "
            "'entropy_tolerance'. "
            "Got the key 'tolerance' instead",
        ),
        ({"validator": [["snd"]]}, "a sequence of different names"),
        ({"param_grid": [{}, {"bend": [1]}]}, "Invalid parameter 'bend' for estimator"),
        ({"cv": []}, "'cv' parameter of LambdaSearchCV must give at least one split. Got none"),
        ({"estimator": LogisticRegression()}, "'lam', such as DANNClassifier.*LogisticRegression"),
        ({"estimator": FinetuneClassifier()}, "Got FinetuneClassifier instead, which has none"),
        ({"cv": 100}, "n_splits=100 cannot be greater"),
    ],
)
def test_a_bad_parameter_is_named_before_the_first_training(
    options: dict[str, Any], message: str, blobs: Any
) -> None:
    X, y, X_target, _ = blobs
    with pytest.raises(ValueError, match=message):
        search(**{"estimator": None, **options}).fit(X, y, X_target)
    assert not CenteringClassifier.recorded("fit")


def test_bad_input_is_named(blobs: Any) -> None:
    X, y, X_target, y_target = blobs
    with pytest.raises(ValueError, match=r"LambdaSearchCV adapts to a target.* as X_target"):
        search().fit(X, y)
    with pytest.raises(ValueError, match="y_source has 119 labels, but X_source has 120 rows"):
        search().fit(X, y[1:], X_target)
    with pytest.raises(ValueError, match="y_target has 1 labels, but X_target has 90 rows"):
        search().fit(X, y, X_target, y_target=y_target[:1])
    with pytest.raises(ValueError, match="requires y to be passed"):
        search().fit(X, None, X_target)
    with pytest.raises(ValueError, match="'X_target' parameter must be an array or a tuple"):
        search().fit(X, y, (X_target, X_target))


# -- scikit-learn's own checks --------------------------------------------------------------------


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
            DANNClassifier(max_epochs=8, lr=2e-2), (0.1,), cv=2, validator="source_accuracy"
        )
    ],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learn_check(estimator: Any, check: Any) -> None:
    if check.func.__name__ not in LEARNING_CHECKS:
        estimator = clone(estimator).set_params(estimator__max_epochs=1)  # all checks share it
    check(estimator)


def test_on_iris_the_search_is_as_good_as_its_estimator() -> None:
    X, y = load_iris(return_X_y=True)
    found = search(DANNClassifier(max_epochs=30, lr=1e-2), (0.1,), cv=3)
    found.fit(X[::2], y[::2], X[1::2])
    assert found.score(X[1::2], y[1::2]) > 0.9
