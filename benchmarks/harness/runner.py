"""Run tasks x methods x seeds; every score is on disk as soon as it is there.

A benchmark that was interrupted goes on where it stopped when it is started again.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from .machine import command, header
from .results import Key, Results, Run, mean_and_deviation


@dataclass(frozen=True)
class Task:
    """Data and how they are scored.

    `load` is called once, and only if a run is missing; its argument says whether a quick look at
    few rows is enough. `settings` is whatever of the task a score depends on.
    """

    name: str
    load: Callable[[bool], Any]
    score_name: str = "accuracy"
    settings: str = ""


@dataclass(frozen=True)
class Method:
    """One row of the table: from a task's data and a seed to a score on the target."""

    name: str
    run: Callable[[Any, int], float]
    settings: str = ""


@dataclass(frozen=True)
class Benchmark:
    """What is run and how the page about it begins and ends."""

    title: str
    tasks: Sequence[Task]
    methods: Sequence[Method]
    out: Path
    introduction: str = ""
    notes: str = ""


@dataclass(frozen=True)
class Plan:
    """The part of a benchmark that the command line asks for."""

    benchmark: Benchmark
    tasks: Sequence[Task]
    methods: Sequence[Method]
    seeds: Sequence[int]
    out: Path
    quick: bool
    command: str

    def key(self, task: Task, method: Method, seed: int) -> Key:
        parts = ["quick" if self.quick else "", task.settings, method.settings]
        return Key(task.name, method.name, seed, "; ".join(filter(None, parts)))

    def file(self, suffix: str) -> Path:
        """Return the path of a file that this plan writes; a name may have dots of its own."""
        return self.out.with_name(self.out.name + suffix)

    def results(self) -> Results:
        """Return the runs that are on disk."""
        return Results(self.file(".csv"))

    def run(self, results: Results) -> None:
        """Do the runs that are missing."""
        for task in self.tasks:
            missing = [
                (method, key)
                for seed in self.seeds
                for method in self.methods
                if (key := self.key(task, method, seed)) not in results.runs
            ]
            if not missing:
                continue
            data = task.load(self.quick)
            for method, key in missing:
                start = time.perf_counter()
                score = float(method.run(data, key.seed))
                if not math.isfinite(score):
                    raise ValueError(f"{key} has the score {score}.")
                run = Run(score, time.perf_counter() - start)
                results.add(key, run)
                line = f"{task.name:16} {method.name:32} seed {key.seed}: {run.score:.3f}"
                print(f"{line}, {run.seconds:.1f} s", flush=True)

    def page(self, results: Results) -> str:
        """Return the page with one table a task."""
        parts = [f"# {self.benchmark.title}", self._header(), self.benchmark.introduction]
        if self.quick:
            parts.append("**A quick look at few rows and epochs: these numbers mean nothing.**")
        for task in self.tasks:
            parts += [f"## {task.name}, {task.score_name}", self._table(task, results)]
        return "\n\n".join(filter(None, [*parts, self.benchmark.notes])).rstrip() + "\n"

    def _header(self) -> str:
        seeds = ", ".join(map(str, self.seeds))
        return header(
            f"`{self.command}`",
            f"seeds {seeds}; mean ± standard deviation over them (n - 1); seconds are the "
            "mean wall time of a run, training and prediction, beside whatever else ran",
        )

    def _table(self, task: Task, results: Results) -> str:
        lines = ["| method | target | seconds |", "|---|---:|---:|"]
        for method in self.methods:
            keys = [self.key(task, method, seed) for seed in self.seeds]
            runs = [results.runs[key] for key in keys]
            seconds = mean(run.seconds for run in runs)
            score = mean_and_deviation([run.score for run in runs])
            lines.append(f"| {method.name} | {score} | {seconds:.1f} |")
        return "\n".join(lines)


def plan(benchmark: Benchmark, arguments: Sequence[str] | None = None) -> Plan:
    """Return what the command line, or these arguments in its place, ask for."""
    arguments = sys.argv[1:] if arguments is None else arguments
    tasks, methods = by_name(benchmark.tasks), by_name(benchmark.methods)
    parser = argparse.ArgumentParser(description=benchmark.title)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="SEED")
    parser.add_argument("--tasks", nargs="+", choices=tasks, default=list(tasks))
    parser.add_argument("--methods", nargs="+", choices=methods, default=list(methods))
    parser.add_argument(
        "--out",
        type=Path,
        help="file without suffix: the runs go to OUT.csv, the table to OUT.md",
    )
    parser.add_argument("--quick", action="store_true", help="few rows and epochs: does it run?")
    options = parser.parse_args(arguments)
    out = options.out or benchmark.out.with_name(
        benchmark.out.name + ("_quick" if options.quick else "")
    )
    return Plan(
        benchmark,
        [tasks[name] for name in dict.fromkeys(options.tasks)],
        [methods[name] for name in dict.fromkeys(options.methods)],
        list(dict.fromkeys(options.seeds)),
        out,
        options.quick,
        command(arguments),
    )


def by_name(items: Sequence[Any]) -> Mapping[str, Any]:
    return {item.name: item for item in items}


def main(benchmark: Benchmark, arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, then write and print the page."""
    todo = plan(benchmark, arguments)
    results = todo.results()
    todo.run(results)
    page = todo.page(results)
    todo.file(".md").write_text(page, encoding="utf-8")
    print(page)
