"""The results of the steps of an epoch: they stay on the device until its end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

__all__ = ["EpochRecord", "domain_accuracy"]

DomainLogits = tuple[int, tuple[Tensor, ...]]


class EpochRecord:
    """The losses of the steps of an epoch, lam, and the logits of a domain discriminator."""

    def __init__(self) -> None:
        self.losses: list[Tensor] = []
        self.classification_losses: list[Tensor] = []
        self.domain_logits: list[DomainLogits] = []
        self.lam: Any = 0.0  # of the last step; a schedule may return a tensor

    def add(self, step: Mapping[str, Any]) -> None:
        """Keep the results of a step, without waiting for the device."""
        self.losses.append(step["loss"].detach())
        self.classification_losses.append(step["classification_loss"])
        self.lam = step.get("lam", 0.0)
        if logits := step.get("domain_logits", ()):
            self.domain_logits.append((step["y_pred"].shape[0], logits))

    def stacked_losses(self) -> tuple[Tensor, Tensor]:
        """Return the losses and the classification losses, (n_steps, ...)."""
        return torch.stack(self.losses), torch.stack(self.classification_losses)

    def columns(self, optimizer: Optimizer, rates: Sequence[float]) -> dict[str, float]:
        """Return the columns of the history beside the losses.

        The learning rate is that of the optimizer's first group in the last step. `rates` has it
        where a schedule moved it for this step alone.
        """
        rate = rates[0] if rates else optimizer.param_groups[0].get("lr", math.nan)
        columns = {"lam": float(self.lam), "lr": float(rate), "train_batch_count": len(self.losses)}
        if self.domain_logits:
            columns["domain_accuracy"] = domain_accuracy(self.domain_logits)
        return columns


def domain_accuracy(steps: Iterable[DomainLogits]) -> float:
    """Return the accuracy of a domain discriminator, the mean of those on the two domains.

    Each step is a number of source rows and the logits of "target", source rows first, in one
    tensor (n_s + n_t,) or (n_s + n_t, 1), or in two. A logit of 0 is half right.

    Examples
    --------
    >>> domain_accuracy([(2, (torch.tensor([[-1.0], [1.0], [1.0]]),))])
    0.75
    """
    sums, counts = [], [0, 0]
    for (n_source, *_), same in groupby(steps, key=_sizes):
        parts = zip(*(logits for _, logits in same), strict=True)
        signs = torch.cat([torch.stack(part).flatten(1) for part in parts], dim=1).sign()
        domains = signs[:, :n_source], signs[:, n_source:]
        sums.append(torch.stack([signs_of_one.sum() for signs_of_one in domains]))
        counts = [n + rows.numel() for n, rows in zip(counts, domains, strict=True)]
    of_source, of_target = torch.stack(sums).sum(0).tolist()
    return float(0.5 + (of_target / counts[1] - of_source / counts[0]) / 4)


def _sizes(step: DomainLogits) -> tuple[int, ...]:
    n_source, logits = step
    return n_source, *map(len, logits)
