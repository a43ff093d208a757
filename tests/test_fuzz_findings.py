"""What random calls found (tests/fuzz)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from skda import DANNClassifier, DomainStandardScaler, FinetuneClassifier
from skda.model_selection import make_validator_scorer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 3))
Y = np.arange(8) % 2


def test_a_target_of_another_rank_beside_a_source_far_from_zero() -> None:
    series = RNG.normal(size=(8, 2, 5)) + 1e6
    with pytest.raises(ValueError, match=r"X_target has rows of shape \(2,\), but .* \(2, 5\)"):
        DANNClassifier(max_epochs=1).fit(series, Y, X[:, :2])


def test_mixval_takes_tensors_that_need_a_gradient() -> None:
    clf = FinetuneClassifier(max_epochs=1, random_state=0).fit(X, Y, X)
    scorer = make_validator_scorer("mixval")
    rows = torch.tensor(X, requires_grad=True)
    assert scorer(clf, X, Y, X_target=rows) == scorer(clf, X, Y, X_target=np.float32(X))


def test_messages_name_the_target() -> None:
    clf = FinetuneClassifier(max_epochs=1, random_state=0).fit(X, Y, X)
    with pytest.raises(ValueError, match="X_target: X: Expected 2D array, got 1D array"):
        make_validator_scorer("entropy")(clf, X, Y, X_target=X[:, 0])
    with pytest.raises(ValueError, match="X_target: Expected 2D array, got 1D array"):
        DomainStandardScaler().fit(X, Y, X[:, 0])
