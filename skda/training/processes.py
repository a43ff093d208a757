"""What the processes of one training exchange: nothing, where there is one process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from .data.rows import Index
from .term import DomainOutput

__all__ = ["ONE_PROCESS", "Processes", "current_processes", "together"]

Value = TypeVar("Value")
Outputs = tuple[DomainOutput, DomainOutput | None]


class Processes:
    """A training in one process; `skda.distributed` has the class for several.

    Attributes
    ----------
    n : int
        Number of processes.
    is_main : bool
        Whether this process writes the files and the output.
    device : torch.device or None
        Where this process trains; None leaves it to the estimator.
    batches_in_a_step : int
        Number of batches of `batch_size` rows that make a step of the training.
    """

    n = 1
    is_main = True
    device: torch.device | None = None
    batches_in_a_step = 1

    def shard(self, index: Index) -> Index:
        """Return this process's share of the rows of a batch."""
        return index

    def gather(self, outputs: Outputs, n_rows: tuple[int, int]) -> Outputs:  # noqa: ARG002
        """Return the outputs of all processes, those of `n_rows` rows of each domain."""
        return outputs

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace the gradients by their mean over the processes."""

    def mean(self, tensor: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes."""
        return tensor

    def any(self, flag: bool) -> bool:
        """Say whether the flag is set in any process."""
        return flag

    def of_main(self, value: Value) -> Value:
        """Return the main process's value."""
        return value

    def check_same(self, value: Any, message: str) -> None:
        """Raise ValueError in all processes if they have different values."""

    def average_buffers(self, modules: Iterable[nn.Module]) -> None:
        """Replace the running statistics by their mean over the processes."""

    def share_state(self, modules: Iterable[nn.Module]) -> None:
        """Replace weights and buffers by those of the main process."""

    def wait(self) -> None:
        """Wait until all processes have come to this call."""


ONE_PROCESS = Processes()
_CURRENT: ContextVar[Processes] = ContextVar("skda_processes", default=ONE_PROCESS)


def current_processes() -> Processes:
    """Return the processes that share the trainings of this context."""
    return _CURRENT.get()


@contextmanager
def together(processes: Processes) -> Iterator[None]:
    """Share the trainings inside the with block among these processes."""
    token = _CURRENT.set(processes)
    try:
        yield
    finally:
        _CURRENT.reset(token)
