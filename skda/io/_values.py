"""The values of a model file that are not plain: networks, callbacks, estimators."""

from __future__ import annotations

import io
import zipfile
from inspect import isfunction
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn
from torch.nn.parameter import is_lazy

from ..nn._copy import copy_net
from ._errors import ModelFileError
from ._estimators import describe_estimator, make_estimator
from ._modules import check_finite, describe_module, is_describable, make_module
from ._names import (
    Handed,
    arguments_of,
    instance_needed,
    is_of_sklearn,
    is_public,
    known_name,
    takes_arguments,
)
from ._plain import KIND, PlainReader, PlainWriter, expect

__all__ = ["Reader", "Writer"]


class Writer(PlainWriter):
    """Describes estimators and their parameters, with `optimizer` the state of optimizers too.

    `custom` has the names of the classes and functions that the user has to hand in again, and
    `instances` those of which the class is not enough.
    """

    def __init__(self, optimizer: bool = False) -> None:
        super().__init__()
        self.optimizer = optimizer
        self.custom: list[str] = []
        self.instances: list[str] = []
        self._noted: dict[str, Any] = {}
        self.of_parameters = False

    def encode_object(self, value: Any, where: str) -> Any:
        """Describe a value that is not plain."""
        if isinstance(value, nn.Module) and is_describable(value):
            return {KIND: "module", "module": describe_module(self, value, where)}
        ours = isinstance(value, BaseEstimator) and hasattr(value, "save")  # also a user's subclass
        if ours or is_public(type(value)):
            return {KIND: "estimator", **describe_estimator(self, value, where)}
        if is_of_sklearn(value):
            return {KIND: "skops", "name": self.tensor(_to_skops(value, where), f"{where}.skops")}
        by, arguments = known_name(type(value)), arguments_of(value)
        if by is not None and arguments is not None:
            return {KIND: "made", "by": by, "with": self.encode(arguments, where)}
        if isinstance(value, np.random.RandomState):
            return {KIND: "random_state", "state": self.encode(list(value.get_state()), where)}
        lazy = isinstance(value, nn.Module) and any(map(is_lazy, value.parameters()))
        if isinstance(value, nn.Module) and not lazy:
            name = self.noted(type(value).__name__, type(value), where)
            if takes_arguments(type(value)):
                self._note_instance(name)
            return {KIND: "custom_module", "name": name, "state": self.state(value, where)}
        if not (self.of_parameters or lazy):
            return super().encode_object(value, where)
        if _is_plain(arguments):
            name = self.noted(type(value).__name__, type(value), where)
            kept = self.encode(arguments, where)
            return {KIND: "custom", "name": name, "class": False, "with": kept}
        name = getattr(value, "__name__", type(value).__name__)
        name = self.noted(name, value, where)
        if not hasattr(value, "__name__"):
            self._note_instance(name)
        return {KIND: "custom", "name": name, "class": isinstance(value, type)}

    def _note_instance(self, name: str) -> None:
        if name not in self.instances:
            self.instances.append(name)

    def state(self, module: nn.Module, where: str) -> dict[str, str]:
        """Keep the tensors of a module; return their names."""
        state = module.state_dict()
        odd = [key for key, value in state.items() if not isinstance(value, torch.Tensor)]
        if odd:
            raise ValueError(
                f"A model file cannot hold {where}: its state_dict has {odd[0]!r}, which is no "
                "tensor. Keep such a model with pickle or joblib."
            )
        return {key: self.tensor(value, f"{where}.{key}") for key, value in state.items()}

    def noted(self, name: str, value: Any, where: str) -> str:
        """Note a value that has to be handed in; return its name, made unique if it is taken."""
        if self._noted.setdefault(name, value) is not value:
            name = f"{name} of {where}"
            self._noted[name] = value
        if name not in self.custom:
            self.custom.append(name)
        return name


