"""How much it costs to choose lam of a regressor without target labels: regret of the validators.

For every task, method and seed, the candidates of a search are trained on folds, where every
validator judges them by held-out rows of both domains. Then they are trained on all rows, which
gives their error on the target (`search`). The rows are written to regression_selection.csv at
once; after an interruption, the same command does the missing searches. From this file `rules`
finds the candidate that each rule would have chosen, and its cost, and `page` writes the page.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from ..harness.options import program_parser, run_program
from ..harness.rows import append_rows, read_rows
from .page import page
from .rules import searches
from .search import METHODS, search
from .tasks import TASKS

OUT = Path(__file__).parent / "regression_selection"
TEXT = ("task", "method", "grid", "batch_stats", "reason")


def run(options: argparse.Namespace, path: Path) -> None:
    """Do the searches that are missing, method by method."""
    done = {(row["task"], row["method"], row["seed"]) for row in read_rows(path, TEXT)}
    for seed in options.seeds:
        for method in options.methods:
            for name in options.tasks:
                if (name, method, seed) in done:
                    continue
                start = time.perf_counter()
                found = search(TASKS[name], method, seed, options.quick)
                known = {"task": name, "method": method, "seed": seed}
                append_rows(path, [{**known, **row} for row in found])
                seconds = time.perf_counter() - start
                print(f"{name:32} {method:10} seed {seed}: {seconds:.0f} s", flush=True)


def page_of(path: Path, command: str) -> str:
    return page(searches(read_rows(path, TEXT)), command)


def main(arguments: Sequence[str] | None = None) -> None:
    title, quick = "Regret of choosing lam of a regressor", "one epoch and lam"
    parser = program_parser(title, quick, seeds=[0, 1, 2], tasks=TASKS, methods=METHODS)
    run_program(parser, arguments, OUT, run, page_of)


if __name__ == "__main__":
    main()
