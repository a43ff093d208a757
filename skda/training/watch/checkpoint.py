"""Checkpoints of a training: the state after an epoch, from which the next one goes on."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skorch.history import History
from torch import Tensor

from ..._atomic import write_atomically
from ..._python_numbers import python_numbers
from ..data.inputs import Inputs
from .as_text import as_text
from .callbacks import put_back, state_beside

__all__ = ["StageFile", "check_folder", "fingerprint_of", "some_rows"]

_ROWS = 4096  # of each domain; these rows, evenly spaced, identify the data


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Make the folder if it is not there; raise ValueError if no file can be written into it."""
    path = Path(folder)
    probe = path / f".probe-{os.getpid()}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ValueError(
            "The 'checkpoint' parameter must be a folder into which files can be written. "
            f"{os.fspath(folder)!r} is none: {error}."
        ) from error
    return path


def fingerprint_of(params: Mapping[str, Any], net: Any, domains: Any) -> str:
    """Return a hash of the parameters, of the untrained net and of the data of a training."""
    found = hashlib.sha256(as_text(params).encode())
    for name in sorted(net._modules):  # noqa: SLF001 - skorch's list of what is trained
        for key, tensor in getattr(net, f"{name}_").state_dict().items():
            found.update(key.encode())
            found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    of_rows = [domains.y_source, domains.y_target, domains.weights, domains.subset]
    if domains.source_of is not None:  # an older checkpoint of one source stays valid
        of_rows.append(domains.source_of)
    for values in of_rows:
        found.update(b"-" if values is None else np.ascontiguousarray(values).tobytes())
    for rows in (domains.source, domains.target):
        if rows is None:
            continue
        found.update(str(len(rows)).encode())
        if domains.from_dataset:  # it may return other rows each time
            continue
        for batch in rows.batches([some_rows(len(rows))]):
            for tensor in batch.values() if isinstance(batch, Inputs) else [batch]:
                found.update(tensor.cpu().numpy().tobytes())
    return found.hexdigest()


def some_rows(n: int) -> np.ndarray:
    """Return the indices of the rows that identify the data."""
    return np.unique(np.linspace(0, n - 1, _ROWS).astype(int))


