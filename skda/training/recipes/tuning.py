"""Recipes of fine-tuning: what a training from trained weights does beside its steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...nn import freeze_layers

__all__ = ["Tuner", "average_with_start", "fix_layers"]


class Tuner(nn.Module):
    """Applies the recipes to the network that each method is given, and keeps its start.

    Parameters
    ----------
    module : nn.Module
        The network before training.
    body : sequence of sequence of str
        Its layers from the input, without the head, each a list of names of submodules.
    fixed : sequence of str
        Parameters that always stay fixed.
    head_epochs : int
        Number of epochs at the beginning that train the head alone.
    l2_sp : float
        Weight of the pull of the body towards its start, and of the head towards 0.
    freeze_norm : bool
        Whether the body's batch normalisation keeps its statistics.
    wise_ft : float
        Weight of the trained network in its average with the start.

    Attributes
    ----------
    head_is_trained : Tensor of shape (), bool
        Whether the start has the head as it was after the first `head_epochs`.
    """

    head_is_trained: Tensor

    def __init__(
        self,
        module: nn.Module,
        *,
        body: Sequence[Sequence[str]],
        fixed: Sequence[str],
        head_epochs: int,
        l2_sp: float,
        freeze_norm: bool,
        wise_ft: float,
    ) -> None:
        super().__init__()
        self.body, self.fixed, self.head_epochs = body, fixed, head_epochs
        self.l2_sp, self.freeze_norm, self.wise_ft = l2_sp, freeze_norm, wise_ft
        self.register_buffer("head_is_trained", torch.tensor(False))
        kept = _numbers(module) if l2_sp > 0 or wise_ft < 1 else []
        self.start = [f"start{i}" for i in range(len(kept))]
        for name, tensor in zip(self.start, kept, strict=True):
            self.register_buffer(name, tensor.detach().clone())

    def fix(self, module: nn.Module, epochs_done: int) -> None:
        """Fix what the recipes fix in this epoch, and free the rest of the body."""
        if epochs_done >= self.head_epochs > 0:
            self.note_head(module)
        if self.head_epochs > 0:
            n_fixed = len(self.body) if epochs_done < self.head_epochs else 0
            freeze_layers(module, self.body, n_fixed)
            for name in self.fixed:
                module.get_parameter(name).requires_grad_(False)
        if self.freeze_norm:
            for layer in self._layers(module):
                if hasattr(layer, "running_mean"):
                    layer.eval()

    def pull(self, module: nn.Module) -> None:
        """Add the gradient of the penalty on the weights to that of the loss."""
        if self.l2_sp == 0:
            return
        in_body = self._parameters_of_body(module)
        for parameter, start in self._with_start(module):
            if parameter.grad is not None:
                away = parameter.detach() - start if id(parameter) in in_body else parameter
                parameter.grad.add_(away.detach(), alpha=self.l2_sp)

    def note_head(self, module: nn.Module) -> None:
        """Copy the head into the start, once: after the epochs that trained the head alone."""
        if self.head_is_trained:
            return
        self.head_is_trained.fill_(True)
        in_body = self._parameters_of_body(module)
        norms = {id(buffer) for layer in self._layers(module) for buffer in layer.buffers()}
        for tensor, start in self._with_start(module):
            if id(tensor) not in in_body | norms:
                start.copy_(tensor.detach())

    def average(self, module: nn.Module, done: set[int]) -> None:
        """Average the weights and buffers that are not in `done` with those of the start."""
        for tensor, start in self._with_start(module):
            if id(tensor) not in done:
                tensor.copy_(start.lerp(tensor, self.wise_ft))
                done.add(id(tensor))

    def _with_start(self, module: nn.Module) -> list[tuple[Tensor, Tensor]]:
        starts = [self.get_buffer(name) for name in self.start]
        return list(zip(_numbers(module), starts, strict=True)) if starts else []

    def _layers(self, module: nn.Module) -> list[nn.Module]:
        return [module.get_submodule(name) for layer in self.body for name in layer]

    def _parameters_of_body(self, module: nn.Module) -> set[int]:
        return {id(p) for layer in self._layers(module) for p in layer.parameters(recurse=False)}


def _numbers(module: nn.Module) -> list[Tensor]:
    """Return the parameters and the buffers that are floating-point numbers."""
    return [t for t in (*module.parameters(), *module.buffers()) if t.is_floating_point()]


def fix_layers(net: Any) -> None:
    """Fix the layers of a net that the next epoch does not train, and free the others."""
    epochs_done, module = len(net.history) - 1, net.plain_module
    if net.tuning:
        net.tuner_.fix(module, epochs_done)
        epochs_done -= net.tuner_.head_epochs
        if epochs_done < 0:  # the whole body is fixed
            return
    freed = epochs_done // net.unfreeze_every if net.unfreeze_every else 0
    freeze_layers(module, net.frozen, max(0, len(net.frozen) - freed))


@torch.no_grad()
def average_with_start(net: Any) -> None:
    """Average the weights and the statistics of a trained net with those of its start."""
    if not net.tuning or net.tuner_.wise_ft == 1:
        return
    tuner, own = net.tuner_, net.domain_module_
    if tuner.head_epochs:
        tuner.note_head(own.plain)
    done: set[int] = set()
    tuner.average(own.plain, done)
    # the start has the same statistics for all domains
    for domain, statistics in own.statistics.items():
        if domain != "source" and statistics.seen:
            with statistics.installed(own.norms):
                tuner.average(own.plain, done)
