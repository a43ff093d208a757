"""Plain values (numbers, strings, containers, arrays, tensors) in the JSON of a model file."""

from __future__ import annotations

import math
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._errors import ModelFileError
from ._names import known_name, named

__all__ = ["KIND", "PlainReader", "PlainWriter", "expect"]

# the key that every JSON object has here; all other values of JSON stand for themselves
KIND = "$"


def expect(node: Any, kind: type | tuple[type, ...], what: str) -> Any:
    """Return a value of JSON after checking its type; a bool does not count as a number."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(node, kinds) or (isinstance(node, bool) and bool not in kinds):
        names = " or ".join(k.__name__ for k in kinds)
        raise ModelFileError(
            f"{what} must be of type {names}, and is a {type(node).__name__}. Save the model again"
        )
    return node


class PlainWriter:
    """Describes values in JSON and collects their `tensors`, by their names in the description."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[Any, str] = {}
        self._storages: set[int] = set()

    def tensor(self, tensor: Tensor, where: str) -> str:
        """Keep a tensor and return its name; the same tensor is written only once."""
        tensor = tensor.detach()
        key = tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()
        known = self._names.get(key)
        if known is not None and tensor.numel():
            return known
        name, n = where, 1
        while name in self.tensors:
            n += 1
            name = f"{where}#{n}"
        storage = tensor.untyped_storage()
        part = storage.nbytes() != tensor.nbytes or storage.data_ptr() in self._storages
        self._storages.add(storage.data_ptr())
        self._names[key] = name
        # safetensors refuses tensors that share memory in part
        self.tensors[name] = tensor.clone() if part else tensor
        return name

    def encode(self, value: Any, where: str) -> Any:
        """Describe a value; `where` names it in messages and names its tensors."""
        if isinstance(value, np.generic):
            return {KIND: "scalar", "array": self.encode(np.asarray(value), where)}
        if value is None or isinstance(value, (bool, str, int)):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {KIND: "float", "value": repr(value)}
        if type(value) is list:
            return self._items(value, where)
        if isinstance(value, tuple):
            return {KIND: "tuple", "items": self._items(value, where)}
        if isinstance(value, dict):
            pairs = [
                [self.encode(k, where), self.encode(v, f"{where}.{k}")] for k, v in value.items()
            ]
            return {KIND: "dict", "items": pairs}
        if isinstance(value, np.ndarray):
            return self._array(value, where)
        if type(value) in (Tensor, torch.nn.Parameter):
            return {KIND: "tensor", "name": self.tensor(value, where)}
        if isinstance(value, torch.dtype):
            return {KIND: "dtype", "name": str(value).removeprefix("torch.")}
        if isinstance(value, PurePath):
            return {KIND: "path", "value": str(value)}
        known = known_name(value)
        if known is not None:
            return {KIND: "name", "of": known[0], "name": known[1]}
        return self.encode_object(value, where)

    def encode_object(self, value: Any, where: str) -> Any:
        """Describe a value of any other type."""
        raise ValueError(
            f"A model file cannot hold {where}, a {type(value).__name__}. Keep such a model with "
            "pickle or joblib."
        )

    def _items(self, values: Any, where: str) -> list[Any]:
        return [self.encode(value, f"{where}.{i}") for i, value in enumerate(values)]

    def _array(self, array: np.ndarray, where: str) -> Any:
        if isinstance(array, np.ma.MaskedArray):
            data, mask = np.asarray(array.data), np.ma.getmaskarray(array)
            parts = self._array(data, f"{where}.data"), self._array(mask, f"{where}.mask")
            return {KIND: "masked", "data": parts[0], "mask": parts[1]}
        if array.dtype.kind in "US":
            values = {"dtype": array.dtype.str, "values": array.astype(str).ravel().tolist()}
            return {KIND: "strings", "shape": list(array.shape), **values}
        if array.dtype.kind == "O":
            values = {"values": self._items(array.ravel().tolist(), where)}
            return {KIND: "objects", "shape": list(array.shape), **values}
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise ValueError(
                f"A model file cannot hold {where}, an array of dtype {array.dtype}. Convert it to "
                "numbers or strings, or keep the model with pickle or joblib."
            )
        # the memory layout is kept because it affects the rounding of a matrix product
        by_columns = array.flags.f_contiguous and not array.flags.c_contiguous
        native = np.array(
            array.T if by_columns else array, order="C", dtype=array.dtype.newbyteorder("=")
        )
        name = self.tensor(torch.from_numpy(native), where)
        return {KIND: "array", "name": name, "by_columns": by_columns}


