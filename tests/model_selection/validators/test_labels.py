"""Labels, predictions and columns that validators are given directly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from skda import DANNClassifier
from skda.model_selection import (
    ArrayEvidence,
    EstimatorEvidence,
    class_ami,
    collapse_guard,
    compute_validator,
    importance_weighted_accuracy,
    mixval,
    row_losses,
    source_accuracy,
    thresholded_accuracy,
)

Y, PREDICTED = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])
PROBA = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]])
WORDS = np.array(["no", "yes"])

ACCURACIES = {
    "source_accuracy": source_accuracy,
    "iwv": lambda y, predicted: importance_weighted_accuracy(y, predicted, np.ones(4)),
    "guard": lambda y, predicted: (
        collapse_guard(y, predicted, PREDICTED, source_only_accuracy=0.5).accepted
    ),
}


@pytest.mark.parametrize("name", ACCURACIES)
def test_true_and_predicted_labels(name):
    accuracy = ACCURACIES[name]
    expected = True if name == "guard" else 0.75
    for y, predicted in (
        (Y.tolist(), PREDICTED),
        (pd.Series(Y, dtype="Int64"), PREDICTED),
        (Y, torch.from_numpy(PREDICTED)),
        (WORDS[Y].astype(object), WORDS[PREDICTED]),
        (Y.astype(float), PREDICTED),
    ):
        assert accuracy(y, predicted) == expected
    with pytest.raises(ValueError, match="y_source holds strings and predictions_source holds num"):
        accuracy(Y.astype(str), PREDICTED)
    with pytest.raises(ValueError, match=r"predictions_source must hold one label .* \(4, 2\)"):
        accuracy(Y, PROBA)
    with pytest.raises(ValueError, match="predictions_source: Unknown label type: continuous"):
        accuracy(Y, PROBA[:, 1])
    with pytest.raises(ValueError, match="predictions_source contains NaN, None or another mis"):
        accuracy(WORDS[Y], ["no", None, "no", "no"])
    with pytest.raises(ValueError, match="NaN") as error:
        accuracy([0, 1, np.nan, 0], PREDICTED)
    assert "y_source" in str(error.value)
    with pytest.raises(ValueError, match="y_source has 3, predictions_source has 4"):
        accuracy(Y[:3], PREDICTED)
    with pytest.raises(ValueError, match="y_source is empty"):
        accuracy([], [])


OF_CLASSES = {
    "atc": lambda y, proba, classes: thresholded_accuracy(y, proba, PROBA, classes),
    "row_losses": lambda y, proba, classes: row_losses(y, proba, classes).mean(),
}


@pytest.mark.parametrize("name", OF_CLASSES)
def test_labels_and_classes(name):
    found = OF_CLASSES[name]
    expected = found(Y, PROBA, [0, 1])
    assert expected == (0.75 if name == "atc" else 0.25)
    assert found(WORDS[Y], PROBA, WORDS.tolist()) == expected
    with pytest.raises(ValueError, match=r"none of the labels in classes, \[5, 6\].* Got.* \[0, 1"):
        found(Y, PROBA, [5, 6])
    with pytest.raises(ValueError, match="holds numbers and classes holds strings"):
        found(Y, PROBA, ["0", "1"])
    with pytest.raises(ValueError, match=r"classes must name each column once.* \[1, 1\]"):
        found(Y, PROBA, [1, 1])
    with pytest.raises(ValueError, match=r"classes has 3, columns_of_proba\w* has 2"):
        found(Y, PROBA, [0, 1, 2])
    # a class that the training rows lack is an error of the model, not of the user
    assert row_losses([0, 7], PROBA[:2], [0, 1]).tolist() == [0.0, 1.0]


def test_the_columns_of_the_target_are_those_of_the_source():
    with pytest.raises(ValueError, match="classes has 2, columns_of_proba_target has 3"):
        thresholded_accuracy(Y, PROBA, np.eye(3), [0, 1])


def test_class_ami_and_the_guard_refuse_missing_predictions():
    features = [[0.0], [0.1], [5.0], [5.1]]
    with pytest.raises(ValueError, match="predictions_target contains NaN"):
        class_ami(features, ["a", "a", "b", np.nan])
    with pytest.raises(ValueError, match="predictions_target contains NaN"):
        class_ami(features, [0, 0, 1, np.nan])
    with pytest.raises(ValueError, match="predictions_target contains NaN"):
        collapse_guard(Y, PREDICTED, [0, 1, np.nan], source_only_accuracy=0.5)


def test_mixval_says_what_predict_must_return():
    rows = np.array([[-2.0], [-2.0], [2.0], [2.0]])
    with pytest.raises(ValueError, match=r"The output of predict must hold one.* shape \(4, 2\)"):
        mixval(lambda x: np.tile([0.2, 0.8], (len(x), 1)), rows)
    with pytest.raises(
        ValueError, match=r"predict must return one label a row\. Got 2 labels of 4"
    ):
        mixval(lambda x: np.array([0, 1]), rows)
    with pytest.raises(ValueError, match="The output of predict: Unknown label type: continuous"):
        mixval(lambda x: x[:, 0] / 3, rows)
    assert mixval(lambda x: (x[:, 0] > 0).tolist(), rows) == 1.0


def test_array_evidence_says_which_array_is_missing():
    evidence = ArrayEvidence(classes=[0, 1], proba_target=PROBA)
    assert compute_validator("infomax", evidence) > 0
    for name, field in (
        ("iwv", "features_source"),
        ("source_accuracy", "y_source"),
        ("atc", "y_source"),
        ("class_ami", "features_target"),
        ("mixval", "predict_target"),
    ):
        message = rf"validator '{name}' needs {field}, .*ArrayEvidence\(classes, {field}=\.\.\.\)"
        with pytest.raises(ValueError, match=message):
            compute_validator(name, evidence)
    half = ArrayEvidence(classes=[0, 1], y_source=Y)
    with pytest.raises(ValueError, match="needs proba_source"):
        compute_validator("source_accuracy", half)


@pytest.mark.parametrize("name", ["entropy", "infomax", "snd", "nuclear_norm"])
def test_array_evidence_has_a_column_of_each_class(name):
    with pytest.raises(ValueError, match="classes has 3, columns_of_proba_target has 2"):
        compute_validator(name, ArrayEvidence(classes=[0, 1, 2], proba_target=PROBA))


class Text(nn.Module):
    def __init__(self, n_classes: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 4)
        self.head = nn.Linear(4, n_classes)

    def forward(self, x):
        return self.head(self.embedding(x).mean(1))


def test_tokens_have_no_mixture():
    rng = np.random.default_rng(0)
    X, X_target = rng.integers(20, size=(40, 6)), rng.integers(20, size=(30, 6))
    y = np.arange(40) % 2
    fitted = DANNClassifier(Text, max_epochs=1, random_state=0).fit(X, y, X_target)
    evidence = EstimatorEvidence(fitted, X, y, X_target)
    assert compute_validator("source_accuracy", evidence) <= 1
    with pytest.raises(
        ValueError, match=r"such as tokens, which mixval cannot mix\. Choose another"
    ):
        compute_validator("mixval", evidence)
