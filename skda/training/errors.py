"""What ends a training before its last epoch."""

from __future__ import annotations

__all__ = ["DivergenceError", "StoppedEarly"]


class StoppedEarly(Exception):
    """A callback ended the training."""


class DivergenceError(ValueError):
    """Training produced a loss that is not finite."""
