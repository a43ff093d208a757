"""The versions that a model file names."""

from __future__ import annotations

import platform
from importlib.metadata import version

__all__ = ["versions"]


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that made a model."""
    packages = "skda", "torch", "scikit-learn", "skorch", "numpy"
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
