"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path

__all__ = ["write_atomically"]


def write_atomically(path: str | os.PathLike[str], write_to: Callable[[Path], object]) -> None:
    """Let a function write a new file beside `path`, and put it in the place of `path`.

    After an error or a crash, what was at `path` is there as before.
    """
    path = Path(path)
    new = path.with_name(f".{path.stem}.{uuid.uuid4().hex}{path.suffix}")
    try:
        new.touch()
        mode = new.stat().st_mode  # that of any new file; what writes it may make it private
        write_to(new)
        new.chmod(mode)
        with new.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