class PlainReader:
    """Makes values from their descriptions.

    `n_bytes` is the size of all tensors; `unread` has the names of those not yet asked for.
    """

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.tensors = tensors
        self.unread = set(tensors)
        self.n_bytes = sum(tensor.nbytes for tensor in tensors.values())
        self._room = (1 << 20) + 16 * self.n_bytes  # bytes of arrays of strings

    def tensor(self, name: Any) -> Tensor:
        """Return the tensor of this name."""
        if not isinstance(name, str) or name not in self.tensors:
            raise ModelFileError(f"it lacks the tensor {name!r}. Save the model again")
        self.unread.discard(name)
        return self.tensors[name]

    def decode(self, node: Any) -> Any:
        """Return the value of a description."""
        if isinstance(node, list):
            return [self.decode(item) for item in node]
        if not isinstance(node, dict):
            return node
        kind = node.get(KIND)
        method = getattr(self, f"_read_{kind}", None) if isinstance(kind, str) else None
        if method is None:
            raise ModelFileError(
                f"it holds a value of the unknown kind {kind!r}. Install a newer version of skda, "
                "or save the model again"
            )
        return method(node)

    def decode_as(self, node: Any, kind: type | tuple[type, ...], what: str) -> Any:
        """Return the value of a description after checking its type."""
        return expect(self.decode(node), kind, what)

    def _read_float(self, node: dict[str, Any]) -> float:
        if node["value"] not in ("nan", "inf", "-inf"):
            raise ModelFileError(f"{node['value']!r} is no number. Save the model again")
        return float(node["value"])

    def _read_scalar(self, node: dict[str, Any]) -> Any:
        return self.decode_as(node["array"], np.ndarray, "the array of a scalar")[()]

    def _read_tuple(self, node: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self.decode_as(node["items"], list, "the items of a tuple"))

    def _read_dict(self, node: dict[str, Any]) -> dict[Any, Any]:
        items = expect(node["items"], list, "the items of a dict")
        return {self.decode(key): self.decode(value) for key, value in items}

    def _read_path(self, node: dict[str, Any]) -> PurePath:
        return Path(expect(node["value"], str, "a path"))

    def _read_dtype(self, node: dict[str, Any]) -> torch.dtype:
        dtype = getattr(torch, expect(node["name"], str, "a dtype"), None)
        if not isinstance(dtype, torch.dtype):
            raise ModelFileError(f"{node['name']!r} is no dtype of torch. Save the model again")
        return dtype

    def _read_name(self, node: dict[str, Any]) -> Any:
        return named(node["of"], node["name"])

    def _read_tensor(self, node: dict[str, Any]) -> Tensor:
        return self.tensor(node["name"]).clone()

    def _read_array(self, node: dict[str, Any]) -> np.ndarray:
        array = self.tensor(node["name"]).numpy()
        return array.T if expect(node["by_columns"], bool, "by_columns") else array

    def _read_strings(self, node: dict[str, Any]) -> np.ndarray:
        values = expect(node["values"], list, "the values of an array of strings")
        dtype = np.dtype(expect(node["dtype"], str, "the dtype of an array of strings"))
        self._room -= dtype.itemsize * len(values)
        if dtype.kind not in "US" or not all(isinstance(v, str) for v in values) or self._room < 0:
            raise ModelFileError("an array of strings holds something else. Save the model again")
        return np.array(values, dtype=dtype).reshape(node["shape"])

    def _read_objects(self, node: dict[str, Any]) -> np.ndarray:
        values = self.decode_as(node["values"], list, "the values of an array")
        array = np.empty(len(values), dtype=object)
        for i, value in enumerate(values):
            array[i] = value
        return array.reshape(node["shape"])

    def _read_masked(self, node: dict[str, Any]) -> Any:
        data, mask = (self.decode_as(node[k], np.ndarray, f"the {k}") for k in ("data", "mask"))
        return np.ma.MaskedArray(data, mask=mask)
