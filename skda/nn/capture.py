"""Catch the activations of named layers, without changing the module."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ._run import run_of

__all__ = ["Layer", "LayerCapture", "resolve_layers", "with_row_axes"]


class Layer(NamedTuple):
    """A place in a network: the input or the output of a named submodule."""

    name: str
    side: str  # "input" or "output"


class TimeFirst(Layer):
    """A place whose activations have the rows in the second axis, as (time, rows, units)."""


def resolve_layers(module: nn.Module, names: str | Sequence[str] | None = None) -> list[Layer]:
    """Turn `names` into places in `module` whose activations are to be caught.

    Parameters
    ----------
    module : nn.Module
        The network.
    names : str, sequence of str or None, default=None
        Names as in ``module.named_modules()``, of layers whose *output* is caught. None is the
        attribute ``adapt_layers`` of the module, if it has one, and otherwise the *input* of the
        ``nn.Linear`` that computes the logits: the one that was found when an estimator ran the
        module, or, if none did, the last one that is defined.

    Returns
    -------
    list of Layer

    Raises
    ------
    ValueError
        If a name is not in the module, naming the nearest match, or if no default exists.

    Examples
    --------
    >>> from torch import nn
    >>> resolve_layers(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    [Layer(name='2', side='input')]
    """
    if names is None:
        names = getattr(module, "adapt_layers", None)
    if names is None:
        linears = [name for name, m in module.named_modules() if isinstance(m, nn.Linear)]
        if not linears:
            raise ValueError(
                "The 'adapt_layers' parameter cannot be left at None for a module without any "
                f"nn.Linear. Pass one or several of {_known_names(module)}."
            )
        run = run_of(module)
        head = linears[-1] if run is None else run.head
        if head is None:
            raise ValueError(
                "The 'adapt_layers' parameter cannot be left at None for a module whose outputs "
                f"no nn.Linear computes. Pass one or several of {_known_names(module)}."
            )
        if run is not None and run.beside:
            warnings.warn(
                f"The 'adapt_layers' parameter is None: the features of {head!r} are adapted, but "
                f"the module's outputs are also those of {list(run.beside)}, from other features. "
                "Name the layers before all of them, or return features that they share.",
                stacklevel=2,
            )
        return [Layer(head, "input")]
    known = _known_names(module)
    wanted = [names] if isinstance(names, str) else list(dict.fromkeys(names))
    if not wanted:
        raise ValueError("The 'adapt_layers' parameter must name at least one layer. Got none.")
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"The 'adapt_layers' parameter must name layers of the module, "
                f"one or several of {known}. Got {name!r} instead.{hint}"
            )
    return [Layer(name, "output") for name in wanted]


def with_row_axes(module: nn.Module, layers: Sequence[Layer], rows: Tensor) -> list[Layer]:
    """Find the axis of the rows in the activations of `layers`, by batches of two sizes.

    Returns the layers, as `TimeFirst` where the second axis has the rows. Raises ValueError if
    neither the first axis nor the second one has one entry a row.
    """
    sizes = 2, 5
    shapes = []
    for n in sizes:
        with LayerCapture(module, layers) as capture:
            module(rows[torch.arange(n) % len(rows)])
            shapes.append([tuple(t.shape) for t in capture._tensors()])  # noqa: SLF001
    found = []
    for layer, *both in zip(layers, *shapes, strict=True):
        of_rows = [axis for axis, pair in enumerate(zip(*both, strict=True)) if pair == sizes]
        changing = [axis for axis, (a, b) in enumerate(zip(*both, strict=True)) if a != b]
        if changing != of_rows or changing not in ([0], [1]):
            raise ValueError(
                f"The 'adapt_layers' parameter must name layers with one row of features for each "
                f"row of the batch. The {layer.side} of {layer.name!r} has shape {both[0]} for "
                f"{sizes[0]} rows and {both[1]} for {sizes[1]}. Name a layer that comes after the "
                "steps or tokens of a row are put together, such as nn.Flatten."
            )
        found.append(layer if changing == [0] else TimeFirst(*layer))
    return found


def _known_names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_modules() if name]


class LayerCapture:
    """Context manager that holds the latest activations of some layers of a module.

    Parameters
    ----------
    module : nn.Module
        The network; it is unchanged after the with block.
    layers : list of Layer
        Places to catch, from `resolve_layers`.
    row_axes : int, default=1
        Leading axes of the activations that are kept: 1 for rows, 2 for models and rows.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> with LayerCapture(net, resolve_layers(net)) as capture:
    ...     logits = net(torch.zeros(5, 4))
    ...     features = capture.pop()
    >>> [tuple(f.shape) for f in features]
    [(5, 3)]
    """

    def __init__(self, module: nn.Module, layers: Sequence[Layer], row_axes: int = 1) -> None:
        self.module = module
        self.layers = list(layers)
        self.row_axes = row_axes
        self._caught: dict[Layer, Any] = {}
        self._handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> LayerCapture:
        """Register the hooks."""
        for layer in self.layers:
            submodule = self.module.get_submodule(layer.name)
            hook = submodule.register_forward_hook(self._hook(layer), with_kwargs=True)
            self._handles.append(hook)
        return self

    def __exit__(self, *exc: object) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._caught.clear()

    def _hook(self, layer: Layer) -> Any:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            self._caught[layer] = [*args, *kwargs.values()][0] if layer.side == "input" else output

        return hook

    def pop(self) -> tuple[Tensor, ...]:
        """Return the activations of the latest forward pass, each flattened to (n, d).

        Returns
        -------
        tuple of Tensor of shape (n_rows, n_features_of_layer)

        Raises
        ------
        ValueError
            If a layer did not take part in the forward pass, or its output is no tensor.
        """
        axes = self.row_axes
        features = []
        for layer, caught in zip(self.layers, self._tensors(), strict=True):
            rows = caught.transpose(axes - 1, axes) if isinstance(layer, TimeFirst) else caught
            flat = rows.ndim == axes + 1
            features.append(rows if flat else rows.reshape(*rows.shape[:axes], -1))
        return tuple(features)

    def _tensors(self) -> list[Tensor]:
        """Return the activations of the latest forward pass as they are, once."""
        found = []
        for layer in self.layers:
            caught = self._caught.pop(layer, None)
            # recurrent layers return (output, state)
            caught = caught[0] if isinstance(caught, tuple) and caught else caught
            if not isinstance(caught, Tensor):
                raise ValueError(
                    f"The 'adapt_layers' parameter names {layer.name!r}, whose {layer.side} is "
                    f"{'never computed' if caught is None else f'a {type(caught).__name__}'} in "
                    "the module's forward. Name a layer that returns a tensor."
                )
            found.append(caught)
        return found
