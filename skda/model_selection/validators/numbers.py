"""Validators of regressors: errors on held-out source rows, as they are and weighted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from .importance import deep_embedded_validation
from .reverse import reverse_predictions

__all__ = [
    "importance_weighted_error",
    "reverse_error",
    "scale_of",
    "source_error",
    "squared_errors",
    "validated_error",
]


def scale_of(y: ArrayLike) -> NDArray[np.float64]:
    """Return the standard deviation of each output, 1 where it is 0: shape (n_outputs,)."""
    spread = _columns(y).std(axis=0)
    return np.where(spread > 0, spread, 1.0)


def squared_errors(
    y: ArrayLike, predicted: ArrayLike, scale: ArrayLike | None = None
) -> NDArray[np.float64]:
    r"""Return the error of each row, the mean of :math:`((y - \hat y) / s)^2` over the outputs.

    `scale` is :math:`s`; None is that of `y`, so that outputs in different units weigh the same.
    """
    s = scale_of(y) if scale is None else np.asarray(scale)
    errors: NDArray[np.float64] = np.square((_columns(y) - _columns(predicted)) / s).mean(axis=1)
    return errors


def source_error(y_source: ArrayLike, predictions_source: ArrayLike) -> float:
    """Return minus the mean squared error on held-out source rows."""
    return -float(squared_errors(y_source, predictions_source).mean())


def importance_weighted_error(
    y_source: ArrayLike, predictions_source: ArrayLike, weights: NDArray[np.float64]
) -> float:
    """Return minus the squared error, weighted by the density ratio (Sugiyama 2007)."""
    return -float(np.average(squared_errors(y_source, predictions_source), weights=weights))


def validated_error(
    y_source: ArrayLike, predictions_source: ArrayLike, weights: NDArray[np.float64]
) -> float:
    """Return minus the weighted squared error with a control variate (DEV, You 2019)."""
    return deep_embedded_validation(squared_errors(y_source, predictions_source), weights)


def reverse_error(
    fitted: BaseEstimator, X_target: Any, X_unlabelled: Any, X_test: Any, y_test: ArrayLike
) -> float:
    """Return minus the squared error of the reverse model; see `reverse_validation`."""
    return source_error(y_test, reverse_predictions(fitted, X_target, X_unlabelled, X_test))


def _columns(y: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(y, dtype=np.float64)
    return array.reshape(len(array), -1)
