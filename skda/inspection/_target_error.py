"""Error of a fitted regressor on the target, estimated without target labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    StrOptions,
    validate_parameter_constraints,
)

from .._inputs.datasets import refuse_containers
from .._typing import Rows
from ..model_selection import EstimatorEvidence, density_ratio
from ..model_selection.validators.inputs import NamedEvidence
from ..model_selection.validators.numbers import scale_of, squared_errors
from ..priors._bootstrap import Bootstrap, Statistic
from ._of_folds import chosen_in_folds
from ._target_priors import BOOTSTRAP_CONSTRAINTS

__all__ = ["ErrorEstimate", "estimate_error"]

CALLER = "estimate_error"
_CONSTRAINTS: dict[str, list[Any]] = {
    "estimator": [HasMethods(["predict"])],
    "method": [StrOptions({"auto", "disagreement", "importance"})],
    **BOOTSTRAP_CONSTRAINTS,
}


@dataclass(frozen=True)
class ErrorEstimate:
    """Estimated root mean squared error on the target.

    Parameters
    ----------
    error : float
        The estimate: in the units of the labels, or, with several outputs, in standard deviations
        of the source's labels.
    interval : ndarray of shape (2,)
        Lower and upper end of the bootstrap interval.
    source_error : float
        Root mean squared error on the source rows that were passed.
    method : str
        Name of the estimate.
    confidence : float
        Of the interval.
    """

    error: float
    interval: NDArray[np.float64]
    source_error: float
    method: str
    confidence: float

    def __repr__(self) -> str:
        """Return the estimate, its interval and the error on the source in one line."""
        low, high = self.interval
        return (
            f"ErrorEstimate({self.error:.4g}, {self.confidence:.0%} interval "
            f"[{low:.4g}, {high:.4g}], {self.method}; on the source {self.source_error:.4g})"
        )


def estimate_error(
    estimator: BaseEstimator,
    X_source: Rows,
    y_source: ArrayLike,
    X_target: Rows,
    *,
    method: Literal["auto", "disagreement", "importance"] = "auto",
    n_bootstrap: int = 200,
    confidence: float = 0.95,
    random_state: Any = None,
) -> ErrorEstimate:
    r"""Estimate the root mean squared error on the target, without target labels.

    Parameters
    ----------
    estimator : estimator
        A fitted regressor, a Pipeline that ends in one, or a search.
    X_source : array-like of shape (n_source, ...)
    y_source : array-like of shape (n_source,) or (n_source, n_outputs)
        Labelled source rows **on which the estimator was not trained**. On its training rows its
        errors are too small. "disagreement" uses these rows only for `source_error`.
    X_target : array-like of shape (n_target, ...)
        Unlabelled target rows, also those to which the estimator was adapted. "disagreement" does
        not use them, but the target rows of the search.
    method : {"auto", "disagreement", "importance"}, default="auto"
        - "disagreement", for a `LambdaSearchCV` only: from the error on the held-out source rows of
          its folds, and from how far their models are from each other on the held-out target rows;
        - "importance": the error on the source rows, weighted by the density ratio of the domains
          in the space of the features (Sugiyama 2007);
        - "auto": "disagreement" for a `LambdaSearchCV`, otherwise "importance".
    n_bootstrap : int, default=200
        Number of draws for the interval.
    confidence : float, default=0.95
        Of the interval.
    random_state : int, RandomState or None, default=None
        Fixes the draws.

    Returns
    -------
    ErrorEstimate

    Raises
    ------
    ValueError
        If a parameter is not allowed, the estimator is a classifier, or "disagreement" gets an
        estimator that is not a search.

    Notes
    -----
    "disagreement": with the error :math:`e` and the disagreement :math:`d` of the folds' models,
    both means over the folds (columns `source_error` and `target_disagreement` of `cv_results_`),
    the estimate is :math:`s \sqrt{e^2 + d^2}`; s is the standard deviation of the source's labels.
    "importance": with the density ratio :math:`w` of the n source rows,

    .. math:: \Big(\sum_i w_i (y_i - \hat y_i)^2 \Big/ \sum_i w_i\Big)^{1/2}

    With several outputs the errors are divided by the standard deviation of each output, and
    averaged over the outputs.

    No estimate can be right for every shift. Both are too low where all models err alike on the
    target, as after a shift of the label itself; "importance" also where the domains hardly
    overlap. The interval covers only the error of drawing rows (of the folds, for "disagreement"),
    with the density ratio and the estimator held fixed.

    References
    ----------
    M. Sugiyama et al. Covariate shift adaptation by importance weighted cross validation. JMLR
    2007.
    Y. Jiang et al. Assessing generalization of SGD via disagreement. ICLR 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skda.inspection import estimate_error
    >>> rng = np.random.default_rng(0)
    >>> X, X_target = rng.normal(0, 1, (400, 1)), rng.normal(1, 1, (400, 1))
    >>> y = X[:, 0] ** 2 + rng.normal(0, 0.1, 400)
    >>> reg = LinearRegression().fit(X[:200], y[:200])
    >>> found = estimate_error(reg, X[200:], y[200:], X_target, random_state=0)
    >>> found.method
    'importance'
    >>> bool(found.source_error < found.error < found.interval[1])
    True
    """
    validate_parameter_constraints(_CONSTRAINTS, locals(), CALLER)
    refuse_containers(X_source, "X_source")
    rows = NamedEvidence(estimator, X_source, y_source, X_target)
    if not rows.is_regression:
        raise ValueError(
            f"estimate_error is for regressors. Got {type(estimator).__name__}, a classifier: use "
            "skda.inspection.estimate_accuracy."
        )
    searched = "split0_target_disagreement" in getattr(estimator, "cv_results_", {})
    if method == "auto":
        method = "disagreement" if searched else "importance"
    if method == "disagreement" and not searched:
        raise ValueError(
            "method='disagreement' compares the models of the folds of a fitted LambdaSearchCV. "
            f"Got {type(estimator).__name__}. Pass a search, or method='importance'."
        )
    y = np.asarray(rows.y_source, dtype=np.float64).reshape(len(rows.numbers_source), -1)
    # one output is in its own units
    squares = squared_errors(y, rows.numbers_source, 1.0 if y.shape[1] == 1 else scale_of(y))
    statistic = _of_folds(estimator) if method == "disagreement" else _of_rows(rows, squares)
    n_drawn = estimator.n_splits_ if method == "disagreement" else len(squares)
    everything = np.arange(n_drawn)
    bootstrap = Bootstrap(n_bootstrap, confidence, check_random_state(random_state))
    # no target row is drawn
    interval = bootstrap.interval(statistic, np.zeros(n_drawn, dtype=np.intp), 1)
    error = float(statistic(everything, everything[:1]))
    return ErrorEstimate(error, interval, float(np.sqrt(squares.mean())), method, confidence)


def _of_folds(search: Any) -> Statistic:
    """Return the estimate from the folds that are drawn."""
    error, apart = (
        chosen_in_folds(search, each) for each in ("source_error", "target_disagreement")
    )
    scale = float(search.label_scale_[0]) if len(search.label_scale_) == 1 else 1.0
    return lambda drawn, _: np.asarray(scale * np.hypot(error[drawn].mean(), apart[drawn].mean()))


def _of_rows(rows: EstimatorEvidence, squares: NDArray[np.float64]) -> Statistic:
    """Return the weighted error of the source rows that are drawn."""
    ratio = density_ratio(rows.features_source, rows.features_target)
    return lambda drawn, _: np.sqrt(np.average(squares[drawn], weights=ratio[drawn]))
