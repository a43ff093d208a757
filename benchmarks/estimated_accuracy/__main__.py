"""How far estimates of the target accuracy and of the target's class shares are from the truth."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from ..harness.options import program_parser, run_program
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


def page_of(path: Path, command: str) -> str:
    order = list(ALL_TASKS)
    return page(sorted(read_rows(path), key=lambda row: order.index(row["task"])), command)


def main(arguments: Sequence[str] | None = None) -> None:
    title, quick = "Estimated accuracies and class shares", "few rows, one epoch"
    parser = program_parser(title, quick, seeds=[0, 1, 2], tasks=ALL_TASKS, methods=METHODS)
    parser.set_defaults(tasks=[name for name in ALL_TASKS if name not in LEFT_OUT])
    run_program(parser, arguments, OUT, run, page_of)


if __name__ == "__main__":
    main()
