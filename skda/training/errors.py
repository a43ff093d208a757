"""What ends a training before its last epoch."""

from __future__ import annotations

from typing import Self

__all__ = ["DivergenceError", "StoppedEarly"]


class StoppedEarly(Exception):
    """A callback ended the training."""


class DivergenceError(ValueError):
    """Training produced a loss that is not finite."""

    @classmethod
    def of(cls, what: str, *, epoch: int, lr: float, lam: float) -> Self:
        """Return an error that says what went wrong in an epoch, and the remedies."""
        return cls(
            f"The {what.format(epoch=f'in epoch {epoch}')}. Lower 'lr' (now {lr:.3g}) or 'lam' "
            f"(now {lam:.3g}), or scale the input, e.g. with StandardScaler in a pipeline."
        )
