"""Runs on a shift: from its rows and a seed to a score on the target."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict

from skda import FinetuneClassifier, make_pipeline

from .shifts import Data, Shift

N_FOLDS = 4

Run = Callable[[Shift, int], float]


def of_seed(run: Run) -> Callable[[Data, int], float]:
    """Return the run on the rows that a seed draws."""
    return lambda data_of, seed: run(data_of(seed), seed)


def trained(estimator: Callable[..., Any], **params: Any) -> Run:
    """Return the run of an estimator with its shipped defaults."""

    def run(data: Shift, seed: int) -> float:
        clf = network(estimator, data, seed, **params)
        return data.score(clf.fit(data.X_source, data.y_source, data.X_target).predict(data.X_test))

    return run


def network(estimator: Callable[..., Any], data: Shift, seed: int, **params: Any) -> Any:
    return estimator(data.module, max_epochs=data.max_epochs, random_state=seed, **params)


def z_scores(X: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Standardise the columns or channels of X by the statistics of other rows."""
    rows = (0, *range(2, of.ndim))
    centre = of.mean(rows, keepdims=True, dtype=np.float64)
    spread = of.std(rows, keepdims=True, dtype=np.float64)
    scaled: np.ndarray = (X - centre) / np.where(spread > 0, spread, 1)
    return scaled


def standardised(data: Shift, target_by_itself: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaled source rows and target test rows."""
    reference = data.X_target if target_by_itself else data.X_source
    return z_scores(data.X_source, data.X_source), z_scores(data.X_test, reference)


def z_scored_network(data: Shift, seed: int) -> float:
    X_source, X_test = standardised(data, target_by_itself=True)
    clf = network(FinetuneClassifier, data, seed, **data.without_norm)
    return data.score(clf.fit(X_source, data.y_source).predict(X_test))


def logistic_regression(target_by_itself: bool) -> Run:
    def run(data: Shift, seed: int) -> float:
        X_source, X_test = (X.reshape(len(X), -1) for X in standardised(data, target_by_itself))
        clf = LogisticRegression(max_iter=5000)
        return data.score(clf.fit(X_source, data.y_source).predict(X_test))

    return run


def oracle(data: Shift, seed: int) -> float:
    """Train on target labels: on the target's training rows, or else on the other folds."""
    clf = network(FinetuneClassifier, data, seed)
    clf = make_pipeline(*data.steps, clf) if data.steps else clf
    if data.has_test_rows:
        return data.score(clf.fit(data.X_target, data.y_target).predict(data.X_test))
    folds: Any = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    if data.groups is not None:
        folds = GroupKFold(N_FOLDS)
    return data.score(
        cross_val_predict(clf, data.X_target, data.y_target, cv=folds, groups=data.groups)
    )


def on_raw_counts(data: Shift, seed: int) -> float:
    """Score logistic regression on the rows as they are."""
    clf = LogisticRegression(max_iter=5000).fit(data.X_source, data.y_source)
    return data.score(clf.predict(data.X_test))
