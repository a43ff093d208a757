"""Parameters that are set between two `partial_fit`: the net takes some over, others raise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from .._building.modules import resolve_device
from ..training import LAM_SCHEDULES, LR_SCHEDULES, AdaptationNet
from ..training.recipes.schedules import checked_schedule
from ..training.watch.callbacks import as_callbacks

__all__ = ["take_over_parameters"]

_SCHEDULES = {"lam_schedule": LAM_SCHEDULES, "lr_schedule": LR_SCHEDULES}
# read anew in each call, or without effect on a further epoch
_READ_ANEW = {
    "lam",
    "adapt_batch_norm",
    "checkpoint",
    "checkpoint_every",
    "data_device",
    "random_state",
    "target_label_weight",
    "target_priors",
    "verbose",
    "warm_start",
}


def take_over_parameters(
    net: AdaptationNet, before: Mapping[str, Any], now: Mapping[str, Any], n_epochs: int
) -> None:
    """Pass parameters that were set after a training to the trained net.

    `before` are the estimator's parameters when the net was last trained and `now` the present
    ones; `n_epochs` is what `max_epochs` stands for now. Raises ValueError if a new value describes
    another network, loss or optimizer.
    """
    changed = [
        name
        for name in sorted(before.keys() | now.keys())
        if name not in _READ_ANEW and not _equal(before.get(name), now.get(name))
    ]
    for name in changed:
        if name == "lr":
            ratio = now["lr"] / before["lr"]
            for group in net.optimizer_.param_groups:
                group["lr"] *= ratio
            net.rates_ = [rate * ratio for rate in net.rates_]
            net.lr = now["lr"]
        elif name in _SCHEDULES:
            if name == "lr_schedule":  # from the rates without the factor of the last step
                for group, rate in zip(net.optimizer_.param_groups, net.rates_, strict=False):
                    group["lr"] = rate
                net.rates_ = ()
            setattr(net, name, checked_schedule(now[name], _SCHEDULES[name], name))
        elif name == "callbacks":
            net.callbacks = as_callbacks(now[name])
            net.initialize_callbacks()
        elif name == "device" and resolve_device(now[name]) == torch.device(net.device):
            continue  # where the net is
        elif name in ("batch_size", "cuda_graphs"):
            setattr(net, name, now[name])
        elif name == "max_epochs":
            net.planned_epochs = n_epochs
        else:
            raise ValueError(
                f"The {name!r} parameter was set to {now.get(name)!r} after the training began "
                f"with {before.get(name)!r}, and partial_fit goes on with that network. Set it "
                "back, or call fit, which starts anew."
            )


def _equal(a: Any, b: Any) -> bool:
    try:
        return a is b or (type(a) is type(b) and bool(np.all(a == b)))
    except (TypeError, ValueError, RuntimeError):  # of other shapes
        return False
