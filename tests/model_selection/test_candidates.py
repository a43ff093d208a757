"""The candidates of a search: their parameters, ranks and the table of their results."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from skda import DANNClassifier, DeepCORALClassifier, make_pipeline
from skda.model_selection._training.candidates import (
    check_lams,
    find_lam,
    lams_around,
    make_candidates,
    rank,
    tabulate,
)


def test_lam_is_found_behind_a_pipeline() -> None:
    assert find_lam(DANNClassifier()) == "lam"
    pipeline = make_pipeline(StandardScaler(), DANNClassifier())
    assert find_lam(pipeline) == "dannclassifier__lam"


def test_lams_around_that_of_the_estimator() -> None:
    assert lams_around(DeepCORALClassifier(lam=10.0)) == [1.0, 3.0, 10.0, 30.0, 100.0]


def test_every_lam_is_combined_with_every_point_of_the_grid() -> None:
    expected = [{"lr": 0.1, "lam": 0.0}, {"lr": 0.1, "lam": 1.0}]
    assert make_candidates([1.0], {"lr": [0.1]}, "lam") == expected


def test_lams_are_sorted_and_zero_joins_them() -> None:
    assert check_lams((1, np.float32(0.5), 1)) == [0.0, 0.5, 1.0]
    assert check_lams([]) == [0.0]
    assert check_lams(np.logspace(-2, 0, 3)) == pytest.approx([0.0, 0.01, 0.1, 1.0])


def test_ranks() -> None:
    scores = np.array([np.nan, 0.3, 0.3 + 1e-8, 0.9, 0.1])
    accepted = np.array([False, True, True, False, True])
    assert rank(scores, accepted).tolist() == [5, 1, 1, 4, 3]


def test_a_parameter_that_only_some_candidates_have_is_masked() -> None:
    results = tabulate([{"lam": 0.0}, {"lam": 1.0, "lr": 0.1}], {"test_score": np.ones((2, 2))})
    assert results["param_lr"].mask.tolist() == [True, False]
    assert results["param_lr"][1] == 0.1
