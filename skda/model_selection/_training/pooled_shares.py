"""What the source-only models of all folds say of the shares of the target's classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._inputs.target_priors import mixed_with_source
from ...priors import bbse_priors, label_shift_fit
from ...priors._bbse import source_shares
from .fit_and_score import FoldResult

__all__ = ["pooled_shares", "share_weighted_accuracy", "why_no_shares"]


# Residual of `label_shift_fit`, a share of the spread of the target's outputs, from which an
# estimate is not used. On the tasks with other shares of benchmarks/selection the estimates were
# worth adapting with below it, and adapting without was better above.
TOO_FAR = 0.1


def pooled_shares(source_only: Sequence[FoldResult]) -> NDArray[np.float64]:
    """Return the shares of the classes in the target (BBSE), by all models together.

    Parameters
    ----------
    source_only : sequence of FoldResult
        Of lam 0, one for each fold, of which `why_no_shares` says nothing.

    Returns
    -------
    ndarray of shape (n_classes,)
        In the order of the sorted labels.
    """
    proba, labels, of_target = _outputs(source_only)
    shares = bbse_priors(proba, labels, of_target, classes=np.unique(labels))
    return mixed_with_source(shares, source_shares(labels))


def why_no_shares(source_only: Sequence[FoldResult]) -> str:
    """Return why the shares of the classes in the target cannot be estimated; empty if they can.

    Parameters
    ----------
    source_only : sequence of FoldResult
        Of lam 0, one for each fold.
    """
    n_classes = len(np.unique(np.concatenate([result.y_source for result in source_only])))
    if any(result.failure for result in source_only):
        return "a source-only training diverged"
    if any(result.n_classes != n_classes for result in source_only):
        return "the rows of a fold lack a class"
    residual = label_shift_fit(*_outputs(source_only)).residual
    if residual <= TOO_FAR:
        return ""
    return (
        "no shares of the classes explain how the source-only models' predictions differ between "
        f"the domains (their energy distance stays at {residual:.2f}): the rows of a class look "
        "different in the two"
    )


def _outputs(source_only: Sequence[FoldResult]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the probabilities and labels of held-out source rows, and those of target rows."""
    proba, labels, of_target = (
        np.concatenate([getattr(result, part) for result in source_only])
        for part in ("proba_source", "y_source", "proba_target")
    )
    return proba, labels, of_target


def share_weighted_accuracy(results: Sequence[FoldResult], shares: NDArray[np.float64]) -> float:
    """Return the accuracy on held-out source rows, weighted so that the classes have these shares.

    Parameters
    ----------
    results : sequence of FoldResult
        One for each fold.
    shares : ndarray of shape (n_classes,)
        In the order of the sorted labels.
    """
    labels = np.concatenate([result.y_source for result in results])
    hits = labels == np.concatenate([result.predicted_source for result in results])
    of_class = [hits[labels == label].mean() for label in np.unique(labels)]
    return float(shares @ np.array(of_class))
