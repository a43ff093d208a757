"""Put a user's pretrained weights into a module."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..nn._copy import copy_net, unwrapped
from ..nn._scaled import ScaledInput, adopt_scale
from ..nn._units import Centred, InUnits, Units
from .modules import check_instance

__all__ = ["load_pretrained", "load_weights", "pretrained_module", "pretrained_units"]


def pretrained_module(pretrained: Any) -> nn.Module | None:
    """Return a copy of the network in `pretrained`, or None if it holds weights only."""
    if isinstance(pretrained, nn.Module):
        network, _ = _taken_apart(pretrained)
        check_instance(network, "pretrained")
        return copy_net(network).cpu()
    if hasattr(pretrained, "net_"):
        module: nn.Module = copy_net(pretrained.net_.plain_module).cpu()
        return module
    return None


def pretrained_units(pretrained: Any) -> Units | None:
    """Return the units that the network in `pretrained` was trained in; None if nobody knows."""
    if hasattr(pretrained, "net_"):
        names = "input_centre_", "y_mean_", "y_scale_"
        return Units(*(vars(pretrained).get(name) for name in names))
    return _taken_apart(pretrained)[1] if isinstance(pretrained, nn.Module) else None


def _taken_apart(module: nn.Module) -> tuple[nn.Module, Units | None]:
    """Return the network in one of `to_module`, and its units."""
    network, units = unwrapped(module), None
    if isinstance(network, InUnits):
        mean, scale = (t.double().cpu().numpy() for t in (network.mean, network.scale))
        network, units = unwrapped(network.network), Units(None, mean, scale)
    if isinstance(network, Centred):
        units = (units or Units())._replace(centre=network.centre)
        network = unwrapped(network.network)
    return network, units


def load_weights(pretrained: Any) -> Mapping[str, Tensor]:
    """Read a state_dict from a mapping, a safetensors file or a file of ``torch.save``.

    Only tensors are unpickled. Raises ValueError for anything else, and for a file that is not
    there or cannot be read.
    """
    if isinstance(pretrained, Mapping):
        return pretrained
    if not isinstance(pretrained, (str, os.PathLike)):
        raise ValueError(
            "The 'pretrained' parameter must be an nn.Module, a state_dict, a path to a "
            f".safetensors or torch.save file, or a fitted skda estimator. Got {pretrained!r} "
            "instead."
        )
    path = Path(pretrained)
    if not path.is_file():
        raise ValueError(f"The 'pretrained' parameter names a file that is not there: {path}.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except ImportError as error:
        raise ImportError(
            "The 'pretrained' parameter names a .safetensors file. Reading it needs the package "
            'safetensors: pip install "skda[safetensors]".'
        ) from error
    except Exception as error:
        raise ValueError(
            f"The 'pretrained' parameter names a file that holds no state_dict: {path} "
            f"({type(error).__name__}: {str(error).splitlines()[0]})."
        ) from error
    if not isinstance(weights, Mapping):
        raise ValueError(
            f"The 'pretrained' parameter names a file that holds no state_dict: {path} "
            f"(it holds a {type(weights).__name__})."
        )
    return weights


def load_pretrained(module: nn.Module, weights: Mapping[str, Tensor], skip: list[str]) -> None:
    """Load `weights` into `module`, except into the submodules named in `skip`.

    Raises ValueError if keys or shapes do not fit, naming the first few.
    """
    weights = _state_dict(weights)
    if isinstance(module, ScaledInput):
        adopt_scale(module, weights)
    own = module.state_dict()
    new = tuple(f"{name}." for name in skip)
    wanted = {key: value for key, value in own.items() if not key.startswith(new)}
    offered = {key: value for key, value in weights.items() if not key.startswith(new)}
    wrong = sorted({key for key, _ in _shapes(wanted) ^ _shapes(offered)})
    if wrong:
        raise ValueError(
            "The 'pretrained' parameter holds weights that do not fit the module, for instance "
            f"{wrong[:3]}. Pass the module that they were made with as 'module'; where only the "
            "upper layers differ, set 'reinit' to their number."
        )
    undefined = [key for key, value in offered.items() if not torch.isfinite(value).all()]
    if undefined:
        raise ValueError(
            f"The 'pretrained' parameter holds weights that are NaN or infinite, in {undefined[:3]}"
            ". Pass those of a training that did not diverge."
        )
    module.load_state_dict({**own, **offered})


def _shapes(tensors: Mapping[str, Any]) -> set[tuple[str, Any]]:
    return {(key, getattr(value, "shape", None)) for key, value in tensors.items()}


def _state_dict(weights: Mapping[Any, Any]) -> dict[str, Any]:
    """Return tensors by name, without the prefixes of a compiled or a parallel module."""
    for key in weights:
        if not isinstance(key, str):
            raise ValueError(
                "The 'pretrained' parameter must hold a state_dict: tensors by name. Got the name "
                f"{key!r}. Pass what the module's state_dict() returns."
            )
    for prefix in ("_orig_mod.", "module."):
        if all(key.startswith(prefix) for key in weights):
            weights = {key.removeprefix(prefix): value for key, value in weights.items()}
    return {k: torch.as_tensor(v) if isinstance(v, np.ndarray) else v for k, v in weights.items()}
