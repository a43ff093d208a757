"""The words of each task for the outputs of its network, and made-up labels."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["LOGITS", "VALUES", "Outputs"]


class Outputs(NamedTuple):
    """The words of a task for the outputs of its network.

    These are the name of the outputs, the name of their number, what each of them stands for, the
    labels that a criterion is given with the outputs, and a suitable criterion.
    """

    name: str
    number: str
    things: str
    labels: str
    loss: str

    @property
    def are_logits(self) -> bool:
        """Whether the outputs are logits of classes."""
        return self.number == "n_classes"

    @property
    def shape(self) -> str:
        """Name of the outputs with their shape."""
        return f"{self.name} of shape (n_rows, {self.number})"

    def some_labels(self, n_rows: int, n_outputs: int) -> Tensor:
        """Return made-up labels as a criterion is given them."""
        if self.are_logits:
            return torch.arange(n_rows) % n_outputs
        return torch.linspace(1, -1, n_rows * n_outputs).float().reshape(n_rows, n_outputs)


LOGITS = Outputs(
    "logits", "n_classes", "classes", "class indices (n_rows,)", "torch.nn.CrossEntropyLoss"
)
VALUES = Outputs(
    "outputs", "n_outputs", "numbers", "labels (n_rows, n_outputs)", "torch.nn.MSELoss"
)
