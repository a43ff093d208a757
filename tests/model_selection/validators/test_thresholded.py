"""Target accuracy by a threshold on the confidence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from skda.model_selection import ArrayEvidence, compute_validator, thresholded_accuracy


def naive(y, source, target, score):
    def value(row):
        if score == "confidence":
            return max(row)
        return sum(p * np.log(p) for p in row)

    scores = sorted(value(row) for row in source)
    n_wrong = sum(int(np.argmax(row)) != label for row, label in zip(source, y, strict=True))
    return sum(value(row) >= scores[n_wrong] for row in target) / len(target)


@pytest.mark.parametrize("score", ["entropy", "confidence"])
def test_it_equals_a_loop_and_is_the_validator(score):
    rng = np.random.default_rng(0)
    source, target = (
        softmax(rng.normal(size=(40, 3)), axis=1),
        softmax(rng.normal(size=(30, 3)), axis=1),
    )
    y, classes = rng.integers(3, size=40), np.arange(3)
    found = thresholded_accuracy(y, source, target, classes, score=score)
    assert found == naive(y, source, target, score)
    evidence = ArrayEvidence(classes, y_source=y, proba_source=source, proba_target=target)
    assert compute_validator("atc", evidence, score=score) == found
    # without a shift, it is the accuracy
    same = thresholded_accuracy(y, source, source, classes, score=score)
    assert same == pytest.approx((source.argmax(axis=1) == y).mean())


def test_all_wrong_none_wrong_and_an_unknown_score():
    sure = np.array([[0.9, 0.1], [0.8, 0.2]])
    assert thresholded_accuracy([1, 1], sure, sure, [0, 1]) == 0
    assert thresholded_accuracy([0, 0], sure, [[0.7, 0.3], [0.85, 0.15]], [0, 1]) == 0.5
    with pytest.raises(ValueError, match=r"score must be one of .* Got 'margin'"):
        thresholded_accuracy([0, 0], sure, sure, [0, 1], score="margin")
