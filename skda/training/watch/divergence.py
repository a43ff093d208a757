"""A training whose loss, weights or outputs are no longer finite."""

from __future__ import annotations

from typing import Any

import torch

from ..errors import DivergenceError
from ..labelled import weights_of_mean

__all__ = ["check_last_step", "diverged"]


def check_last_step(net: Any) -> None:
    """Raise if the last step of a net diverged: no later loss shows that."""
    if net.last_batch_ is None:  # no step was taken: a checkpoint had all epochs
        return
    net._set_training(False)  # noqa: SLF001  # skorch's
    with torch.no_grad():
        outputs = net.forward_domains(net.last_batch_)
    # a class may be ruled out by a logit of -inf
    found = [output.logits.amax(dim=1) for output in outputs if output is not None]
    state = [*net.module_.parameters(), *net.domain_module_.buffers()]
    found += [t.detach() for t in state if t.is_floating_point()]
    if net.processes.any(not torch.stack([t.isfinite().all() for t in found]).all()):
        what = "weights or the network's outputs became infinite or NaN in the last step in epoch"
        raise diverged(net, f"{what} {len(net.history)}")


def diverged(net: Any, what: str) -> DivergenceError:
    """Return an error that says what went wrong in the training of a net, with the remedies."""
    lr = net.optimizer_.param_groups[0]["lr"]
    weights = weights_of_mean(net.criterion_)
    if weights is None or weights.all():
        why = ""
    else:  # the mean over such a batch is 0 / 0
        why = (
            "A batch whose rows are all of classes with a weight of 0 has no mean loss: give these "
            f"classes a small weight, or raise 'batch_size' (now {net.batch_size}). Otherwise: "
        )
    return DivergenceError(
        f"The {what}. {why}Lower 'lr' (now {lr:.3g}) or 'lam' (now {net.lam:.3g}), or scale the "
        "input, e.g. with StandardScaler in a pipeline."
    )
