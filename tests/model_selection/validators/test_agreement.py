"""Agreement of the candidates of a search, and of the models of its folds."""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import cohen_kappa_score

from skda.model_selection.validators.agreement import (
    agreement_of_folds,
    agreement_with_mean,
    mean_z_score,
)


def test_agreement_with_mean_by_hand():
    rng = np.random.default_rng(0)
    probabilities = list(rng.dirichlet(np.ones(3), size=(4, 50)))
    shares = agreement_with_mean(probabilities)
    for share, own in zip(shares, probabilities, strict=True):
        hits = 0
        for row in range(50):
            mean = [sum(proba[row][c] for proba in probabilities) / 4 for c in range(3)]
            hits += int(np.argmax(own[row]) == np.argmax(mean))
        assert share == hits / 50


def test_a_diverged_candidate_has_no_vote_and_no_share():
    sure = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert_allclose(agreement_with_mean([sure, None]), [1.0, np.nan])
    assert np.isnan(agreement_with_mean([None, None])).all()


def test_agreement_of_folds_by_hand():
    rng = np.random.default_rng(0)
    votes = rng.integers(0, 3, size=(4, 40))
    held_out = np.array_split(rng.permutation(40), 4)
    found = agreement_of_folds(votes, held_out)
    for i, rows in enumerate(held_out):
        pairs = [votes[i][row] == votes[k][row] for row in rows for k in range(4) if k != i]
        assert found[i] == pytest.approx(np.mean(pairs))


def test_agreement_of_folds_estimates_the_accuracy_of_a_calibrated_ensemble():
    # labels and models draw the class of a row from the same distribution, one for each row
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(4, 0.3), size=20_000)
    draws = np.array([[rng.multinomial(1, p).argmax() for p in shares] for _ in range(5)])
    votes, labels = draws[:4], draws[4]
    accuracy = np.mean(votes == labels)
    agreements = [np.mean(a == b) for a, b in combinations(votes, 2)]
    found = agreement_of_folds(votes, np.array_split(np.arange(20_000), 4)).mean()
    assert found == pytest.approx(np.mean(agreements), abs=0.01)
    assert found == pytest.approx(accuracy, abs=0.01)


def test_models_that_agree_are_stable_and_others_are_not():
    rows = [np.arange(5), np.arange(5, 10)]
    assert agreement_of_folds(np.ones((2, 10), dtype=int), rows).tolist() == [1.0, 1.0]
    assert agreement_of_folds(np.array([[0] * 10, [1] * 10]), rows).tolist() == [0.0, 0.0]


def test_correction_for_chance_is_cohens_kappa_of_each_pair():
    rng = np.random.default_rng(0)
    votes = rng.choice(3, p=[0.7, 0.2, 0.1], size=(3, 60))
    votes[1:, :40] = votes[0, :40]
    held_out = np.array_split(rng.permutation(60), 3)
    found = agreement_of_folds(votes, held_out, chance_corrected=True)
    for i, rows in enumerate(held_out):
        pairs = [cohen_kappa_score(votes[i, rows], votes[k, rows]) for k in range(3) if k != i]
        assert found[i] == pytest.approx(np.mean(pairs))


def test_models_that_see_one_class_everywhere_agree_by_chance():
    rows = [np.arange(5), np.arange(5, 10)]
    one_class = np.full((2, 10), 1, dtype=np.uint8)
    assert agreement_of_folds(one_class, rows, chance_corrected=True).tolist() == [0.0, 0.0]


def test_a_single_split_has_nothing_to_agree_with():
    assert agreement_of_folds(np.zeros((1, 4), dtype=int), [np.arange(4)]).tolist() == [0.0]


def test_small_unsigned_votes_do_not_wrap_around():
    votes = np.zeros((300, 4), dtype=np.uint8)
    assert_allclose(agreement_of_folds(votes, [np.arange(4)] * 300), np.ones(300))


def test_z_scores_are_those_of_each_fold_and_a_constant_validator_says_nothing():
    rng = np.random.default_rng(0)
    scores = {"a": rng.normal(size=(5, 3)), "b": 10 + rng.normal(size=(5, 3))}
    expected = np.mean([(v - v.mean(axis=0)) / v.std(axis=0) for v in scores.values()], axis=0)
    assert_allclose(mean_z_score(scores), expected)
    constant = {**scores, "c": np.full((5, 3), 0.7)}
    assert_allclose(mean_z_score(constant), expected * 2 / 3)


def test_a_diverged_candidate_does_not_touch_the_others_z_scores():
    scores = np.array([[1.0], [2.0], [np.nan]])
    assert_allclose(mean_z_score({"a": scores}), [[-1.0], [1.0], [np.nan]])
