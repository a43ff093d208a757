"""Weights of the classes in the classification loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from skda import DANNClassifier, load

from .test_weights import FEW, X_TARGET, X, Y


def test_class_weights_are_those_of_the_criterion() -> None:
    n_down, n_up = (Y == "down").sum(), (Y == "up").sum()
    balanced = DANNClassifier(**FEW, class_weight="balanced").fit(X, Y, X_TARGET)
    np.testing.assert_allclose(balanced.class_weight_, 60 / (2 * np.array([n_down, n_up])))
    given = DANNClassifier(**FEW, criterion__weight=balanced.class_weight_).fit(X, Y, X_TARGET)
    np.testing.assert_array_equal(given.predict_proba(X_TARGET), balanced.predict_proba(X_TARGET))
    assert DANNClassifier(**FEW, class_weight={"up": 5}).fit(
        X, Y, X_TARGET
    ).class_weight_.tolist() == [1, 5]


def test_balanced_weights_undo_the_shares_in_the_classification_loss() -> None:
    clf = DANNClassifier(**FEW, class_weight="balanced", target_priors=[0.8, 0.2])
    drawn = clf.begin(X, Y, X_TARGET)
    np.testing.assert_allclose(clf.class_weight_, [1 / 1.6, 1 / 0.4])
    np.testing.assert_allclose(clf.class_weight_ * drawn.class_shares(2), [0.5, 0.5])


def test_partial_fit_keeps_the_class_weights_of_its_criterion(tmp_path: Path) -> None:
    clf = DANNClassifier(**FEW, class_weight="balanced").partial_fit(X, Y, X_TARGET)
    first = clf.class_weight_
    clf.save(tmp_path / "model")
    few = np.r_[np.flatnonzero(Y == "up"), np.flatnonzero(Y == "down")[:3]]
    for each in (clf, load(tmp_path / "model")):
        each.partial_fit(X[few], Y[few], X_TARGET)
        np.testing.assert_array_equal(each.class_weight_, first)
        np.testing.assert_allclose(each.net_.criterion_.weight, first, rtol=1e-6)
    clf.fit(X[few], Y[few], X_TARGET)
    assert clf.class_weight_[0] == pytest.approx(len(few) / 6)
    assert not hasattr(clf.set_params(class_weight=None).fit(X, Y, X_TARGET), "class_weight_")
    with pytest.raises(
        ValueError, match="The 'class_weight' parameter was set to 'balanced' after"
    ):
        clf.set_params(class_weight="balanced").partial_fit(X, Y, X_TARGET)
    assert not hasattr(clf, "class_weight_")


def test_a_series_of_class_weights_is_read_by_label() -> None:
    weights = pd.Series([5.0, 2.0], index=["up", "down"])
    of_series, of_dict = (
        DANNClassifier(**FEW, class_weight=given).fit(X, Y, X_TARGET)
        for given in (weights, weights.to_dict())
    )
    assert of_series.class_weight_.tolist() == [2, 5]
    np.testing.assert_array_equal(
        of_series.predict_proba(X_TARGET), of_dict.predict_proba(X_TARGET)
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"class_weight": {"left": 2.0}}, r"of \['down', 'up'\]. Got \['left'\] beside these"),
        ({"class_weight": {"up": -1.0}}, "'class_weight' parameter must give each class"),
        ({"class_weight": pd.Series([1.0, 2.0])}, r"of \['down', 'up'\]. Got \[0, 1\] beside"),
        ({"class_weight": [1.0, 2.0]}, "'class_weight' parameter of DANNClassifier must be"),
        ({"class_weight": "even"}, "The 'class_weight' parameter of DANNClassifier must be"),
        (
            {"class_weight": "balanced", "criterion": torch.nn.functional.huber_loss},
            "The 'class_weight' parameter is the 'weight' of the criterion",
        ),
        (
            {"class_weight": "balanced", "criterion__weight": [1, 1]},
            "leave 'criterion__weight' out",
        ),
    ],
)
def test_wrong_class_weights_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        DANNClassifier(**FEW, **options).fit(X, Y, X_TARGET)
