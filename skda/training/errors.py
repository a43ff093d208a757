"""What ends a training before its last epoch."""

from __future__ import annotations

from typing import Self

__all__ = ["DivergenceError", "StoppedEarly"]


class StoppedEarly(Exception):
    """A callback ended the training."""


class DivergenceError(ValueError):
    """Training produced a loss that is not finite."""

    @classmethod
    def of(cls, loss: float, classification: float, *, epoch: int, lr: float, lam: float) -> Self:
        """Return the error of an epoch's mean losses, with the remedies."""
        return cls(
            f"The training loss became {loss} in epoch {epoch} "
            f"(classification_loss={classification:.3g}, adaptation_loss="
            f"{loss - classification:.3g}). Lower 'lr' (now {lr:.3g}) or 'lam' (now {lam:.3g}), or "
            "scale the input, e.g. with StandardScaler in a pipeline."
        )
