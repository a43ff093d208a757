"""Whether the adaptation loss has a gradient for any weight of the network."""

from __future__ import annotations

import warnings
from typing import Any

from torch import Tensor

from ..nn._run import graph_of
from .term import DomainOutput

__all__ = ["note_reach", "warn_of_no_reach"]


def note_reach(net: Any, adaptation_loss: Tensor, *outputs: DomainOutput) -> None:
    """Note in a net whether the adaptation loss of any step so far depends on a trained weight.

    It does if the loss reads a feature or a logit that has a gradient, or a weight of the network.
    """
    if vars(net).get("reached_"):
        return
    functions, leaves = graph_of(adaptation_loss)
    given = [t for o in outputs for t in (*o.features, *o.both, o.logits)]
    net.reached_ = any(t.grad_fn in functions for t in given if t.grad_fn is not None) or any(
        id(parameter) in leaves for parameter in net.plain_module.parameters()
    )


def warn_of_no_reach(net: Any) -> None:
    """Warn after a training in which no adaptation loss had a gradient for the network.

    There is no warning where the user chose a recipe that frees layers only in later epochs.
    """
    frees_later = net.unfreeze_every or (net.tuning and net.tuning["head_epochs"])
    if vars(net).pop("reached_", True) is False and not frees_later:
        places = [f"the {layer.side} of {layer.name!r}" for layer in net.layers]
        warnings.warn(
            f"The adaptation loss trained no weight of the network, so that 'lam' had no effect: "
            f"all weights below {' and '.join(places)} are frozen, or there are none. Free some of "
            "them, name a layer with trained weights in 'adapt_layers', or put one in front of "
            "the module's classifier.",
            stacklevel=2,
        )
