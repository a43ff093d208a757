"""The checks of the options of a search."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold

from skda import MCCClassifier
from skda.model_selection import LambdaSearchCV, make_validator_scorer
from skda.model_selection._checks import check_validators
from skda.model_selection._split import split_domains
from skda.model_selection._training.candidates import find_lam
from skda.model_selection.validators.agreement import validator_names


def test_names_of_validators_are_checked():
    check_validators(("agreement", "entropy"))
    with pytest.raises(ValueError, match="of different names"):
        check_validators(["entropy", "entropy"])
    with pytest.raises(ValueError, match="The validator must be one of"):
        check_validators(["agreement", "entrpy"])


def test_one_validator_is_a_sequence_of_one_and_a_callable_has_no_name():
    assert validator_names("snd") == ("snd",)
    assert validator_names(["snd", "dev"]) == ["snd", "dev"]
    assert validator_names(max) == ()


def test_validators_are_functions_of_four_arguments():
    for validator in (lambda estimator: 1.0, lambda estimator, X, y: 1.0):
        with pytest.raises(ValueError, match="'validator' parameter of LambdaSearchCV must be a"):
            check_validators(validator)
    check_validators(lambda estimator, X, y, X_target=None: 1.0)
    check_validators(make_validator_scorer("snd"))


def test_splits_are_row_numbers_or_masks():
    y, rows = np.arange(6) % 2, np.zeros((6, 1))
    mask = np.arange(6) < 3
    for split in ((range(3), range(3, 6)), (mask, ~mask), ([0, 1, 2], [-3, -2, -1])):
        (fold,) = split_domains([split], rows, y, rows, 0)
        assert (rows[fold.source_test] == rows[3:]).all()
        assert fold.source_test.shape == (3,)
    for part in (range(3, 9), [], [0.0, 1.0], [[3, 4]], [True, False]):
        with pytest.raises(ValueError, match=r"Each split of 'cv' must be .* numbers from 0 to 5"):
            split_domains([(range(3), part)], rows, y, rows, 0)
    for cv, message in ((500, "cv: Cannot have number of splits"), (GroupKFold(2), "cv: .*groups")):
        with pytest.raises(ValueError, match=message):
            split_domains(cv, rows, y, rows, 0)


def test_estimator_is_an_instance():
    with pytest.raises(ValueError, match=r"must be an instance. Got the class .*MCCClassifier\(\)"):
        find_lam(MCCClassifier)


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (None, "The validator 'score_of' returned None, which is no number"),
        (np.ones(3), "The validator 'score_of' returned array.*, which is no number"),
        (np.inf, "The validator 'score_of' returned inf for a fitted candidate"),
    ],
)
def test_scores_are_finite_numbers(score, message):
    def score_of(estimator, X, y, X_target):
        return score

    X, y = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2
    search = LambdaSearchCV(MCCClassifier(max_epochs=1), lams=[], cv=2, random_state=0, refit=False)
    with pytest.raises(ValueError, match=message):
        clone(search).set_params(validator=score_of).fit(X, y, X)
    if score is None:
        with pytest.raises(NotFittedError, match="was fitted with refit=False, or interrupted"):
            search.fit(X, y, X).predict(X)
