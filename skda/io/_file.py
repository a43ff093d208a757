"""The file format: tensors as in safetensors, a description in the header, and a checksum."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from .._atomic import write_atomically
from .._crc import crc32
from ._errors import ModelFileError

__all__ = ["FORMAT", "read", "write"]

FORMAT = 1
_LONGEST = 1 << 24  # a description in JSON takes up to twenty times its length in memory
_KEY = "skda"  # in the header's free text
_DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "U16": torch.uint16,
    "I32": torch.int32,
    "U32": torch.uint32,
    "I64": torch.int64,
    "U64": torch.uint64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}


def write(
    path: str | os.PathLike[str], description: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Write a description in JSON and tensors to one file."""
    # imported here, because training needs no safetensors
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    text = json.dumps({"format": FORMAT, **description}, allow_nan=False, separators=(",", ":"))
    if len(text) > _LONGEST:
        raise ValueError(
            f"A model file cannot hold a description of {len(text)} characters, more than "
            f"{_LONGEST}: names, labels or histories are too many. Use pickle or joblib."
        )
    flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    checksum = _checksum(text, flat)
    try:
        write_atomically(path, lambda new: save_file(flat, new, {_KEY: f"{checksum:08x}{text}"}))
    except SafetensorError as error:
        raise OSError(f"{os.fspath(path)} cannot be written: {error}") from error


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the description and the tensors of a file, in no more memory than the file's size.

    A file that is damaged, not of skda, or of a newer format is a ModelFileError.
    """
    with open(path, "rb") as file:  # a missing file is an OSError
        header = _header(path, file)
        text = header.pop("__metadata__", {}).get(_KEY, "")
        description = _description(text[8:])
        entries = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
        tensors = {name: _next_tensor(file, entry) for name, entry in entries}
    if f"{_checksum(text[8:], tensors):08x}" != text[:8]:
        raise ModelFileError(
            "its checksum is wrong: the file was changed or damaged after it was saved. Copy it "
            "again, or save the model again"
        )
    return description, tensors


def _header(path: str | os.PathLike[str], file: BinaryIO) -> dict[str, Any]:
    """Return the header in JSON, after safetensors has checked it; place `file` behind it."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(os.fspath(path), framework="pt"):
            pass
        header: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    except (SafetensorError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"it is truncated, damaged or no file of skda ({error}). Copy it again, or save the "
            "model again with estimator.save(path)"
        ) from error
    if _KEY not in header.get("__metadata__", {}):
        raise ModelFileError(
            "it holds weights in the format of safetensors, but no skda estimator. Read weights "
            "with safetensors.torch.load_file, or pass the path to FinetuneClassifier(pretrained=)"
        )
    return header


def _description(text: str) -> dict[str, Any]:
    if len(text) > _LONGEST:
        raise ModelFileError(
            f"its description is longer than {_LONGEST} characters, which skda does not write. "
            "Save the model again"
        )
    try:
        description = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else f"({error})"
        raise ModelFileError(
            f"its description is no JSON that skda writes: it {what}. Save the model again"
        ) from error
    if not isinstance(description, dict) or type(description.get("format")) is not int:
        raise ModelFileError("its description names no format. Save the model again")
    if description["format"] > FORMAT:
        raise ModelFileError(
            f"it has the format {description['format']}, and this skda reads up to {FORMAT}. "
            "Install a newer version of skda"
        )
    if description["format"] < 1:
        raise ModelFileError(
            f"it has the format {description['format']}, which no skda writes. Save the model again"
        )
    return description


def _next_tensor(file: BinaryIO, entry: Mapping[str, Any]) -> Tensor:
    """Read the next tensor; safetensors has checked that they follow each other without a gap."""
    dtype = _DTYPES.get(entry["dtype"])
    if dtype is None:
        raise ModelFileError(
            f"it has a tensor of dtype {entry['dtype']}, which skda does not write. Save the "
            "model again"
        )
    start, end = entry["data_offsets"]
    data = np.empty(end - start, dtype=np.uint8)  # numpy asks for large pages, torch does not
    file.readinto(data)  # type: ignore[attr-defined]
    return torch.from_numpy(data).view(dtype).reshape(entry["shape"])


def _checksum(text: str, tensors: Mapping[str, Tensor]) -> int:
    """Return a CRC-32 of the description and of the name, dtype, shape and data of each tensor."""
    checksum = zlib.crc32(text.encode())
    for name, tensor in sorted(tensors.items()):
        shown = f"{name} {tensor.dtype} {list(tensor.shape)}"
        data = tensor.reshape(-1).view(torch.uint8).numpy()
        checksum = crc32(data, zlib.crc32(shown.encode(), checksum))
    return checksum
