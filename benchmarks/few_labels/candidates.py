"""Losses of target rows that are not in skda, compared to see whether they should be."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skda.base import AdaptingClassifier
from skda.losses import EntropyLoss
from skda.training import AdaptationTerm, DomainOutput, TargetTerm


class Entropy(AdaptingClassifier):
    """Entropy of the predictions of target rows (Grandvalet 2004), with a rising lam."""

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 1.0,
        lam_schedule: str | Callable[[float], float] = "ramp",
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, lam_schedule=lam_schedule, **params)

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return TargetTerm(EntropyLoss())


class RelativeThreshold(AdaptationTerm):
    """AdaMatch's pseudo-labels (Berthelot 2022), without its augmentation of images.

    The predictions of the target rows are aligned with the mean prediction of the source rows. A
    row counts if its largest probability is at least .9 times the mean of the source rows.
    """

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        with torch.no_grad():
            of_source, of_target = source.logits.softmax(-1), target.logits.softmax(-1)
            aligned = of_target * of_source.mean(-2, keepdim=True)
            aligned = aligned / of_target.mean(-2, keepdim=True).clamp_min(1e-6)
            sure, labels = (aligned / aligned.sum(-1, keepdim=True)).max(-1)
            counts = sure >= 0.9 * of_source.amax(-1).mean(-1, keepdim=True)
        losses = -target.logits.log_softmax(-1).gather(-1, labels.unsqueeze(-1)).squeeze(-1)
        return lam * (losses * counts).mean(-1)


class AdaMatch(Entropy):
    """Pseudo-labels by a relative threshold."""

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return RelativeThreshold()
