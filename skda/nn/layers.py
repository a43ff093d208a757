"""Count, freeze and re-initialise the layers of any module."""

from __future__ import annotations

from typing import Any

from torch import nn

from .domain_stats import batch_norm_layers

__all__ = ["reinitialise", "replace_head", "weight_layers"]


def weight_layers(module: nn.Module) -> list[list[str]]:
    """Name the layers of `module` in order, each with the normalisation that belongs to it.

    A layer is a submodule with parameters of its own; normalisation layers count with the layer
    before them, or with the first.

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
    for name, submodule in module.named_modules():
        if submodule in norms:
            (layers[-1] if layers else leading).append(name)
        elif next(submodule.parameters(recurse=False), None) is not None:
            layers.append([*leading, name])
            leading = []
    return layers


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
    """Put a new last ``nn.Linear`` in place of one with another number of outputs.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1000))
    >>> replace_head(net, 10)
    >>> net[-1]
    Linear(in_features=3, out_features=10, bias=True)
    """
    linears = [(name, m) for name, m in module.named_modules() if isinstance(m, nn.Linear)]
    if not linears or linears[-1][1].out_features == n_classes:
        return
    name, old = linears[-1]
    new = nn.Linear(old.in_features, n_classes, bias=old.bias is not None)
    parent, _, attribute = name.rpartition(".")
    setattr(module.get_submodule(parent), attribute, new)