class Reader(PlainReader):
    """Makes estimators from their descriptions."""

    def __init__(self, tensors: dict[str, torch.Tensor], handed: Handed) -> None:
        super().__init__(tensors)
        self.handed = handed

    def _read_module(self, node: dict[str, Any]) -> nn.Module:
        return make_module(self, node["module"])

    def _read_estimator(self, node: dict[str, Any]) -> Any:
        return make_estimator(self, node)

    def _read_skops(self, node: dict[str, Any]) -> Any:
        return _from_skops(self.tensor(node["name"]))

    def _read_made(self, node: dict[str, Any]) -> Any:
        cls = self._read_name(dict(zip(("of", "name"), node["by"], strict=True)))
        return cls(**self.decode_as(node["with"], dict, "the arguments of a callback"))

    def _read_random_state(self, node: dict[str, Any]) -> np.random.RandomState:
        random_state = np.random.RandomState()
        random_state.set_state(tuple(self.decode_as(node["state"], list, "the state")))
        return random_state

    def _read_custom(self, node: dict[str, Any]) -> Any:
        given = self.handed.get(node["name"])
        if node["class"]:
            # the user may hand in an instance where the parameter is a class
            return type(given) if isinstance(given, nn.Module) else given
        if "with" in node:
            return self._made_anew(given, node)
        if isinstance(given, type):
            raise instance_needed(node["name"])
        return given

    def _made_anew(self, given: Any, node: dict[str, Any]) -> Any:
        """Make a callback or splitter of the class of `given`, with the arguments of the file."""
        arguments = self.decode_as(node["with"], dict, "the arguments of a callback")
        made = given() if isfunction(given) else given
        cls = made if isinstance(made, type) else type(made)
        try:
            anew = cls(**arguments)
            if all(getattr(anew, name) is value for name, value in arguments.items()):
                return anew
        except (AttributeError, TypeError):  # its parameters are not its attributes
            pass
        if isinstance(made, type):
            raise instance_needed(node["name"])
        return made

    def _read_custom_module(self, node: dict[str, Any]) -> nn.Module:
        given = self.handed.get(node["name"])
        if isinstance(given, type) and takes_arguments(given):
            raise instance_needed(node["name"])
        module = copy_net(given) if isinstance(given, nn.Module) else given()
        self.load_state(module, node["state"])
        return module

    def load_state(self, module: Any, node: Any) -> None:
        """Load the tensors of a description into a module, after checking that they fit."""
        own = module.state_dict()
        names = expect(node, dict, "the tensors of a network")
        wrong = sorted(own.keys() ^ names.keys())
        state = {key: self.tensor(name) for key, name in names.items()}
        wrong += [
            key
            for key in sorted(own.keys() & names.keys())
            if (own[key].shape, own[key].dtype) != (state[key].shape, state[key].dtype)
        ]
        if wrong:
            raise ModelFileError(
                f"its tensors do not fit {type(module).__name__}, for instance {wrong[:3]}. Hand "
                "in the code that it was saved with; where parameters were set after fit, fit again"
            )
        for key, _ in module.named_parameters():
            check_finite(state[key], key)
        module.load_state_dict(state)


def _is_plain(arguments: Any) -> bool:
    """Say whether arguments are known, and hold numbers, text and arrays alone."""
    try:
        PlainWriter().encode(arguments, "")
    except ValueError:
        return False
    return arguments is not None


def _skops_io() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise ImportError(
            "A model file holds the estimators of scikit-learn by the package skops: "
            'pip install "skda[skops]".'
        ) from error
    return skops.io


def _to_skops(value: Any, where: str) -> torch.Tensor:
    skops_io = _skops_io()
    data = skops_io.dumps(value)
    untrusted = skops_io.get_untrusted_types(data=data)
    if untrusted:
        raise ValueError(
            f"A model file cannot hold {where}, a {type(value).__name__}: skops does not trust "
            f"{', '.join(untrusted)}. Keep such a model with pickle or joblib."
        )
    return torch.from_numpy(np.frombuffer(data, dtype=np.uint8).copy())


def _from_skops(tensor: torch.Tensor) -> Any:
    skops_io = _skops_io()
    data = tensor.numpy().tobytes()
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
        if any(entry.file_size > len(data) for entry in entries):
            raise ValueError("an entry is larger than the file")
        return skops_io.loads(data)
    except Exception as error:  # skops raises errors of any kind
        raise ModelFileError(
            f"its part of scikit-learn is not what skops trusts ({type(error).__name__}: {error}). "
            "Save the model again"
        ) from error
