"""The error of a model file that cannot be loaded."""

from __future__ import annotations

__all__ = ["ModelFileError"]


class ModelFileError(ValueError):
    """A model file is damaged, of a newer format, malicious, or needs what was not handed in."""
