"""Networks made of layers of torch.nn and skda.nn, described layer by layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._errors import ModelFileError
from ._names import known_name, named
from ._plain import PlainReader, PlainWriter, expect

__all__ = ["check_finite", "describe_module", "is_describable", "make_module"]

_INTERNAL = frozenset(vars(nn.Module()))
_HOOKS = sorted(name for name in _INTERNAL if name.endswith("_hooks"))
_NOTED = "_skda_run"  # the estimator's notes on a run, which the description of the net holds


def is_describable(module: nn.Module, own_hooks: tuple[type, ...] = ()) -> bool:
    """Say whether a network can be described layer by layer, without a user's class or hook."""
    try:
        describe_module(PlainWriter(), module, "module", own_hooks)
    except ValueError:
        return False
    return True


def describe_module(
    writer: PlainWriter, module: nn.Module, where: str, own_hooks: tuple[type, ...] = ()
) -> dict[str, Any]:
    """Describe a network by its class, attributes, parameters, buffers and submodules.

    The caller describes forward hooks of the kinds `own_hooks` on the network itself. A layer or
    hook that a file cannot hold is a ValueError.
    """
    return _describe(writer, module, where, own_hooks, {})


def _describe(
    writer: PlainWriter,
    module: nn.Module,
    where: str,
    own_hooks: tuple[type, ...],
    seen: dict[int, str],
) -> dict[str, Any]:
    if id(module) in seen:
        return {"same": seen[id(module)]}
    seen[id(module)] = where
    known = known_name(type(module))
    hooks = [h for name in _HOOKS for h in (vars(module).get(name) or {}).values()]
    if known is None or any(not isinstance(hook, own_hooks) for hook in hooks):
        raise ValueError(f"{where} is a {type(module).__name__} that a file cannot describe.")
    own = {k: v for k, v in vars(module).items() if k not in _INTERNAL and k != _NOTED}
    parameters = {
        name: None if p is None else [writer.tensor(p, f"{where}.{name}"), p.requires_grad]
        for name, p in module._parameters.items()
    }
    buffers = {
        name: None if b is None else writer.tensor(b, f"{where}.{name}")
        for name, b in module._buffers.items()
    }
    return {
        "id": where,
        "class": known,
        "training": module.training,
        "attributes": {k: writer.encode(v, f"{where}.{k}") for k, v in own.items()},
        "parameters": parameters,
        "buffers": buffers,
        "transient": sorted(module._non_persistent_buffers_set),  # noqa: SLF001
        "modules": {
            name: None if m is None else _describe(writer, m, f"{where}.{name}", (), seen)
            for name, m in module._modules.items()  # noqa: SLF001
        },
    }


def make_module(reader: PlainReader, node: Any) -> nn.Module:
    """Make the network of a description, with the tensors of the file."""
    return _make(reader, node, {}, {})


def _make(
    reader: PlainReader, node: Any, seen: dict[str, nn.Module], shared: dict[str, nn.Parameter]
) -> nn.Module:
    expect(node, dict, "a layer")
    if "same" in node:
        return seen[node["same"]]
    cls = named(*expect(node["class"], list, "the class of a layer"))
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise ModelFileError(f"{cls.__name__} is no layer. Save the model again")
    module: nn.Module = cls.__new__(cls)
    nn.Module.__init__(module)
    seen[expect(node["id"], str, "the id of a layer")] = module
    module.training = expect(node["training"], bool, "the mode of a layer")
    for name, value in node["attributes"].items():
        if name in _INTERNAL or name.startswith("__") or callable(getattr(cls, name, None)):
            raise ModelFileError(f"no {cls.__name__} has an attribute {name!r}. Save it again")
        vars(module)[name] = reader.decode(value)
    for name, entry in node["parameters"].items():
        module.register_parameter(name, _parameter(reader, entry, shared))
    transient = expect(node["transient"], list, "the transient buffers")
    for name, entry in node["buffers"].items():
        buffer = None if entry is None else reader.tensor(entry)
        module.register_buffer(name, buffer, persistent=name not in transient)
    for name, inner in node["modules"].items():
        module.add_module(name, None if inner is None else _make(reader, inner, seen, shared))
    return module


def _parameter(
    reader: PlainReader, entry: Any, shared: dict[str, nn.Parameter]
) -> nn.Parameter | None:
    if entry is None:
        return None
    name, requires_grad = entry
    if name not in shared:
        tensor = reader.tensor(name)
        check_finite(tensor, name)
        grad = expect(requires_grad, bool, "requires_grad")
        shared[name] = nn.Parameter(tensor, requires_grad=grad)
    return shared[name]


def check_finite(tensor: Tensor, name: str) -> None:
    """Raise if a weight is NaN or infinite: then the smallest or largest weight is, too."""
    if not (tensor.is_floating_point() and tensor.numel()):
        return
    if torch.stack(tensor.aminmax()).isfinite().all():
        return
    raise ModelFileError(
        f"its weights {name!r} are NaN or infinite, which no training of skda leaves. Fit and "
        "save the model again"
    )
