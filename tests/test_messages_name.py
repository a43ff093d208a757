"""Errors of functions other than `fit` name the wrong argument as the function does."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

import skda.inspection as inspection
import skda.model_selection as selection
from skda import DANNClassifier, DomainStandardScaler, make_pipeline
from skda.losses import moment_distance
from skda.model_selection import LambdaSearchCV
from skda.priors import bbse_priors, expected_calibration_error, fit_temperature, mlls_priors
from skda.subspace import CORAL, TCA

rng = np.random.default_rng(0)
Y = np.arange(40) % 2
X = rng.normal(size=(40, 4)) + 2 * Y[:, None]
X_TARGET = X[:30] + 0.5
FITTED = DANNClassifier(max_epochs=2, random_state=0).fit(X, Y, X_TARGET)
PROBA, PROBA_TARGET = FITTED.predict_proba(X, "source"), FITTED.predict_proba(X_TARGET)
FEW: dict[str, Any] = {"n_bootstrap": 5, "random_state": 0}


def search() -> LambdaSearchCV:
    return LambdaSearchCV(FITTED, lams=[1.0], cv=2, random_state=0)


# a function of the labels, and its name of this argument
OF_LABELS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "bbse_priors": (lambda y: bbse_priors(PROBA, y, PROBA_TARGET), "y_source"),
    "mlls_priors": (lambda y: mlls_priors(PROBA, y, PROBA_TARGET), "y_source"),
    "fit_temperature": (lambda y: fit_temperature(PROBA, y), "y"),
    "calibration_error": (lambda y: expected_calibration_error(y, PROBA), "y_true"),
    "thresholded": (
        lambda y: selection.thresholded_accuracy(y, PROBA, PROBA_TARGET, [0, 1]),
        "y_source",
    ),
    "source_accuracy": (lambda y: selection.source_accuracy(y, FITTED.predict(X)), "y_source"),
    "reverse": (lambda y: selection.reverse_validation(FITTED, X, y, X_TARGET), "y_source"),
    "search": (lambda y: search().fit(X, y, X_TARGET), "y_source"),
    "accuracy": (lambda y: inspection.estimate_accuracy(FITTED, X, y, X_TARGET, **FEW), "y_source"),
    "priors": (
        lambda y: inspection.estimate_target_priors(FITTED, X, y, X_TARGET, **FEW),
        "y_source",
    ),
    "temperature": (
        lambda y: inspection.estimate_target_temperature(FITTED, X, y, X_TARGET),
        "y_source",
    ),
    "report": (
        lambda y: inspection.domain_report(FITTED, X, y, X_TARGET, source_only=None),
        "y_source",
    ),
    "embedding": (
        lambda y: inspection.EmbeddingDisplay.from_estimator(FITTED, X, y, X_TARGET),
        "y_source",
    ),
}
LABELS = {
    "too few": Y[:5],
    "none": None,
    "missing": np.where(Y == 0, np.nan, 1.0),
    "NA": pd.array([pd.NA, *Y[1:]], dtype="Int64"),
    "one-hot": np.eye(2)[Y],
}


@pytest.mark.parametrize("function", OF_LABELS)
@pytest.mark.parametrize("labels", LABELS)
def test_labels_are_named(function: str, labels: str) -> None:
    call, name = OF_LABELS[function]
    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
        call(LABELS[labels])


ROWS: dict[str, Callable[[np.ndarray], Any]] = {
    "none": lambda rows: None,
    "empty": lambda rows: rows[:0],
    "a vector": lambda rows: rows[:, 0],
    "words": lambda rows: np.full(rows.shape, "x"),
    "a loader": lambda rows: DataLoader(TensorDataset(torch.from_numpy(rows))),
    "a class": lambda rows: pd.DataFrame,
}
OF_ROWS: dict[str, Callable[[Any, Any], Any]] = {
    "reverse": lambda s, t: selection.reverse_validation(FITTED, s, Y, t),
    "search": lambda s, t: search().fit(s, Y, t),
    "accuracy": lambda s, t: inspection.estimate_accuracy(FITTED, s, Y, t, **FEW),
    "temperature": lambda s, t: inspection.estimate_target_temperature(FITTED, s, Y, t),
    "report": lambda s, t: inspection.domain_report(FITTED, s, Y, t, source_only=None),
    "embedding": lambda s, t: inspection.EmbeddingDisplay.from_estimator(FITTED, s, Y, t),
    "fit": lambda s, t: FITTED.fit(s, Y, t),
    "CORAL": lambda s, t: CORAL().fit(s, Y, t),
}


@pytest.mark.parametrize("function", OF_ROWS)
@pytest.mark.parametrize("rows", ROWS)
def test_rows_are_named(function: str, rows: str) -> None:
    with pytest.raises((TypeError, ValueError), match=r"\bX_source\b"):
        OF_ROWS[function](ROWS[rows](X), X_TARGET)
    with pytest.raises((TypeError, ValueError), match=r"\bX_target\b"):
        OF_ROWS[function](X, ROWS[rows](X_TARGET))


@pytest.mark.parametrize("transformer", [CORAL(), TCA(2), DomainStandardScaler()])
@pytest.mark.parametrize("rows", sorted(set(ROWS) - {"a loader", "none"}))
def test_rows_of_transform_are_named(transformer: Any, rows: str) -> None:
    fitted = transformer.fit(X, Y, X_TARGET)
    with pytest.raises((TypeError, ValueError), match=r"\bX\b"):
        fitted.transform(ROWS[rows](X))


@pytest.mark.parametrize("name", ["proba_source", "proba_target"])
def test_probabilities_and_features_of_validators_are_named(name: str) -> None:
    given = {"proba_source": PROBA, "proba_target": PROBA_TARGET}
    for wrong in (np.log(given[name]), given[name][:, 0], given[name] * np.nan):
        with pytest.raises(ValueError, match=rf"\b{name}\b"):
            selection.thresholded_accuracy(Y, classes=[0, 1], **given | {name: wrong})
    with pytest.raises(ValueError, match=r"features_target"):
        selection.class_ami(X[:, 0], Y)


def test_columns_of_two_domains_in_a_figure() -> None:
    wide = DomainStandardScaler().fit(X, Y, X_TARGET)
    with pytest.raises(ValueError, match=r"X_source and X_target must have the same columns"):
        inspection.EmbeddingDisplay.from_estimator(wide, np.c_[X, X], Y, X_TARGET)


def test_sources_of_a_loss_are_a_list() -> None:
    rows = torch.randn(4, 3)
    with pytest.raises(ValueError, match=r"'sources' parameter of moment_distance .* Tensor"):
        moment_distance(rows, rows)


# -- Datasets and records ---------------------------------------------------------------------


class Items(Dataset):
    def __init__(self, n: Any, width: int = 4) -> None:
        self.n, self.width = n, width

    def __len__(self) -> int:
        return self.n() if callable(self.n) else self.n

    def __getitem__(self, i: int) -> Any:
        return torch.ones(self.width) * i, i % 2


class WithoutLength(Dataset):
    def __getitem__(self, i: int) -> Any:
        return torch.ones(4), i % 2


@pytest.mark.parametrize("data", [WithoutLength(), Items(9.5)])
def test_datasets_without_a_number_of_rows(data: Any) -> None:
    message = rf"X_source is a {type(data).__name__} without a number of rows .* __len__"
    with pytest.raises(ValueError, match=message):
        FITTED.fit(data, None, X_TARGET)


def test_rows_without_a_number() -> None:
    for rows in (Items(20, 0), np.zeros((40, 3, 0)), torch.zeros(40, 1, 0, 5)):
        with pytest.raises(ValueError, match=r"X_source has rows of shape \(.*\), without a num"):
            FITTED.fit(rows, Y[: len(rows)], X_TARGET)


def test_score_names_what_is_no_dataset_before_it_asks_for_labels() -> None:
    loader = DataLoader(TensorDataset(torch.from_numpy(X)))
    with pytest.raises(ValueError, match=r"X is a DataLoader. Pass its dataset"):
        FITTED.score(loader)


def test_records_are_rows_and_no_sources() -> None:
    from sklearn.feature_extraction import DictVectorizer

    records = [{"a": float(row[0]), "b": "u" if row[1] > 0 else "v"} for row in X]
    pipeline = make_pipeline(DictVectorizer(), DANNClassifier(max_epochs=1, random_state=0))
    assert len(pipeline.fit(records, Y, X_target=records[:30]).predict(records)) == 40
    with pytest.raises(TypeError, match=re.escape("X_source")):
        FITTED.fit(records, Y, X_TARGET)


def test_validators_of_rows_that_are_dicts() -> None:
    class Two(torch.nn.Module):
        def __init__(self, n_classes: int = 2) -> None:
            super().__init__()
            self.body, self.head = torch.nn.Linear(4, 8), torch.nn.Linear(8, n_classes)

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return self.head(self.body(torch.cat([a, b], 1)).relu())

    rows = {"a": X[:, :2], "b": X[:, 2:]}
    target = {"a": X_TARGET[:, :2], "b": X_TARGET[:, 2:]}
    two = DANNClassifier(Two, max_epochs=1, random_state=0)
    assert 0 <= selection.reverse_validation(two, rows, Y, target) <= 1
    scorer = selection.make_validator_scorer("mixval", X_target=target)
    with pytest.raises(ValueError, match=r"X_target is a dict, whose rows mixval cannot mix"):
        scorer(two.fit(rows, Y, target), rows, Y)


@pytest.mark.parametrize("embedding", [torch.nn.EmbeddingBag, torch.nn.Embedding])
def test_integers_beyond_an_embedding_are_named(embedding: Any) -> None:
    head = [torch.nn.Flatten(), torch.nn.LazyLinear(2)]
    module = torch.nn.Sequential(embedding(10, 8), *head)
    tokens = rng.integers(0, 10, (40, 6))
    clf = DANNClassifier(module, max_epochs=1)
    with pytest.raises(ValueError, match=r"X_source of shape \(2, 6\), int64, it raised"):
        clf.fit(tokens + 20, Y, tokens)
    with pytest.raises(ValueError, match=r"integers that the module cannot look up"):
        clf.fit(tokens, Y, tokens + 20)
    with pytest.raises(ValueError, match=r"integers that the module cannot look up"):
        clf.fit(tokens, Y, tokens).predict(tokens + 20)
