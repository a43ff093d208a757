"""Shares of the target's classes, from the source-only models of all folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._inputs.target_priors import mixed_with_source
from ...priors import bbse_priors
from ...priors._labels import source_shares
from .fit_and_score import FoldResult
from .scores import pooled

__all__ = ["can_tell_shares", "outputs_of", "pooled_shares", "share_weighted_accuracy"]


def pooled_shares(source_only: Sequence[FoldResult]) -> NDArray[np.float64]:
    """Return the shares of the classes in the target (BBSE), in the order of the sorted labels.

    `source_only` are the results of lam 0 in the folds, for which `can_tell_shares` must be true.
    """
    proba, labels, of_target = outputs_of(source_only)
    shares = bbse_priors(proba, labels, of_target, classes=np.unique(labels))
    return mixed_with_source(shares, source_shares(labels))


def can_tell_shares(source_only: Sequence[FoldResult]) -> bool:
    """Return whether all models know all classes of the held-out source rows."""
    n_classes = len(np.unique(pooled(source_only, "y_source")))
    return all(result.n_classes == n_classes for result in source_only)  # 0 where one diverged


def outputs_of(
    source_only: Sequence[FoldResult],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the probabilities and labels of held-out source rows, and those of target rows."""
    proba, labels = pooled(source_only, "proba_source"), pooled(source_only, "y_source")
    return proba, labels, pooled(source_only, "proba_target")


def share_weighted_accuracy(results: Sequence[FoldResult], shares: NDArray[np.float64]) -> float:
    """Return the accuracy on held-out source rows, weighted so that the classes have these shares.

    `results` has one for each fold; the shares are in the order of the sorted labels.
    """
    labels = pooled(results, "y_source")
    hits = labels == pooled(results, "predicted_source")
    of_class = [hits[labels == label].mean() for label in np.unique(labels)]
    return float(shares @ np.array(of_class))
