"""Layers that compute for many models: their tensors have a leading axis of models."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.functional import batch_norm

from ...nn import Layer, LayerCapture

__all__ = [
    "DROPOUTS",
    "Lifted",
    "MaskedDropout",
    "UnstackableError",
    "WholeModule",
    "lift",
    "lift_term",
]


class UnstackableError(ValueError):
    """These networks cannot be trained as one; the message says why."""


# layers that treat every number alike, in a tensor of any shape
_ELEMENTWISE = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.SELU,
    nn.CELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Tanh,
    nn.Sigmoid,
    nn.LogSigmoid,
    nn.Softplus,
    nn.Softsign,
    nn.Hardtanh,
    nn.Hardswish,
    nn.Identity,
)
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


class _LinearMap(torch.autograd.Function):
    """Batched x W' + b, with or without a ReLU; matrix products in the faster orientation.

    The tensors of many models are large, and new memory is slow: the bias and the ReLU are applied
    in place.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, relu: bool) -> Tensor:
        out = _product(x, weight.transpose(1, 2))
        if bias is not None:
            out.add_(bias[:, None])
        if relu:
            out.relu_()
        ctx.save_for_backward(x, weight, out if relu else None)
        return out

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, positive = ctx.saved_tensors
        (grad,) = grad_outputs
        if positive is not None:
            grad = torch.ops.aten.threshold_backward(grad, positive, 0)
        of_x, of_weight, of_bias, _ = ctx.needs_input_grad
        return (
            _product(grad, weight) if of_x else None,
            _product(grad.transpose(1, 2), x) if of_weight else None,
            grad.sum(dim=1) if of_bias else None,
            None,
        )


def _product(a: Tensor, b: Tensor) -> Tensor:
    # the kernels for many small matrices run along the last axis: they are up to 8 times faster if
    # that axis is the longer one, or if it fills whole vector registers
    if b.shape[2] >= a.shape[1] or b.shape[2] % 16 == 0:
        return torch.bmm(a, b)
    return torch.bmm(b.transpose(1, 2), a.transpose(1, 2)).transpose(1, 2)


class Lifted(nn.Module):
    """A layer of many models, whose weights have a leading axis of models."""

    def __init__(self, layer: nn.Module, name: str) -> None:
        super().__init__()
        prefix = f"{name}." if name else ""
        held = [*layer.named_parameters(), *layer.named_buffers()]
        self.names = {own: prefix + own for own, _ in held}
        self.bias = self.weight = None

    def take(self, state: Mapping[str, Tensor], part: slice) -> None:
        """Use these weights and statistics of a part of the models from now on."""
        for own, name in self.names.items():
            vars(self)[own] = state[name]


class _Linear(Lifted):
    """Linear layers of many models, with the ReLU behind them where there is one."""

    weight: Any
    bias: Any
    relu = False

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = _LinearMap.apply(x, self.weight, self.bias, self.relu)
        return out


