"""Rows of any columns in a CSV file that grows while a benchmark runs."""

import csv
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
TEXT = ("task", "method", "search")


def read_rows(path: Path, text: Container[str] = TEXT) -> list[Row]:
    """Return the rows, as numbers except for the columns `text`; none without a file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {key: cell if key in text else float(cell) for key, cell in row.items()}
            for row in csv.DictReader(file)
        ]


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write a file of these columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def append_rows(path: Path, rows: Sequence[Row]) -> None:
    """Append the rows at once, so that an interruption leaves no partial search."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(
            {k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()} for row in rows
        )
