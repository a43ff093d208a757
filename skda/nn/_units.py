"""Outputs of a regression in the units of its labels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["InUnits"]


class InUnits(nn.Module):
    """A network for standardised labels, whose outputs are scaled back.

    `mean` and `scale`, of shape (n_outputs,), are those of the labels.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, network: nn.Module, mean: Any, scale: Any) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))

    def forward(self, *rows: Tensor, **inputs: Tensor) -> Tensor:
        """Return the predictions, shape (n_rows, n_outputs)."""
        outputs: Tensor = self.network(*rows, **inputs)
        return outputs * self.scale + self.mean
