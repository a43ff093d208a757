"""The estimates of the target accuracy, each from the same arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model_selection import importance_weighted_accuracy, thresholded_accuracy
from ..priors import bbse_priors
from ..priors._calibration import fit_calibration


class HeldOut(NamedTuple):
    """What an estimate reads.

    Attributes
    ----------
    columns : ndarray of shape (n_source,), int
        Column of the label of each held-out source row.
    proba_source : ndarray of shape (n_source, n_classes)
    proba_target : ndarray of shape (n_target, n_classes)
    weights : ndarray of shape (n_source,) or None
        Density ratio of the domains at the source rows.
    """

    columns: NDArray[np.intp]
    proba_source: NDArray[np.float64]
    proba_target: NDArray[np.float64]
    weights: NDArray[np.float64] | None

    @property
    def predicted(self) -> NDArray[np.intp]:
        """Column that is predicted for each source row."""
        predicted: NDArray[np.intp] = self.proba_source.argmax(axis=1)
        return predicted

    def take(self, of_source: Any, of_target: Any) -> HeldOut:
        """Return the arrays of these source rows and these target rows."""
        weights = None if self.weights is None else self.weights[of_source]
        return HeldOut(
            self.columns[of_source],
            self.proba_source[of_source],
            self.proba_target[of_target],
            weights,
        )


def atc(rows: HeldOut, score: Literal["entropy", "confidence"]) -> float:
    """Return the estimate of `thresholded_accuracy`."""
    classes = np.arange(rows.proba_source.shape[1])
    return thresholded_accuracy(
        rows.columns, rows.proba_source, rows.proba_target, classes, score=score
    )


def confidence(rows: HeldOut) -> float:
    """Return the mean confidence on the target, at the temperature that fits the source rows.

    With weights, the temperature fits the weighted source rows.
    """
    calibrate = fit_calibration(
        rows.proba_source, rows.columns, biased=False, sample_weight=rows.weights
    )
    return float(calibrate(rows.proba_target).max(axis=1).mean())


def importance(rows: HeldOut) -> float:
    """Return the accuracy on the weighted source rows."""
    weights = np.ones(len(rows.columns)) if rows.weights is None else rows.weights
    return importance_weighted_accuracy(rows.columns, rows.predicted, weights)


def class_shares(rows: HeldOut) -> float:
    """Return the accuracies on the source rows of each class, weighted by the target's shares."""
    shares = bbse_priors(
        rows.proba_source,
        rows.columns,
        rows.proba_target,
        classes=np.arange(rows.proba_source.shape[1]),
    )
    hits = rows.predicted == rows.columns
    counts = np.bincount(rows.columns, minlength=len(shares))
    return float(shares @ (np.bincount(rows.columns, weights=hits, minlength=len(shares)) / counts))


class Method(NamedTuple):
    """An estimate, and whether it reads the density ratio."""

    estimate: Callable[[HeldOut], float]
    weighted: bool


METHODS = {
    "atc_entropy": Method(partial(atc, score="entropy"), False),
    "atc_confidence": Method(partial(atc, score="confidence"), False),
    "confidence": Method(confidence, False),
    "weighted_confidence": Method(confidence, True),
    "importance": Method(importance, True),
    "class_shares": Method(class_shares, False),
}
