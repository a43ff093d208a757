"""The loss of target rows that the user labelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from .data.domains import is_labelled
from .term import DomainOutput

__all__ = ["labelled_loss", "labelled_target_loss", "weights_of_mean"]


def labelled_target_loss(
    net: Any, source: DomainOutput, target: DomainOutput | None
) -> Tensor | None:
    """Return a net's `labelled_loss`."""
    if target is None or target.y is None:  # as in most trainings
        return None
    weights = weights_of_mean(net.criterion_)
    return labelled_loss(net.get_loss, source, target, net.target_label_weight, weights)


def weights_of_mean(criterion: nn.Module) -> Tensor | None:
    """Return the class weights by whose sum over the rows torch's criterion divides, if any.

    Another criterion may divide its weighted losses by the number of rows, as MultiMarginLoss does.
    """
    divides = type(criterion) in (nn.CrossEntropyLoss, nn.NLLLoss)
    weights: Tensor | None = criterion.weight if divides else None  # type: ignore[assignment]
    return weights


def labelled_loss(
    criterion: Callable[[Tensor, Tensor], Tensor],
    source: DomainOutput,
    target: DomainOutput | None,
    weight: float | str,
    class_weights: Tensor | None = None,
) -> Tensor | None:
    """Return the weighted criterion of the labelled rows of a target batch; None if there are none.

    Parameters
    ----------
    criterion : callable
        Mean loss of logits and labels.
    source : DomainOutput
        The source rows of the step.
    target : DomainOutput or None
    weight : float or "batch"
        With a number w, the mean over the labelled rows is multiplied by w n_labelled / n_source:
        a labelled row weighs w times as much as a source row. "batch" leaves the mean as it is.
    class_weights : Tensor of shape (n_classes,) or None
        Weights of the classes, if the mean is a weighted one. The sums of the rows' weights then
        stand for the numbers of rows. Labelled rows whose weights are all 0 have no mean: None.
    """
    if target is None or target.y is None:
        return None
    labelled = is_labelled(target.y)
    if not labelled.any():
        return None
    y = target.y[labelled]
    n_labelled: Tensor = labelled.sum()
    n_source: int | Tensor = source.n_rows
    if class_weights is not None:
        n_labelled, n_source = class_weights[y].sum(), class_weights[source.y].sum()
        if not n_labelled:
            return None
    loss = criterion(target.logits[labelled], y)
    return loss if isinstance(weight, str) else loss * (weight * n_labelled / n_source)
