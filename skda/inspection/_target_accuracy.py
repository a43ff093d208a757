"""Accuracy of a fitted classifier on the target, estimated without target labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    StrOptions,
    validate_parameter_constraints,
)

from .._typing import Rows
from ..model_selection import EstimatorEvidence, density_ratio
from ..model_selection.validators.inputs import NamedEvidence
from ..priors._bootstrap import Bootstrap, Statistic
from ..priors._labels import class_columns
from ._accuracy_methods import METHODS, HeldOut
from ._of_folds import chosen_in_folds
from ._target_priors import BOOTSTRAP_CONSTRAINTS

__all__ = ["AccuracyEstimate", "estimate_accuracy"]

CALLER = "estimate_accuracy"
# from the folds of a search: whether the agreement is multiplied by the source accuracy
OF_A_SEARCH = {"stability": False, "stability_times_source": True}
DEFAULT, DEFAULT_OF_A_SEARCH = "weighted_confidence", "stability_times_source"
_CONSTRAINTS: dict[str, list[Any]] = {
    "estimator": [HasMethods(["predict_proba"])],
    "method": [StrOptions({"auto", *METHODS, *OF_A_SEARCH})],
    **BOOTSTRAP_CONSTRAINTS,
}


@dataclass(frozen=True)
class AccuracyEstimate:
    """Estimated accuracy on the target.

    Parameters
    ----------
    accuracy : float
        The estimate, between 0 and 1.
    interval : ndarray of shape (2,)
        Lower and upper end of the bootstrap interval.
    source_accuracy : float
        Accuracy on the source rows that were passed.
    method : str
        Name of the estimate.
    confidence : float
        Of the interval.
    """

    accuracy: float
    interval: NDArray[np.float64]
    source_accuracy: float
    method: str
    confidence: float

    def __repr__(self) -> str:
        """Return the estimate, its interval and the source accuracy in one line."""
        low, high = self.interval
        return (
            f"AccuracyEstimate({self.accuracy:.3f}, {self.confidence:.0%} interval "
            f"[{low:.3f}, {high:.3f}], {self.method}; on the source {self.source_accuracy:.3f})"
        )


def estimate_accuracy(
    estimator: BaseEstimator,
    X_source: Rows,
    y_source: ArrayLike,
    X_target: Rows,
    *,
    method: str = "auto",
    n_bootstrap: int = 200,
    confidence: float = 0.95,
    random_state: Any = None,
) -> AccuracyEstimate:
    r"""Estimate the accuracy on the target, without target labels.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier with `predict_proba`, a Pipeline that ends in one, or a search.
    X_source, y_source : array-like of shape (n_source, ...) and (n_source,)
        Labelled source rows **on which the estimator was not trained**. On its training rows it
        makes too few errors, and the estimate is too high.
    X_target : array-like of shape (n_target, ...)
        Unlabelled target rows, also those to which the estimator was adapted.
    method : str, default="auto"
        - "atc_entropy", "atc_confidence": `skda.model_selection.thresholded_accuracy`;
        - "confidence": mean confidence on the target, after temperature scaling on the source rows;
        - "weighted_confidence": the same, the source rows weighted by the density ratio;
        - "importance": accuracy on the source rows, weighted by the density ratio;
        - "class_shares": mean over classes of the accuracy on the source rows, weighted by the
          target's shares as `skda.priors.bbse_priors` estimates them;
        - "stability", for a `LambdaSearchCV` only: share of target rows on which the models of its
          folds agree; "stability_times_source": that times their accuracy on held-out source rows;
        - "auto": "stability_times_source" for a `LambdaSearchCV`, otherwise "weighted_confidence",
          which had the least error in `benchmarks/estimated_accuracy`.
    n_bootstrap : int, default=200
        Number of draws of both samples for the interval.
    confidence : float, default=0.95
        Of the interval.
    random_state : int, RandomState or None, default=None
        Fixes the draws.

    Returns
    -------
    AccuracyEstimate

    Raises
    ------
    ValueError
        If a parameter is not allowed, or a method that needs a search gets another estimator.

    Notes
    -----
    No estimate can be right for every shift. All estimates are too high where a model errs with
    confidence, and most of all where the shares of the classes differ between the domains. Their
    errors in the benchmark are about ten points. The interval covers only the error of
    drawing rows (of the folds, for the methods of a search), with the density ratio and the
    estimator held fixed.

    References
    ----------
    S. Garg et al. Leveraging unlabeled data to predict out-of-distribution performance. ICLR 2022.
    Y. Jiang et al. Assessing generalization of SGD via disagreement. ICLR 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skda.inspection import estimate_accuracy
    >>> rng = np.random.default_rng(0)
    >>> y = rng.permutation(400) % 2
    >>> X, X_target = rng.normal(3 * y, 1)[:, None], rng.normal(3 * y - 1, 1)[:, None]
    >>> clf = LogisticRegression().fit(X[:200], y[:200])
    >>> found = estimate_accuracy(clf, X[200:], y[200:], X_target, random_state=0)
    >>> found.method
    'weighted_confidence'
    >>> bool(found.interval[0] < found.accuracy < found.interval[1])
    True
    """
    validate_parameter_constraints(_CONSTRAINTS, locals(), CALLER)
    rows = NamedEvidence(estimator, X_source, y_source, X_target)
    bootstrap = Bootstrap(n_bootstrap, confidence, check_random_state(random_state))
    return accuracy_seen(rows, method, bootstrap)


def accuracy_seen(rows: EstimatorEvidence, method: str, bootstrap: Bootstrap) -> AccuracyEstimate:
    """Return the result of `estimate_accuracy` for rows whose predictions may be known already."""
    estimator = rows.estimator
    searched = "split0_target_stability" in getattr(estimator, "cv_results_", {})
    if method == "auto":
        method = DEFAULT_OF_A_SEARCH if searched else DEFAULT
    if method in OF_A_SEARCH and not searched:
        raise ValueError(
            f"method={method!r} compares the models of the folds of a fitted LambdaSearchCV. Got "
            f"{type(estimator).__name__}. Pass a search, or one of the methods {sorted(METHODS)}."
        )
    held_out = _held_out(rows, weighted=method in METHODS and METHODS[method].weighted)
    if method in OF_A_SEARCH:
        statistic = _of_folds(estimator, with_source=OF_A_SEARCH[method])
        strata, n_target = np.zeros(estimator.n_splits_, dtype=np.intp), 1  # no row is drawn
    else:
        statistic = _of_rows(held_out, METHODS[method].estimate)
        strata, n_target = held_out.columns, len(held_out.proba_target)
    accuracy = float(statistic(np.arange(len(strata)), np.arange(n_target)))
    interval = bootstrap.interval(statistic, strata, n_target)
    on_source = float((held_out.predicted == held_out.columns).mean())
    return AccuracyEstimate(accuracy, interval, on_source, method, bootstrap.confidence)


def _held_out(rows: EstimatorEvidence, *, weighted: bool) -> HeldOut:
    weights = density_ratio(rows.features_source, rows.features_target) if weighted else None
    source, target = (
        np.asarray(proba, dtype=np.float64) for proba in (rows.proba_source, rows.proba_target)
    )
    return HeldOut(class_columns(rows.y_source, source, rows.classes), source, target, weights)


def _of_folds(search: Any, *, with_source: bool) -> Statistic:
    """Return the estimate from the folds that are drawn."""
    found = chosen_in_folds(search, "target_stability")
    if with_source:
        found = found * chosen_in_folds(search, "source_accuracy")
    return lambda drawn, _: np.asarray(found[drawn].mean())


def _of_rows(held_out: HeldOut, estimate: Callable[[HeldOut], float]) -> Statistic:
    """Return the estimate from the rows of both domains that are drawn."""
    return lambda of_source, of_target: np.asarray(estimate(held_out.take(of_source, of_target)))