class _BatchNorm(Lifted):
    """Batch normalisation of many models at once: their columns lie side by side."""

    weight: Any
    bias: Any
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, layer: nn.BatchNorm1d, name: str) -> None:
        super().__init__(layer, name)
        self.momentum, self.eps = layer.momentum, layer.eps

    def forward(self, x: Tensor) -> Tensor:
        m, n, d = x.shape
        # statistics (2, m, d) where source and target rows alternate
        domains = 2 if self.running_mean.ndim == 3 else 1
        self.num_batches_tracked.add_(1)
        out = batch_norm(
            x.unflatten(1, (n // domains, domains)).permute(1, 2, 0, 3).reshape(n // domains, -1),
            self.running_mean.view(-1),
            self.running_var.view(-1),
            None if self.weight is None else self.weight.expand(domains, m, d).reshape(-1),
            None if self.bias is None else self.bias.expand(domains, m, d).reshape(-1),
            training=True,
            momentum=self.momentum or 0.0,
            eps=self.eps,
        )
        return out.view(n, m, d).transpose(0, 1)


class MaskedDropout(Lifted):
    """Dropout of many models, each with the masks that it would draw alone.

    Attributes
    ----------
    generators : sequence of torch.Generator or None
        One for each model. Models with the same seed share a generator and its masks. With None
        nothing is dropped.
    """

    generators: Sequence[torch.Generator] | None = None

    def __init__(self, layer: nn.Dropout, name: str) -> None:
        super().__init__(layer, name)
        self.p = layer.p
        self.part = slice(None)

    def take(self, state: Mapping[str, Tensor], part: slice) -> None:
        """Draw masks for a part of the models from now on."""
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        """Return x (n_models, n, ...) with the masks applied."""
        if self.generators is None:
            return x
        masks: dict[torch.Generator, Tensor] = {}
        for generator in self.generators[self.part]:
            if generator not in masks:
                mask = x.new_empty(x.shape[1:]).bernoulli_(1 - self.p, generator=generator)
                masks[generator] = mask.div_(1 - self.p)
        return x * torch.stack([masks[generator] for generator in self.generators[self.part]])


class WholeModule(Lifted):
    """A module that has no lifted form, called for many models by ``torch.func.vmap``."""

    def __init__(self, module: nn.Module, name: str) -> None:
        super().__init__(module, name)
        self.module = module
        for parent in list(module.modules()):
            for child_name, child in parent.named_children():
                if isinstance(child, DROPOUTS) and child.p == 0:  # vmap would refuse it as random
                    setattr(parent, child_name, nn.Identity())
                elif isinstance(child, DROPOUTS):
                    raise UnstackableError("dropout draws its masks for one network at a time")

    def take(self, state: Mapping[str, Tensor], part: slice) -> None:
        """Call the module with these weights and statistics from now on."""
        self.state = {own: state[name] for own, name in self.names.items()}

    def forward(self, rows: Tensor) -> Tensor:
        """Return the output of all models."""
        return self.with_features(rows, ())[0]

    def with_features(
        self, rows: Tensor, layers: Sequence[Layer]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the output of all models and the activations of some layers."""

        def call(state: dict[str, Tensor], rows: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
            output: Tensor = functional_call(self.module, state, (rows,))
            return output, capture.pop()

        with LayerCapture(self.module, layers) as capture:
            found: tuple[Tensor, tuple[Tensor, ...]] = vmap(call, randomness="error")(
                self.state, rows
            )
        return found


class _OwnTensors(Lifted):
    """The parameters and buffers of a term that belong to none of its networks."""

    def __init__(self, term: nn.Module) -> None:
        super().__init__(nn.Identity(), "")
        held = [*term._parameters.items(), *term._buffers.items()]
        self.names = {name: name for name, value in held if value is not None}
        vars(self)["term"] = term  # not __setattr__, which would make it a child
        for name in self.names:
            (term._parameters if name in term._parameters else term._buffers).pop(name)

    def take(self, state: Mapping[str, Tensor], part: slice) -> None:
        for name in self.names:
            vars(self.term)[name] = state[name]


def lift_term(term: nn.Module) -> list[Lifted]:
    """Replace the networks and the tensors of a term by ones with a leading axis of models.

    Parameters
    ----------
    term : AdaptationTerm
        Changed in place.

    Returns
    -------
    list of Lifted
        The parts that take the weights.
    """
    leaves: list[Lifted] = [_OwnTensors(term)]
    for name, child in list(term.named_children()):
        if next(child.parameters(), None) is None:
            continue  # a loss: its function takes leading axes
        try:
            lifted = lift(copy.deepcopy(child), name)
        except UnstackableError:
            lifted = WholeModule(child, name)
        setattr(term, name, lifted)
        leaves += [leaf for leaf in lifted.modules() if isinstance(leaf, Lifted)]
    return leaves


def lift(module: nn.Module, name: str) -> nn.Module:
    """Replace the leaves of a module by ones that take a leading axis of models.

    Parameters
    ----------
    module : nn.Module
        Changed in place. Its forward works as before, with one axis more in all tensors.
    name : str
        Name of the module, with which the names of its weights begin.

    Returns
    -------
    nn.Module
        The module, or the layer that replaces it if it is a leaf.

    Raises
    ------
    UnstackableError
        If a leaf has no such form.
    """
    if next(module.children(), None) is None:
        return _lift_leaf(module, name)
    if next(module.parameters(recurse=False), None) is not None:
        raise UnstackableError(f"{type(module).__name__} has parameters of its own")
    for child_name, child in module.named_children():
        setattr(module, child_name, lift(child, f"{name}.{child_name}" if name else child_name))
    if isinstance(module, nn.Sequential):
        for i, (layer, following) in enumerate(pairwise(module)):
            if isinstance(layer, _Linear) and isinstance(following, nn.ReLU):
                layer.relu, module[i + 1] = True, nn.Identity()
    return module


def _lift_leaf(layer: nn.Module, name: str) -> nn.Module:
    kind = type(layer)
    if kind is nn.Linear:
        return _Linear(layer, name)
    if isinstance(layer, nn.BatchNorm1d) and kind is nn.BatchNorm1d:
        if layer.track_running_stats and layer.momentum is not None:
            return _BatchNorm(layer, name)
    elif isinstance(layer, nn.Flatten) and layer.start_dim == 1:
        return nn.Flatten(2, layer.end_dim)
    elif isinstance(layer, DROPOUTS) and layer.p == 0:
        return nn.Identity()
    elif isinstance(layer, nn.Dropout):
        return MaskedDropout(layer, name)
    elif kind in _ELEMENTWISE:
        return layer
    raise UnstackableError(f"{kind.__name__} has no lifted form")
