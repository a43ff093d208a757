"""The versions that a model file names."""

from __future__ import annotations

import platform
from importlib.metadata import version

from .._version import __version__

__all__ = ["versions"]


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that made a model."""
    packages = "torch", "scikit-learn", "skorch", "numpy"
    found = {name: version(name) for name in packages}
    return {"python": platform.python_version(), "skda": __version__, **found}
