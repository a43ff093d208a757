"""Run tasks x methods x seeds; each score is written as soon as it is known.

After an interruption, the same command does the runs that are missing.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from .machine import header
from .markdown import table
from .options import file_of, parse_options, program_parser, write_text
from .results import Key, Results, Run, mean_and_deviation

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Task:
    """Data and how they are scored.

    `load` is called once, and only if a run is missing; its argument says whether a quick look at
    few rows is enough. `settings` names the settings of the task that a score depends on.
    """

    name: str
    load: Callable[[bool], Any]
    score_name: str = "accuracy"
    settings: str = ""


@dataclass(frozen=True)
class Method:
    """One row of the table; `run` maps a task's data and a seed to a score on the target."""

    name: str
    run: Callable[[Any, int], float]
    settings: str = ""


@dataclass(frozen=True)
class Benchmark:
    """The runs of a page, and how the page begins and ends."""

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
        """Return the path of a file that this plan writes."""
        return file_of(self.out, suffix)

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
        """Return the page with one table for each task."""
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
        rows = []
        for method in self.methods:
            keys = [self.key(task, method, seed) for seed in self.seeds]
            runs = [results.runs[key] for key in keys]
            seconds = mean(run.seconds for run in runs)
            score = mean_and_deviation([run.score for run in runs])
            rows.append([method.name, score, f"{seconds:.1f}"])
        return table(["method", "target", "seconds"], rows, "lr")


def plan(benchmark: Benchmark, arguments: Sequence[str] | None = None) -> Plan:
    """Return the plan for these arguments, by default those of the command line."""
    tasks, methods = by_name(benchmark.tasks), by_name(benchmark.methods)
    quick = "few rows and epochs"
    parser = program_parser(benchmark.title, quick, seeds=SEEDS, tasks=tasks, methods=methods)
    options = parse_options(parser, arguments, benchmark.out)
    return Plan(
        benchmark,
        [tasks[name] for name in dict.fromkeys(options.tasks)],
        [methods[name] for name in dict.fromkeys(options.methods)],
        list(dict.fromkeys(options.seeds)),
        options.out,
        options.quick,
        options.command,
    )


def by_name(items: Sequence[Any]) -> Mapping[str, Any]:
    return {item.name: item for item in items}


def main(benchmark: Benchmark, arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, then write and print the page."""
    todo = plan(benchmark, arguments)
    results = todo.results()
    todo.run(results)
    write_text(todo.out, todo.page(results))
