"""Scores in a CSV file, which has each score as soon as it is known."""

import csv
import io
import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple


class Key(NamedTuple):
    """The identity of a run; runs with other settings are other runs."""

    task: str
    method: str
    seed: int
    settings: str


class Run(NamedTuple):
    """The result of a run."""

    score: float
    seconds: float


class Results:
    """Scores in a CSV file that grows by one line for each run.

    A line that an interruption left incomplete is removed, so that its run is done again.
    """

    columns = (*Key._fields, *Run._fields)

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.runs: dict[Hashable, Run] = {}
        lines = self._whole_lines()
        if not lines:
            self._append(self.columns)
            return
        header, *rows = csv.reader(lines)
        if tuple(header) != self.columns:
            raise SystemExit(
                f"{path} has the columns {', '.join(header)} and not {', '.join(self.columns)}. "
                "Move it away, or name another file with --out."
            )
        for task, method, seed, settings, score, seconds in rows:
            key = Key(task, method, int(seed), settings)
            self.runs[key] = Run(float(score), float(seconds))

    def _whole_lines(self) -> list[str]:
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        return whole.decode().splitlines()

    def _append(self, cells: Sequence[Any]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(line.getvalue())
            file.flush()
            os.fsync(file.fileno())

    def add(self, key: Key, run: Run) -> None:
        """Write a run to the disk, then keep it in memory."""
        self._append([*key, f"{run.score:.6f}", f"{run.seconds:.2f}"])
        self.runs[key] = run


def mean_and_deviation(scores: Sequence[float]) -> str:
    """Return ``.123 ± .045``, without the deviation if there is one score."""

    def short(number: float) -> str:
        return f"{number:.3f}".removeprefix("0")

    deviation = f" ± {short(stdev(scores))}" if len(scores) > 1 else ""
    return short(mean(scores)) + deviation
