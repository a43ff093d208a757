"""Pickles that hold the version of skda that wrote them."""

from __future__ import annotations

import warnings
from typing import Any

from ._version import __version__

__all__ = ["VersionedMixin"]

_KEY = "_skda_version"


class VersionedMixin:
    """Stores the version in the pickle of an estimator, and warns when another one loads it."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the state and the version."""
        return {**super().__getstate__(), _KEY: __version__}  # type: ignore[dict-item]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the state; warn if another version of skda wrote it."""
        state = dict(state)
        written, here = state.pop(_KEY, "an unknown version"), __version__
        if written != here:
            warnings.warn(
                f"This {type(self).__name__} was pickled by skda {written} and is loaded by skda "
                f"{here}: it may fail or predict otherwise. Fit it again, or load it with skda "
                f"{written}.",
                stacklevel=2,
            )
        super().__setstate__(state)  # type: ignore[misc]