class StageFile:
    """The checkpoint of one stage of a training.

    Parameters
    ----------
    folder : Path
    fingerprint : str
        Of the parameters and the data.
    every : int, default=1
        Number of epochs from one checkpoint to the next.
    stage : int, default=1
        Number of the stage, in methods that have several.
    """

    def __init__(self, folder: Path, fingerprint: str, every: int = 1, stage: int = 1) -> None:
        self.folder, self.fingerprint, self.every, self.stage = folder, fingerprint, every, stage
        self.path = folder / f"stage-{stage}.pt"
        self.warned = self.can_be_read = False

    def next(self) -> StageFile:
        """Return the file of the next stage."""
        return StageFile(self.folder, self.fingerprint, self.every, self.stage + 1)

    def is_due(self, net: Any) -> bool:
        """Say whether to save after the epoch that has just ended."""
        done = len(net.history_)
        return done % self.every == 0 or done == net.planned_epochs

    def load(self) -> dict[str, Any] | None:
        """Return the saved state, or None; raise ValueError if it is of another training."""
        if not self.path.exists():
            return None
        try:
            # tensors, numbers and text only: no code is run
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
            fingerprint = state["fingerprint"]
        except (RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
            raise ValueError(
                f"The checkpoint {str(self.path)!r} is damaged or no checkpoint: {_why(error)}. "
                "Remove it, or pass another folder as 'checkpoint'."
            ) from error
        if fingerprint != self.fingerprint:
            raise ValueError(
                f"The folder {str(self.folder)!r} of 'checkpoint' holds a training with other "
                "data, other parameters or another skda estimator. Pass the same ones to go on, "
                "or another folder, or remove its files to start anew. Functions and networks "
                "with other code are other parameters."
            )
        return state

    def restore(self, net: Any) -> int:
        """Put a net in the state of the last checkpoint, and return its number of epochs."""
        state = self.load()
        net.processes.check_same(
            state is None or len(state["history"]),
            "All processes must read the same 'checkpoint': name a folder that they share.",
        )
        if state is None:
            return 0
        net.module_.load_state_dict(state["module"])
        put_back(net, state["beside"])
        net.history_ = History(json.loads(state["history"]))
        net.kept_, net.rates_ = state["kept"], state["rates"]
        net.generators_.put(state["generators"])
        net.loader_state_ = state["loader"]
        callbacks = dict(net.callbacks_)
        for name, fields in state["callbacks"].items():
            for field, value in fields.items():
                if isinstance(value, dict) and "state_dict" in value:
                    getattr(callbacks[name], field).load_state_dict(value["state_dict"])
                else:
                    setattr(callbacks[name], field, value)
        return len(net.history_)

    def save(self, net: Any) -> None:
        """Write the state at the end of an epoch; warn if it cannot be written."""
        try:
            state = python_numbers(self._state_of(net), arrays=True)
            write_atomically(self.path, lambda new: self._write(state, new))
        except Exception as error:  # whatever a callback or an optimizer keeps
            if not self.warned:
                warnings.warn(
                    f"The checkpoint {str(self.path)!r} could not be written: {_why(error)}. The "
                    "training goes on; the checkpoint of an earlier epoch, if any, is kept.",
                    UserWarning,
                    stacklevel=2,
                )
            self.warned = True

    def _state_of(self, net: Any) -> dict[str, Any]:
        return {
            "fingerprint": self.fingerprint,
            "module": net.module_.state_dict(),
            "beside": state_beside(net),
            "history": _as_json(net.history_.to_list()),
            "kept": net.kept_,
            "rates": list(net.rates_),
            "generators": net.generators_.states(),
            "loader": net.loader_.state(),
            "callbacks": {name: _fitted(callback) for name, callback in net.callbacks_},
        }

    def _write(self, state: dict[str, Any], path: Path) -> None:
        """Write a state; the first time, make sure that it can be read."""
        torch.save(state, path)
        if not self.can_be_read:
            torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            self.can_be_read = True


def _why(error: Exception) -> str:
    """Return the reason of an error in one line, without torch's advice to run code."""
    if not isinstance(error, pickle.UnpicklingError):
        return (str(error).splitlines() or [type(error).__name__])[0].removesuffix(".")
    other = re.search(r"GLOBAL ([\w.]+)", str(error))
    what = f"{other[1]!r}, where" if other else "other things, where"
    return f"it holds {what} only tensors, numbers and text are read"


def _as_json(rows: list[dict[str, Any]]) -> str:
    """Return a history as text; arrays become lists, and what has no text is left out."""
    try:
        return json.dumps(rows, default=_to_list)
    except (TypeError, ValueError):
        return json.dumps(_with_text(rows), default=_to_list)


def _to_list(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic, Tensor)):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no text")


def _with_text(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a history, those of its batches too, without what has no text."""

    def has_text(value: Any) -> bool:
        try:
            json.dumps(value, default=_to_list)
        except (TypeError, ValueError):
            return False
        return True

    found = [
        {name: _with_text(item) if name == "batches" else item for name, item in row.items()}
        for row in rows
    ]
    return [{name: item for name, item in row.items() if has_text(item)} for row in found]


def _fitted(callback: Any) -> dict[str, Any]:
    """Return the attributes of a callback that training sets and that can be saved."""
    found: dict[str, Any] = {}
    for name, value in vars(callback).items():
        if not name.endswith("_"):
            continue
        value = python_numbers(value)
        if hasattr(value, "state_dict") and not isinstance(value, type):
            found[name] = {"state_dict": value.state_dict()}
        elif not isinstance(value, (list, tuple)) and _can_be_read(value):
            found[name] = value
    return found


def _can_be_read(value: Any) -> bool:
    """Say whether a value is made of what `load` reads: tensors, numbers and text."""
    if type(value) in (dict, OrderedDict):
        return all(map(_can_be_read, [*value, *value.values()]))
    if type(value) in (list, tuple):
        return all(map(_can_be_read, value))
    plain = isinstance(value, (bool, int, float, str, Tensor, type(None)))
    return plain and not isinstance(value, np.generic)
