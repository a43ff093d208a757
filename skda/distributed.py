"""Training in several processes, on several GPUs or machines, through Hugging Face Accelerate."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from .training.data.rows import Index
from .training.processes import Outputs, Processes, Value, together
from .training.term import DomainOutput

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["accelerated"]

# Accelerate's names for one process, and for several that each hold the whole network
_SUPPORTED = ("NO", "MULTI_CPU", "MULTI_GPU", "MULTI_XPU", "MULTI_NPU")


@contextmanager
def accelerated(accelerator: Accelerator, *, gather: bool = True) -> Iterator[None]:
    """Share the trainings inside the with block among the processes of an Accelerator.

    Every process runs the same program and passes the same rows to `fit`. Each batch of each domain
    is cut into one share for each process. The gradients are averaged, so that all processes end
    with the same weights. With n processes a step has n times `batch_size` rows of each domain, or
    `batch_size` in all if the Accelerator has ``split_batches=True``. `fit` gives the same weights
    as one process with batches of that size.

    Only the main process writes checkpoints and shows progress. The estimators need no additional
    parameter, and keep nothing of the Accelerator: they can be cloned, saved and pickled as usual.
    ``device="auto"`` is the Accelerator's device.

    Parameters
    ----------
    accelerator : accelerate.Accelerator
        Made in each process by the program, with ``cpu=True`` if there are no GPUs. Start the
        program with ``torchrun``, or on GPUs with ``accelerate launch``. Otherwise there is one
        process, and the block changes nothing but the device.
    gather : bool, default=True
        Whether each process computes both terms of the loss from the features and logits of the
        whole batch, gathered with their gradients. False computes them from the share of the
        process. This needs less communication. But a loss that is no mean over the rows, such as
        MMD, CORAL or class confusion, is then estimated on fewer rows.

    Raises
    ------
    TypeError
        If `accelerator` is not an ``accelerate.Accelerator``.
    ValueError
        If the Accelerator knows only one of several processes, splits the network (FSDP,
        DeepSpeed), or has mixed precision or gradient accumulation: the estimators have parameters
        of their own for these two.

    Notes
    -----
    Batch normalisation normalises by the share of one process, and its running statistics are
    averaged after each epoch: a batch-normalised network differs from that of one process. Dropout
    draws the same masks in each process. Predictions are not distributed: each process predicts
    all rows that it gets.

    Examples
    --------
    >>> from accelerate import Accelerator  # doctest: +SKIP
    >>> from skda import DANNClassifier
    >>> from skda.distributed import accelerated
    >>> with accelerated(Accelerator()):  # doctest: +SKIP
    ...     DANNClassifier(random_state=0).fit(X_source, y_source, X_target)
    """
    _check(accelerator)
    with together(_Accelerated(accelerator, gather)):
        yield


def _check(accelerator: Any) -> None:
    """Raise if `accelerator` is no Accelerator or has a setting that skda does not support."""
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise ImportError(
            'Several processes need the package accelerate: pip install "skda[distributed]".'
        ) from error
    if not isinstance(accelerator, Accelerator):
        raise TypeError(f"accelerator must be an accelerate.Accelerator. Got {accelerator!r}.")
    started = int(os.environ.get("WORLD_SIZE", 1))
    if accelerator.num_processes == 1 < started:
        raise ValueError(
            f"The program was started in {started} processes, but the Accelerator knows one, and "
            "each would train by itself. Without GPUs, make it with Accelerator(cpu=True)."
        )
    if accelerator.num_processes == 1 and _asked_for_several():
        warnings.warn(
            "There is one process: without GPUs `accelerate launch` starts no more, whatever its "
            "--num_processes says. Start the program with `torchrun --nproc-per-node N`.",
            stacklevel=4,
        )
    kind = accelerator.distributed_type.value
    if kind not in _SUPPORTED:
        raise ValueError(
            f"accelerated() trains the whole network in each process. Got an Accelerator of type "
            f"{kind}, which splits it; make one of the types {', '.join(_SUPPORTED[1:])}."
        )
    if accelerator.mixed_precision != "no":
        raise ValueError(
            f"The Accelerator has mixed_precision={accelerator.mixed_precision!r}. Leave it 'no', "
            "and pass amp='bf16' to the estimator."
        )
    if accelerator.gradient_accumulation_steps != 1:
        raise ValueError(
            "The Accelerator has gradient_accumulation_steps="
            f"{accelerator.gradient_accumulation_steps}. Leave it 1, and raise the 'batch_size' of "
            "the estimator."
        )


def _asked_for_several() -> bool:
    """Say whether ``accelerate launch`` was asked for several processes but started one."""
    names = "ACCELERATE_USE_CPU", "MASTER_ADDR"  # it sets the second one only for several
    return all(name in os.environ for name in names) and "WORLD_SIZE" not in os.environ


class _Accelerated(Processes):
    """The processes of an Accelerator."""

    def __init__(self, accelerator: Accelerator, gather: bool) -> None:
        self.accelerator = accelerator
        self.gathers = gather
        self.n = accelerator.num_processes
        self.rank = accelerator.process_index
        self.is_main = accelerator.is_main_process
        self.device = accelerator.device
        if self.device.type == "cpu":
            self.device = torch.device("cpu")  # without the index that Accelerate adds
        self.batches_in_a_step = 1 if accelerator.split_batches else self.n

    def shard(self, index: Index) -> Index:
        """Return the share of this process in a batch, a contiguous part of the rows."""
        edges = np.cumsum([0, *self._sizes(len(index))])
        return index[edges[self.rank] : edges[self.rank + 1]]

    def _sizes(self, n_rows: int) -> list[int]:
        """Return the number of rows of a batch that each process gets."""
        few, more = divmod(n_rows, self.n)
        return [few + (i < more) for i in range(self.n)]

    def gather(self, outputs: Outputs, n_rows: tuple[int, int]) -> Outputs:
        """Return the outputs of the network in all processes, in the order of the batch."""
        if not self.gathers or self.n == 1:
            return outputs
        source, target = outputs
        whole = self._gather_output(source, n_rows[0])
        return whole, None if target is None else self._gather_output(target, n_rows[1])

    def _gather_output(self, output: DomainOutput, n_rows: int) -> DomainOutput:
        sizes = self._sizes(n_rows)
        parts = (*output.features, output.logits)
        whole = self._gather_rows(torch.cat(parts, 1), sizes)
        *features, logits = whole.split([part.shape[1] for part in parts], 1)
        y = None if output.y is None else self._gather_rows(output.y, sizes)
        return DomainOutput(tuple(features), logits, y)

    def _gather_rows(self, rows: Tensor, sizes: list[int]) -> Tensor:
        """Join the rows of all processes; the gradient reaches the rows of this process only."""
        padded = rows.new_zeros((max(sizes), *rows.shape[1:]))
        padded[: len(rows)] = rows.detach()
        blocks = self.accelerator.gather(padded).split(max(sizes))
        parts = [block[:size] for block, size in zip(blocks, sizes, strict=True)]
        own = rows.view_as(rows)
        if own.requires_grad:
            # All processes compute the same loss of all rows, and each passes back the gradient
            # of its own rows: the sum of these is n times their mean.
            own.register_hook(lambda gradient: gradient * self.n)
        parts[self.rank] = own
        return torch.cat(parts)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace the gradients by their mean, in one message."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        if self.n > 1 and gradients:
            mean = self.mean(parameters_to_vector(gradients))
            vector_to_parameters(mean, gradients)

    def mean(self, tensor: Tensor) -> Tensor:
        """Return the mean of a tensor over the processes."""
        mean: Tensor = self.accelerator.reduce(tensor, reduction="mean")
        return mean

    def any(self, flag: bool) -> bool:
        """Say whether a flag is set in some process."""
        return bool(self.mean(torch.tensor(float(flag), device=self.device)) > 0)

    def of_main(self, value: Value) -> Value:
        """Return the value of the main process."""
        from accelerate.utils import broadcast_object_list

        values: list[Value] = broadcast_object_list([value])
        return values[0]

    def check_same(self, value: Any, message: str) -> None:
        """Raise ValueError in all processes if they have different values."""
        if self.any(self.of_main(value) != value):
            raise ValueError(f"{message} Here: {value}.")

    def average_buffers(self, modules: Iterable[nn.Module]) -> None:
        """Replace the running statistics by their mean over the processes."""
        buffers = {id(b): b for module in modules for b in module.buffers()}.values()
        for buffer in buffers if self.n > 1 else ():
            if buffer.is_floating_point():
                buffer.copy_(self.mean(buffer))

    def share_state(self, modules: Iterable[nn.Module]) -> None:
        """Replace weights and buffers by those of the main process."""
        from accelerate.utils import broadcast

        tensors = [t for module in modules for t in module.state_dict().values()]
        broadcast([t for t in tensors if isinstance(t, Tensor)])

    def wait(self) -> None:
        """Wait until all processes have reached this call."""
        self.accelerator.wait_for_everyone()
