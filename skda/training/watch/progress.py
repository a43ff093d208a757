"""Progress bars: one for each fit, or one for a whole search."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self, TypeVar

from joblib.parallel import get_active_backend

from ..processes import current_processes

__all__ = ["FitProgress", "Progress", "counted", "report_epoch", "skip_epochs"]

Batch = TypeVar("Batch")

# n is no integer where a part of an epoch or of a training is done
_FORMAT = (
    "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total} {unit} [{elapsed}<{remaining}{postfix}]"
)


class Progress:
    """A bar that counts trainings, epochs, and parts of them.

    The bar is not shown inside another one, nor in workers of joblib or multiprocessing. Of the
    processes that share a training, the main one alone shows it. If the output is no terminal or
    notebook, one plain line at the end says what was done.

    Parameters
    ----------
    total : int
        Number of units to do.
    wanted : bool
        Whether to show the bar.
    name, unit : str
        What runs, and what is counted.
    """

    def __init__(self, total: int, wanted: bool, name: str, unit: str) -> None:
        self.total, self.wanted, self.name, self.unit = total, wanted, name, unit
        self.done = 0.0
        self.postfix = ""
        self.bar: Any = None

    def __enter__(self) -> Self:
        alone = _CURRENT.get() is None and current_processes().is_main and not _in_worker()
        self.shown = self.wanted and alone
        self.token: Token[Progress | None] = _CURRENT.set(self)
        self.start = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _CURRENT.reset(self.token)
        if self.bar is None:
            return
        if kind is None:
            # less than planned if the training stopped early; the sum of parts is not exact
            self.done = self.total = self.bar.total = self.bar.n = round(self.done)
        self.bar.close()
        if kind is None and self.bar.disable:
            sys.stderr.write(self._last_line() + "\n")

    def move_to(self, done: float) -> None:
        """Note how much is done; the first call shows the bar."""
        before, self.done = self.done, min(self.total, done)
        if self.shown and self.bar is None:
            from tqdm.auto import tqdm

            look = {"desc": self.name, "unit": self.unit, "bar_format": _FORMAT}
            self.bar = tqdm(total=self.total, initial=before, disable=None, **look)
        if self.bar is not None:
            self.bar.update(self.done - self.bar.n)

    def advance(self, part: float) -> None:
        """Add a part that is done."""
        self.move_to(round(self.done + part, 6))  # the sum of the parts has rounding errors

    def _last_line(self) -> str:
        from tqdm import tqdm

        line: str = tqdm.format_meter(
            self.done,
            self.total,
            elapsed=time.perf_counter() - self.start,
            ascii=True,
            prefix=self.name,
            unit=self.unit,
            bar_format=_FORMAT,
            postfix=self.postfix,
        )
        return line


_CURRENT: ContextVar[Progress | None] = ContextVar("skda_progress", default=None)


def _in_worker() -> bool:
    """Say whether this process or thread is a worker of joblib or of multiprocessing."""
    of_joblib = (get_active_backend()[0].nesting_level or 0) > 0
    return of_joblib or multiprocessing.parent_process() is not None


class FitProgress(Progress):
    """The bar of one fit, which counts epochs."""

    def __init__(self, epochs: int, wanted: bool, name: str) -> None:
        super().__init__(epochs, wanted, name, "epochs")

    def count(self, batches: Iterable[Batch], n_batches: int) -> Iterator[Batch]:
        """Yield the batches of one epoch; each moves the bar."""
        before = self.done
        for i, batch in enumerate(batches, 1):
            yield batch
            self.move_to(before + i / n_batches)

    def report(self, row: Mapping[str, Any]) -> None:
        """Show the losses and lam of an epoch, a row of the history."""
        losses = f"loss {row['classification_loss']:.3g}"
        if row["lam"]:
            losses += f" + {row['adaptation_loss']:.3g}, lam {row['lam']:.2g}"
        self.postfix = losses
        self.bar.set_postfix_str(losses, refresh=False)


def _shown_fit() -> FitProgress | None:
    """Return the bar of the present fit, if it is shown."""
    current = _CURRENT.get()
    return current if isinstance(current, FitProgress) and current.shown else None


def counted(batches: Iterable[Batch], n_batches: int) -> Iterable[Batch]:
    """Return the batches of an epoch; each moves the bar of the fit, if it is shown."""
    current = _shown_fit()
    return batches if current is None else current.count(batches, n_batches)


def report_epoch(row: Mapping[str, Any]) -> None:
    """Show the losses of an epoch on the bar of the fit, if it is shown."""
    if (current := _shown_fit()) is not None:
        current.report(row)


def skip_epochs(epochs: int) -> None:
    """Count the epochs that a checkpoint has from an earlier run."""
    if (current := _shown_fit()) is not None:
        current.done += epochs
        if current.bar is not None and not current.bar.disable:
            current.bar.initial += epochs
