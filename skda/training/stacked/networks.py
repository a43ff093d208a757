"""Many networks of one architecture as one, with their weights stacked along a leading axis."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import stack_module_state

from ...nn import Layer, LayerCapture
from ..rng import isolated_rng
from ..term import AdaptationTerm, DomainOutput
from .layers import DROPOUTS, Lifted, MaskedDropout, UnstackableError, WholeModule, lift, lift_term

__all__ = ["StackedModules", "stack_networks", "stack_terms"]


class StackedModules:
    """The weights of modules of one architecture, and a module that computes with them.

    Parameters
    ----------
    modules : sequence of nn.Module
        They are not changed.
    module : nn.Module
        Computes on tensors with a leading axis of models.
    leaves : sequence of Lifted
        The parts of `module` that take the weights.

    Attributes
    ----------
    parameters : dict of str to Tensor of shape (n_models, ...)
        Trained in place.
    buffers : dict of str to dict of str to Tensor
        Running statistics of "source" and of "target", of shape (n_models, ...), which are views
        of those of "both", of shape (2, n_models, ...).
    """

    def __init__(
        self, modules: Sequence[nn.Module], module: nn.Module, leaves: Sequence[Lifted]
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
        self.n_models = len(modules)
        self.module = module
        self.leaves = leaves

    def select(self, part: slice, domain: str = "source") -> None:
        """Use the weights of a part of the models from now on."""
        state = self.parameters | self.buffers[domain]
        if part != slice(0, self.n_models):
            state = {name: value[part] for name, value in state.items()}
        for leaf in self.leaves:
            leaf.take(state, part)

    def draw_from(self, generators: Sequence[torch.Generator]) -> bool:
        """Give each model's dropout a generator; return whether there is any dropout."""
        dropouts = [leaf for leaf in self.leaves if isinstance(leaf, MaskedDropout)]
        for leaf in dropouts:
            leaf.generators = generators
        return bool(dropouts)

    def take_statistics(self, i: int, module: nn.Module, domain: str) -> None:
        """Copy the statistics of a module of the same architecture into those of model `i`."""
        for name, value in self.buffers[domain].items():
            value[i].copy_(module.get_buffer(name))

    def write_back(self, i: int, module: nn.Module, domain: str = "source") -> None:
        """Copy weights and statistics of model `i` into a module of the same architecture."""
        with torch.no_grad():
            for name, value in self.parameters.items():
                module.get_parameter(name).copy_(value[i])
            for name, value in self.buffers[domain].items():
                module.get_buffer(name).copy_(value[i])


