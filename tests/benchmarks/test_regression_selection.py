"""Choosing lam of a regressor: choices and regrets of rules by hand; the committed page."""

import numpy as np

from benchmarks.harness.rows import read_rows
from benchmarks.regression_selection.__main__ import TEXT
from benchmarks.regression_selection.page import DEFAULT
from benchmarks.regression_selection.rules import Rule, Search, all_rules, outcome, searches
from benchmarks.regression_selection.search import GRIDS, METHODS, VALIDATORS
from benchmarks.regression_selection.tasks import TASKS, made
from tests.benchmarks.programs import committed


def searched(accepted=(True, True, True)):
    """Return three candidates that two validators judge on two folds."""
    scores = {
        "iwv": np.array([[-3.0, -3], [-2, -2], [-1, -1]]),
        "dev": np.array([[-1.0, -1], [-1, -1], [-9, -9]]),
    }
    lams, errors = np.array([0.0, 1, 3]), np.array([2.0, 1.0, 4.0])
    return Search("made, shift 2", "DAN", 0, "lams", lams, scores, np.array(accepted), errors)


def test_a_rule_chooses_the_best_mean_z_score_that_the_guard_accepts():
    assert Rule(("iwv",)).choose(searched()) == 2
    assert Rule(("iwv",)).choose(searched((True, True, False))) == 1
    assert Rule(("iwv",), guard=False).choose(searched((True, True, False))) == 2
    assert Rule(("dev",)).choose(searched()) == 0  # a tie: the smaller lam
    # z-scores -1.22, 0, 1.22 and .71, .71, -1.41
    assert Rule(("iwv", "dev")).choose(searched()) == 1


def test_regret_and_loss_by_hand():
    found = outcome(Rule(("iwv",)).choose, [searched(), searched((True, True, False))])
    assert found.regret.tolist() == [3, 0]
    assert found.loss.tolist() == [1, -0.5]
    assert found.adapts.all()
    assert len(all_rules()) == 6 + 15 + 20 + 6


def test_the_rows_of_a_search_are_gathered_and_in_standard_deviations():
    common = {f"{name}_{k}": 0.0 for name in VALIDATORS for k in range(3)}
    common |= {"task": "made, shift 2", "method": "DAN", "seed": 0.0, "grid": "lams"}
    rows = [
        {**common, "lam": lam, "accepted": 1.0 - lam, "error": 6.0 + lam, "scale": 2.0}
        for lam in (1.0, 0.0)
    ]
    (found,) = searches(rows)
    assert found.lams.tolist() == [0, 1]
    assert found.errors.tolist() == [3, 3.5]
    assert found.accepted.tolist() == [True, False]
    assert found.looked_at


def test_high_labels_are_the_upper_half():
    whole, upper = made(1.0, False, 0), made(1.0, True, 0)
    assert len(upper.y_target) == 300
    np.testing.assert_array_equal(whole.X_source, upper.X_source)
    assert upper.y_target.min() > np.median(whole.y_source) - 1


def test_committed_searches_are_whole():
    found = searches(read_rows(committed("regression_selection", ".csv"), TEXT))
    assert len(found) == 3 * len(TASKS) * len(METHODS) * len(GRIDS)  # three seeds
    assert all(search.lams[0] == 0 for search in found)
    corn = [search for search in found if search.task.startswith("corn")]
    assert outcome(DEFAULT.choose, corn).regret.mean() < 0.1
    assert outcome(lambda search: 0, corn).regret.mean() > 0.4
