"""Many networks of one architecture as one: their weights stacked along a leading axis."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from ..nn import Layer, LayerCapture
from .lifted import Lifted, UnstackableError, lift
from .rng import isolated_rng

__all__ = ["DROPOUTS", "StackedNetworks", "UnstackableError", "stack_networks"]


class StackedNetworks:
    """Networks of one architecture that pass their rows together.

    Parameters
    ----------
    modules : sequence of nn.Module
        The networks; they are left as they are.
    layers : sequence of Layer
        Places whose activations are returned beside the output.
    lifted : bool
        Whether the leaves of the module are replaced by ones that take a leading axis of models,
        which is faster; otherwise ``torch.func.vmap`` lifts the module as a whole.

    Attributes
    ----------
    parameters : dict of str to Tensor of shape (n_models, ...)
        Trained in place.
    buffers : dict of str to dict of str to Tensor
        Running statistics of "source" and "target", of shape (n_models, ...); and of "both", of
        shape (2, n_models, ...), which are the same numbers.

    Raises
    ------
    UnstackableError
        If the architectures differ, or `lifted` is asked of layers that have no such form.
    """

    def __init__(
        self, modules: Sequence[nn.Module], layers: Sequence[Layer] = (), *, lifted: bool
    ) -> None:
        shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in modules]
        if any(shape != shapes[0] for shape in shapes):
            raise UnstackableError("the networks of the folds have different shapes")
        parameters, buffers = stack_module_state(list(modules))
        self.parameters = {
            name: value.detach().requires_grad_(modules[0].get_parameter(name).requires_grad)
            for name, value in parameters.items()
        }
        both = {name: torch.stack([value.detach()] * 2) for name, value in buffers.items()}
        self.buffers = {
            "source": {name: value[0] for name, value in both.items()},
            "target": {name: value[1] for name, value in both.items()},
            "both": both,
        }
        self.lifted = lifted
        self.module = copy.deepcopy(modules[0]).train()
        if lifted:
            self.module = lift(self.module, "")
        for layer in self.module.modules():
            if isinstance(layer, DROPOUTS):  # with p=0: vmap takes it for random all the same
                layer.eval()
        self.leaves = [leaf for leaf in self.module.modules() if isinstance(leaf, Lifted)]
        self.layers = layers

    def __call__(self, rows: Tensor, domain: str, part: slice) -> tuple[tuple[Tensor, ...], Tensor]:
        """Pass rows (n_models_of_part, n, ...) of a domain; return activations and outputs.

        Each is of shape (n_models_of_part, n, d). Lifted networks pass all models' rows of "both"
        domains in one go, in turns a source row and a target row, each normalised among its own.
        """
        state = self.parameters | self.buffers[domain]
        if len(rows) != len(next(iter(self.parameters.values()))):
            state = {name: value[part] for name, value in state.items()}
        with LayerCapture(self.module, self.layers) as capture:
            if not self.lifted:
                return vmap(
                    lambda state, rows: self._pass(state, rows, capture), randomness="error"
                )(state, rows)
            for leaf in self.leaves:
                leaf.take(state)
            logits = self.module(rows)
            n = rows.shape[1]
            return tuple(f.unflatten(1, (n, -1)) for f in capture.pop()), logits

    def _pass(
        self, state: Mapping[str, Tensor], rows: Tensor, capture: LayerCapture
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        logits: Tensor = functional_call(self.module, dict(state), (rows,))
        return capture.pop(), logits

    def write_back(self, i: int, module: nn.Module, domain: str = "source") -> None:
        """Copy weights and statistics of model `i` into a network of the same architecture."""
        with torch.no_grad():
            for name, value in self.parameters.items():
                module.get_parameter(name).copy_(value[i])
            for name, value in self.buffers[domain].items():
                module.get_buffer(name).copy_(value[i])


def stack_networks(
    modules: Sequence[nn.Module], layers: Sequence[Layer], rows: Tensor
) -> StackedNetworks:
    """Stack networks in the fastest way that gives what they give one by one.

    Parameters
    ----------
    modules : sequence of nn.Module
    layers : sequence of Layer
    rows : Tensor of shape (n_models, n, ...)
        Rows to try it on.

    Returns
    -------
    StackedNetworks

    Raises
    ------
    UnstackableError
        If there is none.
    """
    why = "its outputs differ from those of the networks one by one"
    for lifted in (True, False):
        try:
            # what is random in a forward pass must not advance the global generators
            with isolated_rng(0, rows.device):
                trial = StackedNetworks(modules, layers, lifted=lifted)
                agrees = _agrees(trial, modules, rows)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            why = str(error).splitlines()[0]
        else:
            if agrees:  # the trial has moved its running statistics
                return StackedNetworks(modules, layers, lifted=lifted)
    raise UnstackableError(f"the module cannot be stacked: {why}")


def _agrees(stacked: StackedNetworks, modules: Sequence[nn.Module], rows: Tensor) -> bool:
    features, logits = stacked(rows, "source", slice(0, len(modules)))
    for i in {0, len(modules) - 1}:
        alone = copy.deepcopy(modules[i]).train()
        with torch.no_grad(), LayerCapture(alone, stacked.layers) as capture:
            expected = [alone(rows[i]), *capture.pop()]
        for got, wanted in zip([logits, *features], expected, strict=True):
            if got[i].shape != wanted.shape or not torch.allclose(
                got[i], wanted, rtol=1e-3, atol=1e-4
            ):
                return False
    return True


DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
