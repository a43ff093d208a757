"""Memory maps of large files, whose pages must not pile up in the memory of the process."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

__all__ = ["MappedPages"]

_MAPPED_BYTES = 1 << 26  # that a memory map holds at most, about
_AROUND_BYTES = 1 << 20  # that Linux maps at most around each row that is read


class MappedPages:
    """Gives the pages of a large memory map back whenever many have been read.

    The pages stay in the system's cache. Nothing happens unless the object is a view of a large
    memory map whose changes are in the file.
    """

    def __init__(self, array: Any) -> None:
        self._map = _large_map(array)
        self._touched = 0

    def most_rows(self, row_bytes: int) -> float:
        """Return how many rows should be read at most before pages can be given back."""
        return np.inf if self._map is None else _MAPPED_BYTES // (row_bytes + _AROUND_BYTES)

    def touch(self, n_rows: int, row_bytes: int) -> None:
        """Count so many rows, anywhere in the file, as read."""
        if self._map is None:
            return
        self._touched += n_rows * (row_bytes + _AROUND_BYTES)
        if self._touched > _MAPPED_BYTES:
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0


def _large_map(array: Any) -> mmap.mmap | None:
    mode = None
    while isinstance(array, np.ndarray):
        mode = array.mode if isinstance(array, np.memmap) else mode
        array = array.base
    # in mode "c" the changed pages are in memory alone
    safe = isinstance(array, mmap.mmap) and mode in ("r", "r+", "w+")
    large = safe and len(array) > _MAPPED_BYTES and hasattr(mmap, "MADV_DONTNEED")
    return array if large else None
