"""Writing of files that are complete or absent, never partial."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path

__all__ = ["write_atomically"]


def write_atomically(path: str | os.PathLike[str], write_to: Callable[[Path], object]) -> None:
    """Let a function write a new file beside `path`, and move it to `path`.

    After an error or a crash, an older file at `path` is unchanged.
    """
    path = Path(path)
    new = path.with_name(f".{path.stem}.{uuid.uuid4().hex}{path.suffix}")
    try:
        new.touch()
        mode = new.stat().st_mode  # the usual mode; `write_to` may make the file private
        write_to(new)
        new.chmod(mode)
        with new.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
