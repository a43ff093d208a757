"""Parameters as text: the same in every process, and another one for other parameters."""

from __future__ import annotations

import copyreg
import hashlib
import inspect
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from skorch.callbacks import Callback
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils.hooks import RemovableHandle

from .code_text import parts_of_class, parts_of_function

__all__ = ["as_text", "text_and_unknown"]

_LEAVES = {bool, int, float, complex, str, bytes, type(None), type(...), type(NotImplemented)}
# what torch itself keeps in a module; the rest are the options of its layers
_OF_TORCH = set(vars(nn.Module()))
# callbacks that report a training, and change nothing in it
_REPORTS = "skorch.callbacks.logging"


def as_text(params: Mapping[str, Any]) -> str:
    """Return parameters as text.

    Objects are described by what pickle would keep of them, by their `get_params` if there is one.
    An object that cannot be pickled, such as an open file, is described by its type, with a
    warning that names the parameter.

    Examples
    --------
    >>> as_text({"lr": np.float32(0.5), "hidden": [8, 4]})
    "{'hidden': [8, 4], 'lr': 0.5}"
    """
    text, unknown = text_and_unknown(params)
    for name, kind in unknown:
        warnings.warn(
            f"The '{name}' parameter holds an object that cannot be pickled ({kind}). With "
            "'checkpoint', another such object counts as the same. Pass another folder as "
            "'checkpoint' where you change it.",
            UserWarning,
            stacklevel=2,
        )
    return text


