"""One candidate in one fold: trained on one part of both domains, judged on the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, clone

from ..training import DivergenceError
from ._split import DomainFold, take_rows
from .validators.agreement import AGREEMENT, is_comparison, validator_names
from .validators.inputs import EstimatorEvidence
from .validators.registry import compute_validator

Validator = str | Callable[..., float] | Sequence[str]


class DomainData(NamedTuple):
    """Everything that `LambdaSearchCV.fit` is given."""

    X_source: Any
    y_source: NDArray
    X_target: Any
    y_target: Any = None


class Trial(NamedTuple):
    """What is kept of a candidate that was trained and judged in a fold.

    Attributes
    ----------
    scores : dict of str to float
        Each validator's, by its name; that of a callable under "". None if the training diverged.
    votes : ndarray of shape (n_target,), an unsigned integer
        Column of `predict_proba` that is highest for each target row, whether held out or not.
    proba_target : ndarray of shape (n_held_out_target, n_classes) or None
        Class probabilities of the held-out target rows, where the candidates are compared by them.
    y_source, predicted_source : ndarray of shape (n_held_out,)
        Labels of the held-out source rows, true and predicted.
    predicted_target : ndarray of shape (n_held_out_target,)
        Predicted labels of the held-out target rows.
    n_classes : int
        Number of classes that the model knows.
    fit_time, score_time : float
        In seconds.
    failure : str
        Why there is no score; empty if there is one.
    """

    scores: Mapping[str, float]
    y_source: NDArray
    predicted_source: NDArray
    predicted_target: NDArray
    n_classes: int
    fit_time: float
    score_time: float
    votes: NDArray
    proba_target: NDArray | None = None
    failure: str = ""

    @property
    def accuracy(self) -> float:
        """Accuracy on the held-out source rows; NaN if the training diverged."""
        if self.failure:
            return float("nan")
        return float(np.mean(self.y_source == self.predicted_source))


def training_part(data: DomainData, fold: DomainFold) -> DomainData:
    """Return the rows of both domains that train the models of a fold."""
    return DomainData(
        take_rows(data.X_source, fold.source_train),
        data.y_source[fold.source_train],
        take_rows(data.X_target, fold.target_train),
        take_rows(data.y_target, fold.target_train),
    )


def fit_on(estimator: BaseEstimator, data: DomainData) -> BaseEstimator:
    """Fit an estimator or a Pipeline on both domains; the target goes through all steps."""
    target = {"X_target": data.X_target}
    if data.y_target is not None:
        target["y_target"] = data.y_target
    with config_context(enable_metadata_routing=True):
        return estimator.fit(data.X_source, data.y_source, **target)


def seeded(estimator: BaseEstimator, seed: int, params: Mapping[str, Any]) -> BaseEstimator:
    """Return a clone with these parameters, and with a seed wherever the user fixed none."""
    copy = clone(estimator).set_params(**clone(dict(params), safe=False))
    seeds = {
        name: seed
        for name, value in copy.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and not isinstance(value, (int, np.integer))
    }
    return copy.set_params(**seeds)


def run_trial(
    estimator: BaseEstimator, data: DomainData, fold: DomainFold, validator: Validator
) -> Trial:
    """Train an unfitted estimator on the training part of a fold and judge it on the rest."""
    start = time.perf_counter()
    try:
        fit_on(estimator, training_part(data, fold))
    except DivergenceError as error:
        return failed_trial(data, fold, str(error), time.perf_counter() - start)
    return judge(estimator, data, fold, validator, time.perf_counter() - start)


def failed_trial(data: DomainData, fold: DomainFold, why: str, fit_time: float) -> Trial:
    """Return the trial of a candidate whose training diverged."""
    nothing = np.empty(0, dtype=data.y_source.dtype)
    y_source = data.y_source[fold.source_test]
    votes = np.empty(0, dtype=np.uint8)
    return Trial({}, y_source, nothing, nothing, 0, fit_time, 0.0, votes, failure=why)


def judge(
    fitted: BaseEstimator,
    data: DomainData,
    fold: DomainFold,
    validator: Validator,
    fit_time: float,
) -> Trial:
    """Judge a fitted estimator on the held-out rows of both domains.

    Labels of the target take no part in it.
    """
    start = time.perf_counter()
    X_source, y_source = take_rows(data.X_source, fold.source_test), data.y_source[fold.source_test]
    X_target = take_rows(data.X_target, fold.target_test)
    whole = EstimatorEvidence(fitted, X_source, y_source, data.X_target)
    evidence = EstimatorEvidence(fitted, X_source, y_source, X_target)
    evidence.proba_target = whole.proba_target[fold.target_test]  # saves a pass
    names = validator_names(validator)
    if callable(validator):
        scores = {"": float(validator(fitted, X_source, y_source, X_target=X_target))}
    else:
        scores = {n: compute_validator(n, evidence) for n in names if not is_comparison(n)}
    return Trial(
        scores,
        y_source,
        evidence.classes[evidence.proba_source.argmax(axis=1)],
        evidence.classes[evidence.proba_target.argmax(axis=1)],
        len(evidence.classes),
        fit_time,
        time.perf_counter() - start,
        whole.votes_target,
        evidence.proba_target if AGREEMENT in names else None,
    )
