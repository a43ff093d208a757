"""Faults that random calls found (tests/fuzz)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from skda import TCA, DANNClassifier, DomainStandardScaler, FinetuneClassifier
from skda.model_selection import LambdaSearchCV, density_ratio, make_validator_scorer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 3))
Y = np.arange(8) % 2


@pytest.fixture(scope="module")
def clf() -> FinetuneClassifier:
    return FinetuneClassifier(max_epochs=1, random_state=0).fit(X, Y, X)


def test_a_target_of_another_rank_beside_a_source_far_from_zero() -> None:
    series = RNG.normal(size=(8, 2, 5)) + 1e6
    with pytest.raises(ValueError, match=r"X_target has rows of shape \(2,\), but .* \(2, 5\)"):
        DANNClassifier(max_epochs=1).fit(series, Y, X[:, :2])


def test_mixval_takes_tensors_that_need_a_gradient(clf: FinetuneClassifier) -> None:
    scorer = make_validator_scorer("mixval")
    rows = torch.tensor(X, requires_grad=True)
    assert scorer(clf, X, Y, X_target=rows) == scorer(clf, X, Y, X_target=np.float32(X))


def test_messages_name_the_target(clf: FinetuneClassifier) -> None:
    with pytest.raises(ValueError, match="X_target: X: Expected 2D array, got 1D array"):
        make_validator_scorer("entropy")(clf, X, Y, X_target=X[:, 0])
    with pytest.raises(ValueError, match="X_target: Expected 2D array, got 1D array"):
        DomainStandardScaler().fit(X, Y, X[:, 0])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y[:7], "y must have one label a row of X. Got 7 labels and 8 rows."),
        (np.linspace(0, 1, 8), "y: Unknown label type: continuous"),
        (np.array(list("abababab")), "y: Mix of label input types"),
        (np.empty((0, 1)), "y: Unknown label type: unknown"),
    ],
)
def test_a_scorer_names_the_labels(clf: FinetuneClassifier, y: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_validator_scorer("source_accuracy")(clf, X, y, X_target=X)


def test_a_scorer_warns_of_a_column_of_labels(clf: FinetuneClassifier) -> None:
    scorer = make_validator_scorer("dev")
    with pytest.warns(UserWarning, match="A column-vector y was passed"):
        found = scorer(clf, X, Y[:, None], X_target=X)
    assert found == scorer(clf, X, Y, X_target=X)


@pytest.mark.parametrize("name", ["X_source", "X_target"])
def test_rows_that_a_map_would_make_infinite_are_refused(name: str) -> None:
    rows = {"X_source": np.float32(X), "X_target": np.float32(X)}
    rows[name] = rows[name] * np.float32(1e30)
    with pytest.raises(ValueError, match=f"{name} has rows that TCA maps to infinite numbers"):
        TCA(n_components=1).fit(**rows)


def test_new_rows_that_a_map_would_make_infinite_are_refused() -> None:
    tca = TCA(n_components=1).fit(np.float32(X), X_target=np.float32(X) + 1)
    with pytest.raises(ValueError, match="X has rows that TCA maps to infinite numbers"):
        tca.transform(np.float32(X) * np.float32(1e38))


def test_weights_of_rows_far_away_are_finite() -> None:
    found = density_ratio(X, X + 1, X * 1e30)
    assert np.isfinite(found**2).all()


def test_a_search_names_labels_that_are_missing() -> None:
    with pytest.raises(ValueError, match="y_source has no label"):
        LambdaSearchCV(DANNClassifier()).fit(X[:0], Y[:0], X)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("y_source", (X, np.eye(2)[Y], X)),
        ("y_source", (X, np.column_stack([Y, Y]).tolist(), X)),
        ("y_source", ([X, X + 1], [np.eye(2)[Y], np.eye(2)[Y]], X)),
        ("y_source", (X, np.zeros((8, 2, 1)), X)),
        ("y_target", (X, Y, X, np.eye(2)[Y])),
    ],
)
def test_a_search_names_labels_that_are_no_vector(name: str, data: tuple) -> None:
    fit = dict(zip(("X_source", "y_source", "X_target", "y_target"), data, strict=False))
    with pytest.raises(ValueError, match=rf"{name}: .*(1d array|dim 3)"):
        LambdaSearchCV(DANNClassifier(max_epochs=1), [1.0], cv=2).fit(**fit)