def text_and_unknown(params: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """Return parameters as text, and the parameter and type of what is described by its type."""
    describer = _Describer()
    parts = []
    for name in sorted(params):
        describer.name = name
        parts.append(f"{name!r}: {describer.text(params[name])}")
    return f"{{{', '.join(parts)}}}", list(describer.unknown)


class _CannotTell(TypeError):
    """An object of this type cannot be described."""


class _Describer:
    """Turns values into text, and lists those of which it knows no more than the type."""

    def __init__(self) -> None:
        self.name = ""  # of the parameter
        self.done: dict[
            int, tuple[Any, str]
        ] = {}  # with the values: an id is theirs while they live
        self.inside: list[int] = []
        self.n_pickled = 0  # objects that the present value is a part of
        self.unknown: dict[tuple[str, str], None] = {}  # in their order

    def text(self, value: Any) -> str:
        """Return a value as text."""
        if type(value) in _LEAVES:
            return repr(value)
        if id(value) in self.done:
            return self.done[id(value)][1]
        if id(value) in self.inside:  # of itself: so many steps outwards
            return f"<{len(self.inside) - self.inside.index(id(value))}>"
        self.inside.append(id(value))
        try:
            found = self._text(value)
        finally:
            self.inside.pop()
        self.done[id(value)] = value, found
        return found

    def _text(self, value: Any) -> str:
        if isinstance(value, np.generic):
            plain = value.item()
            return f"{value!r}" if isinstance(plain, np.generic) else self.text(plain)
        if isinstance(value, Tensor):
            return _text_of_tensor(value)
        if type(value) in (np.ndarray, np.memmap):
            return self._array(value)
        if type(value) is dict:
            pairs = (f"{self.text(key)}: {self.text(item)}" for key, item in value.items())
            return f"{{{', '.join(sorted(pairs))}}}"
        if type(value) in (list, tuple):
            return self._listed(value)
        if isinstance(value, (set, frozenset)):
            return f"set({', '.join(sorted(map(self.text, value)))})"
        if isinstance(value, FunctionType):
            return f"function {self._listed(parts_of_function(value))}"
        if isinstance(value, type):
            return f"class {self._listed(parts_of_class(value))}"
        if isinstance(value, ModuleType):
            return f"module {value.__name__}"
        if isinstance(value, RemovableHandle):  # its number grows with each hook of a process
            return "handle"
        return self._object(value)

    def _listed(self, values: Iterable[Any]) -> str:
        return f"[{', '.join(map(self.text, values))}]"

    def _array(self, value: Any) -> str:
        if value.dtype.hasobject:
            return f"array {value.shape} {self.text(value.tolist())}"
        content = hashlib.sha256(value.tobytes()).hexdigest()
        return f"array {value.shape} {value.dtype.str} {content}"

    def _object(self, value: Any) -> str:
        """Describe an object; by its type where it is a parameter that cannot be described."""
        try:
            if isinstance(value, nn.Module):
                return self._module(value)
            return self._params(value) or self._pickled(value)
        except (_CannotTell, RecursionError) as error:
            if self.n_pickled:  # a part tells nothing without the rest
                raise
            self.unknown[self.name, str(error)] = None
            kind = self.text(type(value))
            return f"{kind} {self._weights(value)}" if isinstance(value, nn.Module) else kind

    def _params(self, value: Any) -> str:
        """Describe an estimator or a callback; empty if it is neither."""
        if isinstance(value, FrozenEstimator):
            return self._pickled(value.estimator)
        if any(cls.__module__ == _REPORTS for cls in type(value).__mro__):
            return self.text(type(value))
        try:
            if isinstance(value, Callback):
                params = _params_of_callback(value)
            else:
                params = value.get_params(deep=False)
        except (AttributeError, RuntimeError, TypeError):  # none that follow the conventions
            return ""
        # of a fitted estimator, from which another training starts
        network = getattr(getattr(value, "net_", None), "module_", None)
        return f"{self.text(type(value))} {self.text(params)} {self.text(network)}"

    def _pickled(self, value: Any) -> str:
        """Describe an object by what pickle keeps of it."""
        reduce = copyreg.dispatch_table.get(type(value))
        self.n_pickled += 1
        try:
            kept = reduce(value) if reduce else value.__reduce_ex__(4)
            if isinstance(kept, str):  # a name in its module
                # a function in a cache, or another wrapper, has the same name as its content
                inner = getattr(value, "__wrapped__", None)
                return f"{getattr(value, '__module__', '')}.{kept} {self.text(inner)}"
            make, *parts = kept
            name = make.__qualname__ if isinstance(make, FunctionType) else self.text(make)
            # the items of a container come as an iterator
            listed = [list(part) if isinstance(part, Iterator) else part for part in parts]
            return f"{name} {self._listed(listed)}"
        except RecursionError:
            raise
        except Exception as error:
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise error if isinstance(error, _CannotTell) else _CannotTell(kind) from error
        finally:
            self.n_pickled -= 1

    def _module(self, value: nn.Module) -> str:
        """Describe a network by its layers, their options and hooks, and its weights."""
        value = getattr(value, "_orig_mod", value)  # of a compiled one
        self.n_pickled += 1
        try:
            layers = [self._layer(name, layer) for name, layer in value.named_modules()]
        finally:
            self.n_pickled -= 1
        return f"{', '.join(layers)} {self._weights(value)}"

    def _layer(self, name: str, layer: nn.Module) -> str:
        if isinstance(layer, torch.jit.ScriptModule):
            code = ""
            with suppress(AttributeError, RuntimeError):  # without a forward
                code = str(layer.code)
            return f"{name} {layer.original_name} {code!r}"
        options = {key: item for key, item in vars(layer).items() if key not in _OF_TORCH}
        hooks = [*layer._forward_pre_hooks.values(), *layer._forward_hooks.values()]  # noqa: SLF001 - torch names them no other way
        return f"{name} {self.text(type(layer))} {self.text(options)} {self._listed(hooks)}"

    def _weights(self, value: nn.Module) -> str:
        # a representation may hold an address, which is another one in each process
        layers = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
        named = [*value.named_parameters(), *value.named_buffers()]
        return f"{layers!r} {[(name, _text_of_tensor(tensor)) for name, tensor in named]}"


def _params_of_callback(callback: Callback) -> dict[str, Any]:
    """Return the parameters of a callback's constructor, not what it collects in a training.

    skorch's own `get_params` returns all attributes but those that end in an underscore. It is
    right where the constructor does not name its parameters, or keeps them by other names.
    """
    kept: dict[str, Any] = callback.get_params(deep=False)
    make = type(callback).__init__
    if make is object.__init__:
        return {}
    _, *named = inspect.signature(make).parameters.values()
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) or p.name not in kept for p in named):
        return kept
    return {p.name: kept[p.name] for p in named}


def _text_of_tensor(value: Tensor) -> str:
    """Describe a tensor by its type, its shape and a hash of its numbers."""
    kind = f"{value.dtype} requires_grad={value.requires_grad}"
    if is_lazy(value):
        return f"tensor {kind}"
    content = ""
    if not value.is_meta:
        dense = value.detach() if value.layout == torch.strided else value.detach().to_dense()
        numbers = dense.cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
        raw: Any = numbers.view(torch.uint8).numpy()
        content = hashlib.sha256(raw).hexdigest()
    return f"tensor {kind} {tuple(value.shape)} {content}"
