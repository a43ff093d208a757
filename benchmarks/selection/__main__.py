"""How much it costs to choose lam without target labels: regret of every validator and rule.

For every task, method and seed, each lam of a grid is trained on folds, where every validator
judges it by held-out rows of both domains. Then it is trained on all rows, which gives its target
accuracy (`search`). The figures are written to selection.csv at once; after an interruption, the
same command does the missing searches. From this file `rules` finds the lam that each rule would
have chosen, and its cost, and `page` writes selection.md.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import joblib

from ..harness import small_tasks as small
from ..harness.options import program_parser, run_program
from ..harness.rows import append_rows, read_rows
from ..harness.small_tasks import TASKS, draw, few_rows
from ..harness.stress_tasks import MORE_STRESS_TASKS
from .page import page
from .rules import searches
from .search import METHODS, N_FOLDS, search

OUT = Path(__file__).parent / "selection"
STRESS_TASKS = {**small.STRESS_TASKS, **MORE_STRESS_TASKS}
ALL_TASKS = {**TASKS, **STRESS_TASKS}


def run(options: argparse.Namespace, path: Path) -> None:
    """Do the searches that are missing, seed by seed."""
    done = {(row["task"], row["method"], row["seed"]) for row in read_rows(path)}
    for seed in options.seeds:
        for name in options.tasks:
            missing = [each for each in options.methods if (name, each, seed) not in done]
            if not missing:
                continue
            task = few_rows(ALL_TASKS[name], 100, 100) if options.quick else ALL_TASKS[name]
            sample = draw(task, task.load(), seed)
            for each in missing:
                start = time.perf_counter()
                method = METHODS[each]
                if options.quick:
                    method = method._replace(lams=(0.0, method.estimator().lam))
                found, kept = search(task, method, sample, seed)
                append_rows(
                    path, [{"task": name, "method": each, "seed": seed, **row} for row in found]
                )
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    joblib.dump(kept, options.keep / f"{name} {each} {seed}.joblib", compress=1)
                curve = " ".join(f"{row['target_accuracy']:.3f}" for row in found)
                seconds = time.perf_counter() - start
                print(f"{name:24} {each:10} seed {seed}: {curve}, {seconds:.0f} s", flush=True)


def page_of(path: Path, command: str) -> str:
    defaults = {name: method.estimator().lam for name, method in METHODS.items()}
    order = list(ALL_TASKS)
    found = searches(read_rows(path), defaults)
    found.sort(key=lambda each: (order.index(each.task), each.method, each.seed))
    usual = [search for search in found if search.task in TASKS]
    stress = [search for search in found if search.task in STRESS_TASKS]
    return page(usual, stress, command, N_FOLDS)


def main(arguments: Sequence[str] | None = None) -> None:
    title, quick = "Regret of choosing lam without target labels", "few rows and lams, one epoch"
    parser = program_parser(title, quick, seeds=[0, 1, 2], tasks=ALL_TASKS, methods=METHODS)
    parser.add_argument("--keep", type=Path, help="folder for what validators read of the models")
    run_program(parser, arguments, OUT, run, page_of)


if __name__ == "__main__":
    main()
