"""Train one candidate on the training rows of a fold, and score it on the held-out rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, clone

from ..._building.epochs import settle_epochs
from ..._inputs.other_shares import shares_unchecked
from ..._inputs.weights import rows_to_draw
from ...training import DivergenceError
from .._routing import final_step
from .._split import DomainFold, n_rows, take_rows
from .._typing import Candidate, Labels, Rows, Validator
from ..validators.agreement import AGREEMENT, needs_search, validator_names
from ..validators.inputs import EstimatorEvidence
from ..validators.registry import compute_validator


class DomainData(NamedTuple):
    """Everything that `LambdaSearchCV.fit` is given."""

    X_source: Rows
    y_source: Labels
    X_target: Rows
    y_target: Labels | None = None
    sample_weight: ArrayLike | None = None
    source_domain: Labels | None = None

    @property
    def n_source(self) -> int:
        """Number of the source rows of an epoch; of several sources, of one on average."""
        if self.sample_weight is None:
            n = n_rows(self.X_source)
        else:  # whole numbers repeat the rows
            n = len(rows_to_draw(np.asarray(self.sample_weight, dtype=np.float64)))
        return n if self.source_domain is None else -(-n // len(np.unique(self.source_domain)))

    @property
    def options(self) -> dict[str, Any]:
        """What `fit` is given beside the rows of both domains and the labels of the source."""
        names = "y_target", "sample_weight", "source_domain"
        given = {name: getattr(self, name) for name in names}
        return {name: value for name, value in given.items() if value is not None}


class Plan(NamedTuple):
    """What a search trains and scores: each candidate in each fold.

    Attributes
    ----------
    estimator : estimator
    candidates : sequence of dict
        Parameters of each.
    data : DomainData
    folds : sequence of DomainFold
    seeds : sequence of int
        Seed of the trainings of each fold.
    validator : str, sequence of str or callable
    lam_name : str
        Name of the trade-off weight among the parameters.
    """

    estimator: BaseEstimator
    candidates: Sequence[Candidate]
    data: DomainData
    folds: Sequence[DomainFold]
    seeds: Sequence[int]
    validator: Validator
    lam_name: str


class FoldResult(NamedTuple):
    """The result of a candidate that was trained and scored in a fold.

    Attributes
    ----------
    scores : dict of str to float
        Score of each validator by its name; that of a callable under "". Empty if the training
        diverged.
    y_source, predicted_source : ndarray of shape (n_held_out,)
        Labels of the held-out source rows, true and predicted.
    predicted_target : ndarray of shape (n_held_out_target,)
        Predicted labels of the held-out target rows.
    n_classes : int
        Number of classes that the model knows; 0 of a regressor.
    fit_time, score_time : float
        In seconds.
    votes : ndarray of shape (n_target,), an unsigned integer
        Column of `predict_proba` that is highest for each target row, whether held out or not; of
        a regressor, the predicted numbers, shape (n_target, n_outputs).
    proba_target : ndarray of shape (n_held_out_target, n_classes) or None
        Class probabilities of the held-out target rows, of a source-only model, or if a validator
        compares the candidates by them.
    sure : float
        Share of the held-out target rows above the threshold of `thresholded_accuracy` (ATC).
    entropy : float
        Mean entropy of the class probabilities of the held-out target rows, in nats.
    failure : str
        Why there is no score; empty if there is one.
    proba_source : ndarray of shape (n_held_out, n_classes) or None
        Class probabilities of the held-out source rows, of a source-only model.
    """

    scores: Mapping[str, float]
    y_source: Labels
    predicted_source: Labels
    predicted_target: Labels
    n_classes: int
    fit_time: float
    score_time: float
    votes: NDArray[np.unsignedinteger[Any]]
    proba_target: NDArray[np.floating[Any]] | None = None
    sure: float = float("nan")
    entropy: float = float("nan")
    failure: str = ""
    proba_source: NDArray[np.floating[Any]] | None = None

    @property
    def accuracy(self) -> float:
        """Accuracy on the held-out source rows; NaN if the training diverged."""
        if self.failure:
            return float("nan")
        return float(np.mean(self.y_source == self.predicted_source))


CandidateResults = list[list[FoldResult]]  # one list of folds for each candidate


def training_part(data: DomainData, fold: DomainFold) -> DomainData:
    """Return the training rows of a fold, of both domains."""
    return DomainData(
        take_rows(data.X_source, fold.source_train),
        data.y_source[fold.source_train],
        take_rows(data.X_target, fold.target_train),
        take_rows(data.y_target, fold.target_train),
        take_rows(data.sample_weight, fold.source_train),
        take_rows(data.source_domain, fold.source_train),
    )


def fit_on(estimator: BaseEstimator, data: DomainData) -> BaseEstimator:
    """Fit an estimator or a Pipeline on both domains; the target goes through all steps."""
    with config_context(enable_metadata_routing=True), shares_unchecked():
        return estimator.fit(data.X_source, data.y_source, X_target=data.X_target, **data.options)


def seeded(
    estimator: BaseEstimator, seed: int, params: Mapping[str, Any], n_source: int | None = None
) -> BaseEstimator:
    """Return a clone with these parameters, and with a seed wherever the user fixed none.

    With `n_source`, the number of source rows of the final fit, the clone trains as many epochs.
    """
    copy = clone(estimator).set_params(**clone(dict(params), safe=False))
    seeds = {
        name: seed
        for name, value in copy.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and not isinstance(value, Integral)
    }
    copy.set_params(**seeds)
    if n_source is not None:
        settle_epochs(final_step(copy), n_source)
    return copy


def fit_and_score(
    estimator: BaseEstimator, data: DomainData, fold: DomainFold, validator: Validator
) -> FoldResult:
    """Train an unfitted estimator on the training rows of a fold, score it on the held-out rows."""
    start = time.perf_counter()
    try:
        fit_on(estimator, training_part(data, fold))
    except DivergenceError as error:
        return diverged_result(data, fold, str(error), time.perf_counter() - start)
    return score_fitted(estimator, data, fold, validator, time.perf_counter() - start)


def check_finite(scores: Mapping[str, float], validator: Validator) -> None:
    """Raise if a validator gave NaN, which the search would ignore."""
    for name, score in scores.items():
        if not np.isfinite(score):
            raise ValueError(
                f"The validator {name or _name_of(validator)!r} returned "
                f"{'NaN' if np.isnan(score) else score} for a fitted candidate. "
                "Return a finite number for every model, or pass another 'validator'."
            )


def _name_of(validator: Validator) -> str:
    return str(getattr(validator, "__name__", repr(validator)))


def diverged_result(data: DomainData, fold: DomainFold, why: str, fit_time: float) -> FoldResult:
    """Return the result of a candidate whose training diverged in a fold."""
    nothing = np.empty(0, dtype=data.y_source.dtype)
    y_source = data.y_source[fold.source_test]
    votes = np.empty(0, dtype=np.uint8)
    return FoldResult({}, y_source, nothing, nothing, 0, fit_time, 0.0, votes, failure=why)


def score_fitted(
    fitted: BaseEstimator,
    data: DomainData,
    fold: DomainFold,
    validator: Validator,
    fit_time: float,
) -> FoldResult:
    """Score a fitted estimator on the held-out rows of both domains, without target labels."""
    try:
        return _score(fitted, data, fold, validator, fit_time)
    except DivergenceError as error:  # finite losses, but outputs that are not
        return diverged_result(data, fold, str(error), fit_time)


def _score(
    fitted: BaseEstimator,
    data: DomainData,
    fold: DomainFold,
    validator: Validator,
    fit_time: float,
) -> FoldResult:
    start = time.perf_counter()
    X_source, y_source = take_rows(data.X_source, fold.source_test), data.y_source[fold.source_test]
    X_target = take_rows(data.X_target, fold.target_test)
    all_target = EstimatorEvidence(fitted, X_source, y_source, data.X_target)
    held_out = EstimatorEvidence(fitted, X_source, y_source, X_target)
    # the target rows are predicted once: the held-out rows are among all rows
    names = validator_names(validator)
    if all_target.is_regression:
        held_out.numbers_target = all_target.numbers_target[fold.target_test]
    else:
        held_out.proba_target = all_target.proba_target[fold.target_test]
        held_out.y_source = y_source  # the search has checked all labels
    if callable(validator):
        score: Any = validator(fitted, X_source, y_source, X_target=X_target)
        try:
            scores = {"": float(score)}
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The validator {_name_of(validator)!r} returned {score!r}, which is no number. "
                "Return a finite number for every model, or pass another 'validator'."
            ) from error
    else:
        scores = {
            name: compute_validator(name, held_out) for name in names if not needs_search(name)
        }
    check_finite(scores, validator)
    if all_target.is_regression:
        return FoldResult(
            scores,
            y_source,
            held_out.numbers_source,
            held_out.numbers_target,
            0,
            fit_time,
            time.perf_counter() - start,
            all_target.numbers_target,
        )
    source_only = getattr(final_step(fitted), "lam", 0) == 0
    return FoldResult(
        scores,
        y_source,
        held_out.classes[held_out.proba_source.argmax(axis=1)],
        held_out.classes[held_out.proba_target.argmax(axis=1)],
        len(held_out.classes),
        fit_time,
        time.perf_counter() - start,
        all_target.votes_target,
        held_out.proba_target if AGREEMENT in names or source_only else None,
        compute_validator("atc", held_out),
        -compute_validator("entropy", held_out),
        proba_source=held_out.proba_source if source_only else None,
    )
