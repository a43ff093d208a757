"""The sentences of `domain_report` on tasks whose truth is known."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..harness.options import program_parser, run_program
from ..harness.small_tasks import missing_tasks
from .measure import METHODS, measure
from .page import page
from .tasks import ALL

OUT = Path(__file__).parent / "domain_report"


def run(options: argparse.Namespace, path: Path) -> None:
    """Train and measure what is missing, task by task."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done: set[tuple[str, int]] = set()
    if path.exists():
        done = set(pd.read_csv(path)[["task", "seed"]].itertuples(index=False, name=None))
    for name, seed, task in missing_tasks(options, ALL, done):
        start = time.perf_counter()
        rows = pd.DataFrame(measure(task, seed, quick=options.quick))
        rows.insert(0, "task", name)
        rows.insert(1, "seed", seed)
        rows.to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.6g")
        print(f"{name:28} seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)


def page_of(path: Path, command: str) -> str:
    return page(pd.read_csv(path), command)


def main(arguments: Sequence[str] | None = None) -> None:
    title = f"The sentences of domain_report on {', '.join(METHODS)}"
    parser = program_parser(title, "few rows, one epoch", seeds=[2], tasks=ALL)
    run_program(parser, arguments, OUT, run, page_of)


if __name__ == "__main__":
    main()
