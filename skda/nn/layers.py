"""Count, freeze and re-initialise the layers of any module."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from torch import nn

from ._run import run_of
from .domain_stats import batch_norm_layers

__all__ = [
    "classifier_head",
    "freeze_layers",
    "insert_bottleneck",
    "reinitialise",
    "replace_head",
    "weight_layers",
]


def weight_layers(module: nn.Module) -> list[list[str]]:
    """Name the layers of `module` in order, each with the normalisation that belongs to it.

    A layer is a submodule with parameters of its own; normalisation layers count with the layer
    before them, or with the first. Where an estimator ran the module, the order is that of the
    calls, without layers on which the logits do not depend; otherwise it is that of the
    definitions.

    Parameters
    ----------
    module : nn.Module

    Returns
    -------
    list of list of str
        Names as in ``module.named_modules()``.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
    >>> weight_layers(net)
    [['0', '1'], ['3']]
    """
    norms = set(batch_norm_layers(module))
    layers: list[list[str]] = []
    leading: list[str] = []
    run = run_of(module)
    for name in run.order if run else [name for name, _ in module.named_modules()]:
        submodule = module.get_submodule(name)
        if submodule in norms:
            (layers[-1] if layers else leading).append(name)
        elif next(submodule.parameters(recurse=False), None) is not None:
            layers.append([*leading, name])
            leading = []
    return layers


def freeze_layers(module: nn.Module, layers: Sequence[Sequence[str]], n_frozen: int) -> None:
    """Fix the parameters of the first `n_frozen` of some layers, and free those of the others.

    Parameters
    ----------
    module : nn.Module
        In train mode; the normalisation of fixed layers goes into eval mode.
    layers : sequence of sequence of str
        Layers from the input, each the names of its submodules, as from `weight_layers`.
    n_frozen : int

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> freeze_layers(net, weight_layers(net), 1)
    >>> [p.requires_grad for p in net.parameters()]
    [False, False, True, True]
    """
    for i, layer in enumerate(layers):
        for name in layer:
            submodule = module.get_submodule(name)
            for parameter in submodule.parameters(recurse=False):
                parameter.requires_grad_(i >= n_frozen)
            if i < n_frozen and hasattr(submodule, "running_mean"):
                submodule.eval()


def reinitialise(module: nn.Module, names: list[str]) -> None:
    """Draw new weights for the named submodules, by their own ``reset_parameters``.

    Raises
    ------
    ValueError
        If one of them cannot be re-initialised.
    """
    for name in names:
        layer: Any = module.get_submodule(name)
        if not hasattr(layer, "reset_parameters"):
            raise ValueError(
                f"The 'reinit' parameter reaches {name!r}, a {type(layer).__name__} without "
                "reset_parameters(). Lower 'reinit'."
            )
        layer.reset_parameters()


def replace_head(module: nn.Module, n_classes: int) -> None:
    """Replace the classifier of `module` if it has another number of outputs.

    The classifier is what `classifier_head` finds; a module without one stays as it is.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1000))
    >>> replace_head(net, 10)
    >>> net[-1]
    Linear(in_features=3, out_features=10, bias=True)
    """
    found = _find_head(module)
    if found is None:  # the classifier is something else, such as a convolution
        return
    name, head = found
    if head.out_features != n_classes:
        new = nn.Linear(head.in_features, n_classes, bias=head.bias is not None)
        _replace(module, name, new.to(head.weight))


def classifier_head(module: nn.Module) -> tuple[str, nn.Linear]:
    """Return the name of the classifier of `module` and that layer.

    Where an estimator ran the module, it is the ``nn.Linear`` that computes the logits, if there is
    one; otherwise it is the last ``nn.Linear`` that is defined.

    Raises
    ------
    ValueError
        If there is none below the module itself.
    """
    found = _find_head(module)
    if found is None:
        raise ValueError(
            "The 'module' parameter must have an nn.Linear layer for its classifier here. Got "
            f"{type(module).__name__} without one that computes its outputs."
        )
    return found


def _find_head(module: nn.Module) -> tuple[str, nn.Linear] | None:
    linears = [(n, m) for n, m in module.named_modules() if isinstance(m, nn.Linear) and n]
    run = run_of(module)
    if run is not None and run.head is None:
        return None
    head = None if run is None else run.head
    found = [(name, linear) for name, linear in linears if name == head] or linears
    return found[-1] if found else None


def insert_bottleneck(module: nn.Module, width: int) -> None:
    """Put a batch-normalised layer of `width` units before the classifier of `module`.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 30), nn.ReLU(), nn.Linear(30, 2))
    >>> insert_bottleneck(net, 8)
    >>> net[-1]
    Sequential(
      (bottleneck): Sequential(
        (0): Linear(in_features=30, out_features=8, bias=True)
        (1): BatchNorm1d(8, ...)
        (2): ReLU()
      )
      (classifier): Linear(in_features=8, out_features=2, bias=True)
    )
    """
    name, head = classifier_head(module)
    layers = nn.Linear(head.in_features, width), nn.BatchNorm1d(width), nn.ReLU()
    classifier = nn.Linear(width, head.out_features)
    top = nn.Sequential(OrderedDict(bottleneck=nn.Sequential(*layers), classifier=classifier))
    _replace(module, name, top.to(head.weight))
    run = run_of(module)
    if run is not None:
        new = [f"{name}.{inner}" if inner else name for inner, _ in top.named_modules()]
        at = run.order.index(name)
        order = (*run.order[:at], *new, *run.order[at + 1 :])
        vars(module)["_skda_run"] = run._replace(order=order, head=f"{name}.classifier")


def _replace(module: nn.Module, name: str, new: nn.Module) -> None:
    parent, _, attribute = name.rpartition(".")
    setattr(module.get_submodule(parent), attribute, new)