class StackedNetworks(nn.Module):
    """Networks of one architecture that pass their rows together.

    The stack replaces a net's `DomainModule`. Rows have the shape (n_models, n, ...), features
    (n_models, n, d) and logits (n_models, n, n_outputs).

    Parameters
    ----------
    modules : sequence of nn.Module
        The networks, which are not changed.
    layers : sequence of Layer
        Places whose activations are returned beside the output.
    apart : bool
        Whether each domain is normalised by its own statistics.
    lifted : bool
        Whether the leaves of the module are replaced by layers with a leading axis of models,
        which is faster. Otherwise ``torch.func.vmap`` calls the module as a whole.

    Raises
    ------
    UnstackableError
        If the architectures differ, or if `lifted` is True and a layer has no such form.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        layers: Sequence[Layer] = (),
        *,
        apart: bool = True,
        lifted: bool,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.apart = apart
        self.lifted = lifted
        plain = copy.deepcopy(modules[0]).train()
        self.plain = lift(plain, "") if lifted else WholeModule(plain, "")
        leaves = [leaf for leaf in self.plain.modules() if isinstance(leaf, Lifted)]
        self.weights = StackedModules(modules, self.plain, leaves)
        self.part = slice(0, len(modules))
        self.draws_masks = False
        self.capture: LayerCapture | None = None

    @contextmanager
    def capturing(self) -> Iterator[None]:
        """Return features from `forward` inside the with block."""
        if not self.lifted:  # each call of vmap captures for itself
            yield
            return
        with LayerCapture(self.plain, self.layers, row_axes=2) as self.capture:
            yield
        self.capture = None

    def forward(self, rows: Tensor, domain: str = "source") -> DomainOutput:
        """Pass the rows of a part of the models, (n_models_of_part, n, ...), of a domain."""
        self.weights.select(self.part, domain)
        if isinstance(self.plain, WholeModule):
            logits, features = self.plain.with_features(rows, self.layers)
            return DomainOutput(features, logits)
        logits = self.plain(rows)
        return DomainOutput(self.capture.pop() if self.capture else (), logits)

    def forward_sources(self, rows: Tensor, sizes: Sequence[int], domain: str) -> DomainOutput:
        """Pass labelled rows of one domain; several sources cannot be stacked."""
        output: DomainOutput = self(rows, domain)
        return output

    def mix_sources(self) -> None:
        """Do nothing: there is one source."""

    def forward_both(
        self, source: Tensor, target: Tensor, sizes: Sequence[int] = ()
    ) -> tuple[DomainOutput, DomainOutput]:
        """Pass a batch of each domain, (n_models_of_part, n, ...)."""
        n = source.shape[1]
        if not self.apart:
            both = self(torch.cat([source, target], dim=1))
            return self._cut(both, slice(n), slice(n, None), by_turns=False)
        whole = self.part == slice(0, self.weights.n_models)
        # dropout draws its masks for one domain after the other
        if self.lifted and whole and n == target.shape[1] and not self.draws_masks:
            # rows alternate between the domains; each row is normalised within its domain
            rows = torch.stack([source, target], dim=2).flatten(1, 2)
            both = self(rows, "both")
            return self._cut(both, slice(0, None, 2), slice(1, None, 2), by_turns=True)
        return self(source, "source"), self(target, "target")

    @staticmethod
    def _cut(both: DomainOutput, *rows: slice, by_turns: bool) -> tuple[DomainOutput, DomainOutput]:
        source, target = (
            DomainOutput(
                tuple(layer[:, of_one] for layer in both.features),
                both.logits[:, of_one],
                both=both.features,
                by_turns=by_turns,
            )
            for of_one in rows
        )
        return source, target


def stack_networks(
    modules: Sequence[nn.Module], layers: Sequence[Layer], rows: Tensor, *, apart: bool = True
) -> StackedNetworks:
    """Stack networks in the fastest way that returns the same as the networks one by one.

    Parameters
    ----------
    modules : sequence of nn.Module
    layers : sequence of Layer
    rows : Tensor of shape (n_models, n, ...)
        Rows on which the outputs are compared.
    apart : bool, default=True
        Parameter of `StackedNetworks`.

    Returns
    -------
    StackedNetworks

    Raises
    ------
    UnstackableError
        If there is no such way.
    """

    def alone(i: int) -> list[Tensor]:
        module = _without_dropout(modules[i])
        with LayerCapture(module, layers) as capture:
            return [module(rows[i]), *capture.pop()]

    def together(lifted: bool) -> list[Tensor]:
        trial = StackedNetworks(modules, layers, apart=apart, lifted=lifted)
        with trial.capturing():
            output = trial(rows)
        return [output.logits, *output.features]

    for lifted in (True, False):
        why = _difference(partial(together, lifted), alone, len(modules), rows.device)
        if not why:  # the trial has moved its running statistics
            return StackedNetworks(modules, layers, apart=apart, lifted=lifted)
    raise UnstackableError(f"the module cannot be stacked: {why}")


def stack_terms(
    terms: Sequence[AdaptationTerm], widths: Sequence[int], n_outputs: int
) -> StackedModules:
    """Stack second terms of the loss, and compare the stack with the terms one by one.

    Parameters
    ----------
    terms : sequence of AdaptationTerm
    widths : sequence of int
        Widths of the adapted layers.
    n_outputs : int
        Width of the logits.

    Returns
    -------
    StackedModules

    Raises
    ------
    UnstackableError
        If the stack returns other numbers.
    """
    name = type(getattr(terms[0], "distance", getattr(terms[0], "loss", terms[0]))).__name__
    if not terms[0].stackable or terms[0].epoch_sample:
        raise UnstackableError(f"the adaptation loss {name} cannot be stacked")
    device = next((t.device for t in terms[0].state_dict().values()), torch.device("cpu"))
    numbers = torch.Generator().manual_seed(0)
    sizes, m = (6, 5), len(terms)

    def draw(n: int, width: int) -> Tensor:
        return torch.randn(m, n, width, generator=numbers).to(device)

    drawn = [([draw(n, w) for w in widths], draw(n, n_outputs)) for n in sizes]
    lams = torch.linspace(0.5, 1, m, device=device)

    def loss_and_gradients(term: nn.Module, lam: Any, of: Callable[[Tensor], Tensor]) -> Any:
        outputs = []
        for features, logits in drawn:
            leaves = [of(t).clone().requires_grad_() for t in (*features, logits)]
            y = leaves[-1].detach().argmax(-1)
            outputs.append(DomainOutput(tuple(leaves[:-1]), leaves[-1], y))
        with torch.enable_grad():
            loss = term(*outputs, lam)
            given = [t for output in outputs for t in (*output.features, output.logits)]
            grads = torch.autograd.grad(loss.sum(), given, allow_unused=True)
        return [loss.detach(), *filter(torch.is_tensor, grads)]

    def stacked() -> StackedModules:
        term = copy.deepcopy(terms[0])
        found = StackedModules(terms, term, lift_term(term))
        found.select(slice(0, m))
        return found

    def alone(i: int) -> list[Tensor]:
        term, lam = _without_dropout(terms[i]), lams[i].item()
        result: list[Tensor] = loss_and_gradients(term, lam, lambda t: t[i])
        return result

    why = _difference(
        lambda: loss_and_gradients(stacked().module.train(), lams, lambda t: t), alone, m, device
    )
    if why:
        raise UnstackableError(f"the adaptation loss {name} cannot be stacked: {why}")
    return stacked()


def _without_dropout(module: nn.Module) -> nn.Module:
    """Return a copy of a module in training mode, but for its dropout."""
    copied = copy.deepcopy(module).train()
    for layer in copied.modules():
        if isinstance(layer, DROPOUTS):
            layer.eval()
    return copied


def _difference(
    together: Callable[[], list[Tensor]],
    alone: Callable[[int], list[Tensor]],
    n_models: int,
    device: torch.device,
) -> str:
    """Say how a stack differs from its first and its last model; empty if it does not."""
    try:
        # random numbers of a forward pass must not come from the global generators
        with isolated_rng(0, device), torch.no_grad():
            found = together()
            for i in {0, n_models - 1}:
                for got, wanted in zip(found, alone(i), strict=True):
                    same = got[i].shape == wanted.shape
                    if not (same and torch.allclose(got[i], wanted, rtol=1e-3, atol=1e-4)):
                        return "its outputs differ from those of the networks one by one"
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return str(error).splitlines()[0]
    return ""
