"""The loss of target rows that the user labelled."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from .data.domains import is_labelled
from .term import DomainOutput

__all__ = ["labelled_loss"]


def labelled_loss(
    criterion: Callable[[Tensor, Tensor], Tensor],
    target: DomainOutput | None,
    n_source: int,
    weight: float | str,
) -> Tensor | None:
    """Return the weighted criterion of the labelled rows of a target batch; None if there are none.

    Parameters
    ----------
    criterion : callable
        Mean loss of logits and labels.
    target : DomainOutput or None
    n_source : int
        Number of source rows of the step.
    weight : float or "batch"
        With a number w, the mean over the labelled rows is multiplied by w n_labelled / n_source:
        a labelled row weighs w times as much as a source row. "batch" leaves the mean as it is.
    """
    if target is None or target.y is None:
        return None
    labelled = is_labelled(target.y)
    if not labelled.any():
        return None
    loss = criterion(target.logits[labelled], target.y[labelled])
    return loss if weight == "batch" else loss * (weight * labelled.sum() / n_source)
