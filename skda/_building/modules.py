"""Make the module that an estimator's parameters describe, for rows of a given shape."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..nn import MLP, ConvNet, ConvNet1d, Layer, LayerCapture
from ..nn._copy import copy_net, unwrapped
from ..training.processes import current_processes
from .outputs import LOGITS, Outputs
from .parameters import check_arguments

__all__ = ["build_module", "check_instance", "instantiate", "probe", "resolve_device"]


def resolve_device(device: str) -> torch.device:
    """Turn the `device` parameter into a torch device.

    Raises ValueError if torch does not know the device, or it is not there.
    """
    if device == "auto":
        if (shared := current_processes().device) is not None:
            return shared
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved).cpu()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"The 'device' parameter must be 'auto' or a device that torch finds here, such as "
            f"'cpu'. Got {device!r} instead ({str(error).splitlines()[0]})."
        ) from error
    return resolved


def build_module(
    module: Any,
    options: Mapping[str, Any],
    input_shape: Sequence[int],
    n_outputs: int,
    outputs: Outputs = LOGITS,
) -> nn.Module:
    """Build the network for rows of `input_shape`, on the CPU.

    `module` is an nn.Module class or instance, a callable, or None for a built-in network;
    `options` are the ``module__*`` parameters. The shape is empty for a module of several inputs,
    which must know their sizes.
    """
    sizes = {"n_classes": n_outputs, outputs.number: n_outputs}
    if input_shape:
        sizes |= {"n_features": math.prod(input_shape), "n_channels": input_shape[0]}
    return instantiate(
        _default_module(input_shape) if module is None else module, options, sizes, "module"
    )


def instantiate(
    spec: Any, options: Mapping[str, Any], sizes: Mapping[str, int], name: str
) -> nn.Module:
    """Make a module of a class or callable, filling in the sizes that it asks for.

    An instance is copied, with its weights and without a wrapper of ``torch.compile``. `options`
    are arguments that the user gave, and take precedence over `sizes`, those that are known from
    the data. Messages name the parameter `name`.
    """
    if isinstance(spec, nn.Module):
        instance = unwrapped(spec)
        if options:
            kind, option = type(instance).__name__, next(iter(options))
            raise ValueError(
                f"The '{name}' parameter is an instance of {kind}, which '{name}__{option}' would "
                f"make anew without its weights. Pass the class {kind} and all of its options as "
                f"{name}__*, or set the option in the instance."
            )
        check_instance(instance, name)
        return copy_net(instance).cpu()
    check_arguments(spec, options, name)
    asked = inspect.signature(spec).parameters
    filled = {key: size for key, size in sizes.items() if key in asked and key not in options}
    try:
        built = spec(**filled, **options)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as e:
        given = ", ".join(f"{key}={value!r}" for key, value in {**filled, **dict(options)}.items())
        raise ValueError(
            f"The '{name}' parameter is {spec!r}, which cannot be made with ({given}): "
            f"{type(e).__name__}: {e}. Pass its arguments as {name}__*."
        ) from e
    if not isinstance(built, nn.Module):
        raise ValueError(
            f"The '{name}' parameter must be an nn.Module class or instance, or a callable that "
            f"returns one. Got {spec!r}, which returned a {type(built).__name__}."
        )
    instance = unwrapped(built)
    check_instance(instance, name)
    return instance


def check_instance(instance: nn.Module, name: str) -> None:
    """Raise ValueError if a network that a user made cannot be copied with its weights."""
    for inner, layer in instance.named_modules():
        if isinstance(layer, torch.jit.ScriptModule):
            where = f"has in {inner!r}" if inner else "is"
            raise ValueError(
                f"The '{name}' parameter {where} a {type(layer).__name__}, whose layers cannot be "
                "read. Pass the module that it was made of."
            )
    if any(parameter.is_meta for parameter in instance.parameters()):
        raise ValueError(
            f"The '{name}' parameter is a {type(instance).__name__} on the device 'meta', which "
            "has no weights. Make it on the CPU, or load its weights with assign=True."
        )


def _default_module(input_shape: Sequence[int]) -> type[nn.Module]:
    built_in: dict[int, type[nn.Module]] = {1: MLP, 2: ConvNet1d, 3: ConvNet}
    if len(input_shape) in built_in:
        return built_in[len(input_shape)]
    raise ValueError(
        "The 'module' parameter can be None for tables (n, n_features) and images (n, n_channels, "
        "height, width), and for series (n, n_channels, length) only. "
        f"Got rows of shape {tuple(input_shape)}: pass a module that takes "
        "them."
    )


def probe(
    module: nn.Module,
    rows: Tensor,
    layers: Sequence[Layer],
    n_outputs: int,
    outputs: Outputs = LOGITS,
) -> tuple[int, ...]:
    """Pass a few rows, and return the width of each adapted layer.

    Raises ValueError if the module does not return outputs of shape (n, n_outputs).
    """
    training = module.training
    module.eval()
    with torch.no_grad(), LayerCapture(module, layers) as capture:
        logits = module(rows)
        widths = tuple(features.shape[1] for features in capture.pop())
    module.train(training)
    expected = (len(rows), n_outputs)
    got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if got != expected:
        raise ValueError(
            f"The 'module' parameter must be a network that returns {outputs.shape}, here "
            f"{expected}. Got {got} instead."
        )
    return widths
