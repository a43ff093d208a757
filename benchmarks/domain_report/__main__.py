"""What the verdict of `domain_report` says on tasks whose truth is known."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from ..harness.machine import command
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
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(description=f"Verdicts on {', '.join(METHODS)}")
    parser.add_argument("--seeds", nargs="+", type=int, default=[2], metavar="SEED")
    parser.add_argument("--tasks", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument("--out", type=Path, help="file without suffix")
    parser.add_argument("--quick", action="store_true", help="few rows, one epoch: does it run?")
    options = parser.parse_args(arguments)
    out = options.out or OUT.with_name(OUT.name + ("_quick" if options.quick else ""))
    torch.set_num_threads(1)
    path = out.with_name(out.name + ".csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    run(options, path)
    text = page(pd.read_csv(path), command(arguments))
    out.with_name(out.name + ".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
