"""Networks that are stacked in an unusual way, or cannot be stacked."""

from __future__ import annotations

import torch
from torch import nn


class Unusual(nn.Module):
    """Uses the shape of its input, and has a parameter outside of its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.full((4,), 0.1))
        self.first = nn.Linear(4, 6)
        self.last = nn.Linear(6, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.reshape(x.shape[0], -1) + self.shift
        return self.last(torch.tanh(self.first(x)) * x.mean(dim=1, keepdim=True))
