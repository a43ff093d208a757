"""LambdaSearchCV: what it chooses, and what it rejects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skda.model_selection import AdaptationWarning, make_validator_scorer
from skda.training import DivergenceError
from tests.model_selection.fakes import CenteringClassifier, shifted_blobs
from tests.model_selection.searches import GOOD, Diverging, Scripted, Unstable, scripted, search


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


def test_a_candidate_whose_models_disagree_more_than_those_of_source_only_ranks_last() -> None:
    X, y, X_target, _ = shifted_blobs(n_target=900)
    X_target = X_target - [8.0, 0.0]  # not shifted at all
    options = {"validator": lambda e, X, y, X_target: e.lam, "refit": False}
    found = search(Unstable(), (5.0,), **options).fit(X, y, X_target)
    stability = found.cv_results_["mean_target_stability"]
    assert stability[0] == 1.0
    # 3/4 of the rows are changed by one model or both, and the models disagree on half of these
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
    # lams .5 and 1 predict "right" for 60 and 50 % of the rows, source-only for none
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


def test_a_scorer_or_a_function_can_be_the_validator(blobs: Any) -> None:
    X, y, X_target, _ = blobs
    named = search(validator="iwv", cv=2).fit(X, y, X_target)
    scorer = search(validator=make_validator_scorer("iwv"), cv=2).fit(X, y, X_target)
    assert_array_equal(named.cv_results_["mean_test_score"], scorer.cv_results_["mean_test_score"])
