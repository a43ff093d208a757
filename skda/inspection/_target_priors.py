"""Shares of the classes in the target, estimated with a fitted classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

from .._typing import Rows
from ..model_selection import EstimatorEvidence
from ..model_selection.validators.inputs import NamedEvidence
from ..priors import bbse_priors, confusion_matrix_of_shares, mlls_priors
from ..priors._bootstrap import Bootstrap
from ..priors._labels import class_columns, source_shares

__all__ = ["BOOTSTRAP_CONSTRAINTS", "TargetPriors", "estimate_target_priors"]

CALLER = "estimate_target_priors"
METHODS: dict[str, Callable[..., NDArray[np.float64]]] = {"bbse": bbse_priors, "mlls": mlls_priors}
BOOTSTRAP_CONSTRAINTS: dict[str, list[Any]] = {
    "n_bootstrap": [Interval(Integral, 1, None, closed="left")],
    "confidence": [Interval(Real, 0, 1, closed="neither")],
    "random_state": ["random_state"],
}
_CONSTRAINTS: dict[str, list[Any]] = {
    "estimator": [HasMethods(["predict_proba"])],
    "method": [StrOptions(set(METHODS))],
    **BOOTSTRAP_CONSTRAINTS,
}


@dataclass(frozen=True)
class TargetPriors:
    """Estimated shares of the classes in the target.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels, as in `classes_` of the classifier.
    priors : ndarray of shape (n_classes,)
        Share of each class in the target.
    interval : ndarray of shape (2, n_classes)
        Lower and upper end of each share's bootstrap interval.
    priors_source : ndarray of shape (n_classes,)
        Share of each class in the source rows that were passed.
    condition_number : float
        Of the soft confusion matrix: by how much an error in the predicted shares may grow in the
        estimated ones. 1 is best; infinite where classes cannot be told apart.
    confidence : float
        Of the interval.
    """

    classes: NDArray[Any]
    priors: NDArray[np.float64]
    interval: NDArray[np.float64]
    priors_source: NDArray[np.float64]
    condition_number: float
    confidence: float

    def __repr__(self) -> str:
        """Return a table with a line for each class."""
        lines = [
            f"{label!s:>12}  {share:5.3f}  [{low:5.3f}, {high:5.3f}]  {source:6.3f}"
            for label, share, low, high, source in zip(
                self.classes, self.priors, *self.interval, self.priors_source, strict=True
            )
        ]
        head = f"{'class':>12}  share  {f'{self.confidence:.0%} interval':>14}  source"
        end = f"condition number of the confusion matrix: {self.condition_number:.1f}"
        return "\n".join(["TargetPriors", head, *lines, end])


def estimate_target_priors(
    estimator: BaseEstimator,
    X_source: Rows,
    y_source: ArrayLike,
    X_target: Rows,
    *,
    method: Literal["bbse", "mlls"] = "bbse",
    n_bootstrap: int = 200,
    confidence: float = 0.95,
    random_state: Any = None,
) -> TargetPriors:
    """Estimate the shares of the classes in the target, without target labels.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier with `predict_proba`, a Pipeline that ends in one, or a search. One that
        was trained on the source alone (``lam=0``) is the safer choice: adapting may already have
        moved its predictions to the source's shares.
    X_source, y_source : array-like of shape (n_source, ...) and (n_source,)
        Labelled source rows **on which the estimator was not trained**; every class must occur. On
        its training rows it makes too few errors, and the estimate is wrong.
    X_target : array-like of shape (n_target, ...)
        Unlabelled target rows.
    method : {"bbse", "mlls"}, default="bbse"
        `skda.priors.bbse_priors` needs no calibrated probabilities, `skda.priors.mlls_priors` is
        more exact with calibrated ones.
    n_bootstrap : int, default=200
        Number of draws of both samples for the interval.
    confidence : float, default=0.95
        Of the interval.
    random_state : int, RandomState or None, default=None
        Fixes the draws.

    Returns
    -------
    TargetPriors

    Raises
    ------
    ValueError
        If a parameter is not allowed, or a class does not occur in `y_source`.

    Notes
    -----
    Methods of the estimator that take `domain` get the domain of the rows. The interval covers the
    error of drawing the rows, not that of the assumption that each class looks the same in both
    domains. With a single target row, which says next to nothing, the interval is [0, 1].

    See Also
    --------
    skda.priors.correct_probabilities : Probabilities of a classifier for other shares.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skda.inspection import estimate_target_priors
    >>> rng = np.random.default_rng(0)
    >>> y, y_target = rng.permutation(400) % 2, rng.permutation(400) % 10 == 0
    >>> X, X_target = rng.normal(2 * y, 1)[:, None], rng.normal(2 * y_target, 1)[:, None]
    >>> clf = LogisticRegression().fit(X[:200], y[:200])
    >>> estimate_target_priors(clf, X[200:], y[200:], X_target, random_state=0)
    TargetPriors
           class  share    95% interval  source
               0  0.857  [0.787, 0.960]   0.470
               1  0.143  [0.040, 0.213]   0.530
    condition number of the confusion matrix: 1.7
    """
    validate_parameter_constraints(_CONSTRAINTS, locals(), CALLER)
    rows = NamedEvidence(estimator, X_source, y_source, X_target)
    bootstrap = Bootstrap(n_bootstrap, confidence, check_random_state(random_state))
    return priors_seen(rows, method, bootstrap)


def priors_seen(rows: EstimatorEvidence, method: str, bootstrap: Bootstrap) -> TargetPriors:
    """Return the result of `estimate_target_priors`; the predictions may be known already."""
    source, target, classes = rows.proba_source, rows.proba_target, rows.classes
    matrix = confusion_matrix_of_shares(source, rows.y_source, classes=classes)
    columns = class_columns(rows.y_source, source, classes)

    def estimate(of_source: Any, of_target: Any) -> NDArray[np.float64]:
        return METHODS[method](source[of_source], columns[of_source], target[of_target])

    interval = np.repeat([[0.0], [1.0]], len(classes), axis=1)
    if len(target) > 1:
        interval = bootstrap.interval(estimate, columns, len(target))
    return TargetPriors(
        classes,
        estimate(slice(None), slice(None)),
        interval,
        source_shares(columns, np.arange(len(classes))),
        float(np.linalg.cond(matrix)),
        bootstrap.confidence,
    )
