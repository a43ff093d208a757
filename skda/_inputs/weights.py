"""Weights of source rows and of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import _check_sample_weight

from ..training import DomainPair
from .host import as_host_array, by_class, refuse_dates
from .naming import naming

__all__ = [
    "at_least_one_row",
    "check_sample_weight",
    "rows_to_draw",
    "weigh_rows",
    "weights_of_classes",
]

_MOST_REPEATS = 10


def check_sample_weight(sample_weight: Any, n_rows: int) -> np.ndarray:
    """Return the weights as float64; raise unless all are at least 0 and one is above."""
    refuse_dates(sample_weight, "sample_weight")
    with naming("sample_weight"):
        weights: np.ndarray = _check_sample_weight(
            as_host_array(sample_weight, "sample_weight"),
            np.empty((n_rows, 0)),
            dtype=np.float64,
            ensure_non_negative=True,
        )
        if not weights.any():
            raise ValueError("Every weight is 0. Give some rows of X_source a positive weight.")
    return weights


def weigh_rows(domains: DomainPair, sample_weight: Any) -> DomainPair:
    """Return the domains with source rows drawn in proportion to their weights.

    Whole numbers repeat the rows: the training equals that on repeated rows, unless an epoch would
    be more than ten times as long. Other weights are relative to each other.
    """
    weights = check_sample_weight(sample_weight, len(domains.y_source))
    of_rows = None if _are_repeats(weights) else weights
    return domains.replace(subset=rows_to_draw(weights), weights=of_rows)


def rows_to_draw(weights: np.ndarray) -> np.ndarray:
    """Return the indices of the rows that have a weight, repeated where weights are repeats.

    >>> rows_to_draw(np.array([2.0, 0.0, 1.0])), rows_to_draw(np.array([0.5, 0.0, 1.0]))
    (array([0, 0, 2]), array([0, 2]))
    """
    if _are_repeats(weights):
        return np.repeat(np.arange(len(weights)), weights.astype(int))
    return np.flatnonzero(weights)


def _are_repeats(weights: np.ndarray) -> bool:
    whole = (weights == np.floor(weights)).all()
    return bool(whole and weights.sum() <= _MOST_REPEATS * len(weights))


def weights_of_classes(class_weight: Any, classes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the weight of each class in the classification loss, as in scikit-learn.

    `class_weight` is a mapping or a Series from label to weight, 1 for other classes, or
    "balanced". `shares` are those of the classes among the source rows that are drawn.
    """
    if isinstance(class_weight, str):
        weights: np.ndarray = np.divide(
            1, len(classes) * shares, out=np.ones(len(shares)), where=shares > 0
        )
        return weights
    class_weight = by_class(class_weight, "class_weight")
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in labels]
    if unknown:
        raise ValueError(
            "The 'class_weight' parameter must have labels of y_source as keys, of "
            f"{labels}. Got {unknown} beside these."
        )
    try:
        weights = compute_class_weight(class_weight, classes=classes, y=classes)
    except (TypeError, ValueError):
        weights = np.full(len(classes), np.nan)
    with np.errstate(over="ignore"):
        finite = np.isfinite(weights.astype(np.float32)).all()
    if not (finite and (weights >= 0).all() and weights.any()):
        raise ValueError(
            "The 'class_weight' parameter must give each class a weight of at least 0, and one of "
            f"them more. Got {class_weight!r} instead."
        )
    return weights


def at_least_one_row(shares: np.ndarray, n_rows: float) -> np.ndarray:
    """Raise shares above 0 to that of one row in an epoch, of `n_rows` rows of a source."""
    raised = np.where(shares > 0, np.maximum(shares, 1 / n_rows), 0.0)
    normalised: np.ndarray = raised / raised.sum()
    return normalised
