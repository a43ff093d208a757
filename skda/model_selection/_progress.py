"""The progress bar of a search."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

__all__ = ["Progress"]


class Progress:
    """A bar that counts trainings and parts of trainings.

    Parameters
    ----------
    total : int
        Number of trainings.
    shown : bool
        Whether to show the bar.
    """

    def __init__(self, total: int, shown: bool) -> None:
        self.total, self.shown = total, shown
        self.done = 0.0
        self.bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def advance(self, trainings: float) -> None:
        """Add a number of trainings that are done; the first call shows the bar."""
        if self.shown and self.bar is None:
            from tqdm.auto import tqdm

            self.bar = tqdm(total=self.total, desc="LambdaSearchCV", bar_format=_FORMAT)
        if self.bar is not None:
            # the sum of the parts has rounding errors
            self.done = min(self.total, round(self.done + trainings, 6))
            self.bar.update(self.done - self.bar.n)


# an epoch of models that train together is a part of each training: n is no integer
_FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total_fmt} trainings [{elapsed}<{remaining}]"
