"""A user's criterion, made ready for skorch and tried before the training."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._inputs.host import is_series
from ..nn._copy import copy_net
from .outputs import LOGITS, Outputs
from .parameters import check_arguments

__all__ = ["check_no_clash", "ready_criterion", "try_criterion"]

_CLASSES: dict[Any, type[nn.Module]] = {
    functional.cross_entropy: nn.CrossEntropyLoss,
    functional.nll_loss: nn.NLLLoss,
    functional.multi_margin_loss: nn.MultiMarginLoss,
    functional.binary_cross_entropy_with_logits: nn.BCEWithLogitsLoss,
}


class LossFunction(nn.Module):
    """A loss function (logits, y) -> Tensor as a module."""

    def __init__(self, function: Callable[..., Tensor], options: Mapping[str, Any]) -> None:
        super().__init__()
        self.function = function
        self.options = dict(options)

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        """Return the loss."""
        return self.function(logits, y, **self.options)


class OneLogitLoss(nn.Module):
    """A loss of one logit, for a classifier of two: computed on the difference of its logits."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        """Return the loss."""
        loss: Tensor = self.loss(logits[:, 1] - logits[:, 0], y.to(logits.dtype))
        return loss


def check_no_clash(criterion: Any, of_user: Mapping[str, Any], of_task: Mapping[str, Any]) -> None:
    """Raise ValueError if 'class_weight' cannot be the weight of the criterion."""
    if not of_task:
        return
    criterion = _CLASSES.get(criterion, criterion)
    takes_weight = (
        isinstance(criterion, type) and "weight" in inspect.signature(criterion).parameters
    )
    if not takes_weight or "weight" in of_user:
        raise ValueError(
            "The 'class_weight' parameter is the 'weight' of the criterion: leave "
            "'criterion__weight' out, and let 'criterion' be a class that takes a weight a class, "
            f"such as torch.nn.CrossEntropyLoss. Got criterion={criterion!r} with "
            f"{sorted(of_user)}."
        )


def ready_criterion(criterion: Any, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the criterion and its options as skorch takes them.

    The criterion is a class of loss module, an instance of one, or a function (logits, y) ->
    Tensor. The options are the ``criterion__*`` parameters; weights may be any array.
    """
    options = {name: _as_weights(name, value) for name, value in options.items()}
    if isinstance(criterion, nn.Module):
        if options:
            raise ValueError(
                "The 'criterion' parameter is an instance, which 'criterion__"
                f"{next(iter(options))}' would make anew without its settings. Pass the class "
                f"{type(criterion).__name__} and all of its options as criterion__*."
            )
        criterion = copy_net(criterion).float()
    criterion = _CLASSES.get(criterion, criterion)
    if not isinstance(criterion, nn.Module):
        check_arguments(criterion, options, "criterion")
        if _is_loss_function(criterion):
            return LossFunction(criterion, options), {}
    if isinstance(criterion, type) and issubclass(criterion, nn.BCEWithLogitsLoss):
        criterion, options = criterion(**options), {}
    if isinstance(criterion, nn.BCEWithLogitsLoss):
        criterion = OneLogitLoss(criterion)
    return criterion, options


def _as_weights(name: str, value: Any) -> Any:
    if name not in ("weight", "pos_weight") or value is None:
        return value
    try:
        if isinstance(value, Mapping):
            raise TypeError("a mapping is for 'class_weight'")
        if is_series(value) and value.index.tolist() != list(range(len(value))):
            raise TypeError("a Series by label is for 'class_weight'")
        if isinstance(value, Iterable) and not isinstance(value, (str, Tensor)):
            value = list(value)
        weights = torch.as_tensor(value).float()
        if not (weights.isfinite().all() and (weights >= 0).all() and weights.any()):
            raise ValueError("each must be finite and at least 0, and one of them more")
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"The 'criterion__{name}' parameter must be an array of numbers, of the classes in the "
            f"order of classes_. Got {value!r}: {error}."
        ) from error
    return weights


def _is_loss_function(criterion: Callable[..., Any]) -> bool:
    """Say whether a callable takes logits and labels, and does not make a loss module."""
    if isinstance(criterion, type):
        return False
    parameters = inspect.signature(criterion).parameters.values()
    required = [p for p in parameters if p.default is p.empty and p.kind in (0, 1)]
    return len(required) >= 2


def try_criterion(net: Any, n_outputs: int, outputs: Outputs = LOGITS) -> None:
    """Compute the criterion of a net once, for made-up outputs of a few rows.

    Raises ValueError if it fails or is not one number.
    """
    # not the number of outputs, so that labels that are broadcast to logits raise
    n = n_outputs + 1 if n_outputs < 64 else 63
    logits = torch.linspace(-1, 1, n * n_outputs).float().reshape(n, n_outputs).to(net.device)
    logits.requires_grad_()
    y = outputs.some_labels(n, n_outputs).to(net.device)
    must = (
        f"The 'criterion' parameter must be a loss of {outputs.name} (n_rows, {outputs.number}) "
        f"and {outputs.labels}, here of {n_outputs} {outputs.things}, that is one number"
    )
    try:
        loss = net.get_loss(logits, y)
    except Exception as error:
        raise ValueError(
            f"{must}, such as {outputs.loss}. {net.criterion!r} raised "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(loss, Tensor) or loss.ndim or not loss.requires_grad:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(
            f"{must}: leave its 'reduction' at 'mean', and compute it with torch. "
            f"{net.criterion!r} returned {got} without a mean or a gradient."
        )
    (slope,) = torch.autograd.grad(loss, logits, materialize_grads=True)
    if not slope.any() or not (slope.isfinite().all() and loss.isfinite()):
        raise ValueError(
            f"{must}, such as {outputs.loss}. {net.criterion!r} returned {loss.item():g} with "
            f"{'a gradient that is 0' if loss.isfinite() else 'no defined gradient'} for "
            "made-up ones."
        )
