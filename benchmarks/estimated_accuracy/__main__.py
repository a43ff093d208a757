"""How far estimates of the target accuracy and of the target's class shares are from the truth."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from ..harness.machine import command
from ..harness.rows import append_rows, read_rows
from ..harness.small_tasks import ALL_TASKS, draw, few_rows
from .measure import measure
from .models import METHODS, train
from .page import page

OUT = Path(__file__).parent / "estimated_accuracy"
LEFT_OUT = ("digits on photos", "dvd→kitchen")


def run(options: argparse.Namespace, path: Path) -> None:
    """Train and measure what is missing, seed by seed."""
    done = {(row["task"], row["search"], row["seed"]) for row in read_rows(path)}
    for seed in options.seeds:
        for name in options.tasks:
            missing = [each for each in options.methods if (name, each, seed) not in done]
            if not missing:
                continue
            task = ALL_TASKS[name]
            if options.quick:
                task = few_rows(task)
            sample = draw(task, task.load(), seed)
            for each in missing:
                start = time.perf_counter()
                found = [measure(model) for model in train(task, each, sample, seed)]
                key = {"task": name, "search": each, "seed": seed}
                append_rows(path, [{**key, **row} for row in found])
                seconds = time.perf_counter() - start
                print(f"{name:24} {each:10} seed {seed}: {seconds:.0f} s", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(description="Estimated accuracies and shares of the classes")
    usual = [name for name in ALL_TASKS if name not in LEFT_OUT]
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="SEED")
    parser.add_argument("--tasks", nargs="+", choices=ALL_TASKS, default=usual)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--out", type=Path, help="file without suffix")
    parser.add_argument("--quick", action="store_true", help="few rows, one epoch: does it run?")
    options = parser.parse_args(arguments)
    out = options.out or OUT.with_name(OUT.name + ("_quick" if options.quick else ""))
    torch.set_num_threads(1)
    path = out.with_name(out.name + ".csv")
    run(options, path)
    order = list(ALL_TASKS)
    rows = sorted(read_rows(path), key=lambda row: order.index(row["task"]))
    text = page(rows, command(arguments))
    out.with_name(out.name + ".md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
