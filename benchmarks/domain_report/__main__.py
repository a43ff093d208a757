"""What the verdict of `domain_report` says on tasks whose truth is known."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from ..harness.options import file_of, parse_options, program_parser, write_text
from ..harness.small_tasks import few_rows
from .measure import METHODS, measure
from .page import page
from .tasks import ALL

OUT = Path(__file__).parent / "domain_report"


def run(options: argparse.Namespace, path: Path) -> None:
    """Train and measure what is missing, task by task."""
    done: set[tuple[str, int]] = set()
    if path.exists():
        done = set(pd.read_csv(path)[["task", "seed"]].itertuples(index=False, name=None))
    for seed in options.seeds:
        for name in options.tasks:
            if (name, seed) in done:
                continue
            start, task = time.perf_counter(), ALL[name]
            if options.quick:
                task = few_rows(task)
            rows = pd.DataFrame(measure(task, seed, quick=options.quick))
            rows.insert(0, "task", name)
            rows.insert(1, "seed", seed)
            rows.to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.6g")
            print(f"{name:28} seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    title = f"Verdicts on {', '.join(METHODS)}"
    parser = program_parser(title, "few rows, one epoch", seeds=[2], tasks=ALL)
    options = parse_options(parser, arguments, OUT)
    torch.set_num_threads(1)
    path = file_of(options.out, ".csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    run(options, path)
    write_text(options.out, page(pd.read_csv(path), options.command))


if __name__ == "__main__":
    main()
