"""Predicted time and memory of fits and searches against those measured.

    OMP_NUM_THREADS=1 python -m benchmarks.scaling

Writes scaling.csv and the page from it, in some three minutes of one core. Linux only: memory is
read from /proc.
"""

import multiprocessing
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from skda import DANNClassifier
from skda.model_selection import LambdaSearchCV

from ..harness.machine import header
from ..harness.markdown import table
from ..harness.options import file_of, parse_options, program_parser, write_text
from ..harness.rows import write_rows
from .model import (
    Work,
    calibrate,
    fit_bytes,
    fit_seconds,
    search_bytes,
    search_seconds,
)

OUT = Path(__file__).parent / "scaling"
COLUMNS = ("case", "predicted s", "measured s", "predicted MB", "measured MB")
N_CLASSES = 10


class Case(NamedTuple):
    """A fit, or a search over `n_lams` and `n_folds`."""

    work: Work
    n_lams: int = 0
    n_folds: int = 0

    def __str__(self) -> str:
        work = self.work
        layers = "-".join(map(str, work.layers))
        fit = f"{work.n_source} + {work.n_target} rows, {layers}, batch {work.batch_size}"
        search = f"; {self.n_lams} lams, {self.n_folds} folds" if self.n_lams else ""
        return f"{fit}, {work.epochs} epochs{search}"


def layers(n_features: int, *hidden: int) -> tuple[int, ...]:
    return (n_features, *hidden, N_CLASSES)


SMALL = Work(2000, 2000, layers(20, 32), epochs=10)
LARGE = Work(4000, 4000, layers(1000, 1024, 512), epochs=3)
CASES = [
    Case(Work(10_000, 5000, layers(20, 32), epochs=5)),
    Case(Work(4000, 4000, layers(200, 256, 128), epochs=5)),
    Case(Work(2000, 8000, layers(500, 512, 512), batch_size=128, epochs=5)),
    Case(Work(8000, 8000, layers(2000, 1024), epochs=1)),
    Case(Work(2000, 2000, layers(2000, 2048, 1024), batch_size=256, epochs=2)),
    Case(Work(1000, 1000, layers(20, 32), epochs=5), n_lams=3, n_folds=3),
    Case(Work(3000, 3000, layers(1000, 512), epochs=1), n_lams=3, n_folds=2),
]


def estimator(work: Work) -> DANNClassifier:
    return DANNClassifier(
        module__hidden=work.layers[1:-1],
        batch_size=work.batch_size,
        max_epochs=work.epochs,
        random_state=0,
    )


def train(case: Case) -> tuple[float, float]:
    """Fit or search; return the CPU time, and the peak memory above that before."""
    work = case.work
    rng = np.random.default_rng(0)
    X_source, X_target = (
        rng.standard_normal((n, work.layers[0]), dtype=np.float32)
        for n in (work.n_source, work.n_target)
    )
    y_source = np.arange(work.n_source) % N_CLASSES
    model: Any = estimator(work)
    if case.n_lams:
        lams = np.linspace(0.1, 1, case.n_lams - 1)  # 0 is always tried
        model = LambdaSearchCV(
            model, lams, cv=case.n_folds, vectorize=False, random_state=0, guard=False
        )
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, start = status("VmRSS"), time.process_time()
    model.fit(X_source, y_source, X_target)
    return time.process_time() - start, status("VmHWM") - before


def status(name: str) -> float:
    """Return a figure of this process in MB."""
    text = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) / 1000


def in_a_fork(function: Callable[[Case], Any], case: Case) -> Any:
    """Return what a function returns in a forked process, where all modules are imported."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(function, (case,))


def rows(
    cases: Sequence[Case], rounds: int, known: tuple[Work, Work] = (SMALL, LARGE)
) -> list[dict[str, str]]:
    """Calibrate on two known fits, predict and measure the others."""

    def measured(case: Case) -> tuple[float, float]:
        found = [in_a_fork(train, case) for _ in range(rounds)]
        return min(seconds for seconds, _ in found), max(memory for _, memory in found)

    (short, megabytes), (long, _) = (measured(Case(work)) for work in known)
    machine = calibrate((known[0], short), (known[1], long), megabytes * 1e6)
    print(machine, flush=True)
    found = []
    for case in cases:
        work, options = case.work, {"n_lams": case.n_lams, "n_folds": case.n_folds}
        seconds, megabytes = measured(case)
        if case.n_lams:
            predicted = search_seconds(machine, work, **options)
            memory = search_bytes(machine, work, n_folds=case.n_folds)
        else:
            predicted, memory = fit_seconds(machine, work), fit_bytes(machine, work)
        values = predicted, seconds, memory / 1e6, megabytes
        found.append(dict(zip(COLUMNS, [str(case), *(f"{v:.3g}" for v in values)], strict=True)))
        print(*found[-1].values(), sep=" | ", flush=True)
    step, flops = machine.step_seconds * 1000, machine.flops / 1e9
    print(f"{step:.2f} ms a step, {flops:.1f} G multiply-adds a second")
    return found


def page(found: Sequence[dict[str, str]], made_by: str) -> str:
    ratios = [float(row["predicted s"]) / float(row["measured s"]) for row in found]
    lines = [
        "# Predicted and measured time and memory",
        header(
            f"`{made_by}`",
            "DANN, the built-in network; CPU time of one thread, the smaller of two runs, each in "
            "a process of its own; memory is the peak minus the memory before the fit, without "
            "the rows",
        ),
        "The model (`benchmarks/scaling/model.py`) has three numbers of the machine: the time of a "
        "step, the multiply-adds a second and the memory of any fit. They come from a small and a "
        "large fit that are not in the table. Predicted divided by measured time is "
        f"{min(ratios):.2f} to {max(ratios):.2f}; with a large batch (here 256) the products are "
        "faster than the model assumes. That a fit needs eight times the memory of its weights was "
        "found by this table, so it is not a prediction.",
        table(COLUMNS, [row.values() for row in found], "lr"),
    ]
    return "\n\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = program_parser(__doc__.splitlines()[0], "one run, one case")
    options = parse_options(parser, arguments, OUT)
    torch.set_num_threads(1)
    small_ones = SMALL._replace(epochs=1), LARGE._replace(n_source=200, epochs=1)
    train(Case(SMALL._replace(epochs=1)))  # torch imports much in the first step
    found = rows([Case(small_ones[0])], 1, small_ones) if options.quick else rows(CASES, 2)
    write_rows(file_of(options.out, ".csv"), COLUMNS, found)
    write_text(options.out, page(found, options.command))


if __name__ == "__main__":
    main()
