"""Run tasks x methods x seeds; every score is on disk as soon as it is there.

A benchmark that was interrupted goes on where it stopped when it is started again.
"""

import argparse
import csv
import io
import math
import os
import platform
import shlex
import sys
import time
import tomllib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

PACKAGES = ("torch", "scikit-learn", "skorch", "numpy")
PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


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


class Key(NamedTuple):
    """What a run is known by; runs with other settings are other runs."""

    task: str
    method: str
    seed: int
    settings: str


class Run(NamedTuple):
    """What came of it."""

    score: float
    seconds: float


class Results:
    """Scores in a CSV file that grows by one line a run.

    Parameters
    ----------
    path : Path
        A line that an interruption left half-written is removed, so that its run is done again.
    """

    columns = (*Key._fields, *Run._fields)

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.runs: dict[Hashable, Run] = {}
        lines = self._whole_lines()
        if not lines:
            self._append(self.columns)
            return
        header, *rows = csv.reader(lines)
        if tuple(header) != self.columns:
            raise SystemExit(
                f"{path} has the columns {', '.join(header)} and not {', '.join(self.columns)}. "
                "Move it away, or name another file with --out."
            )
        for task, method, seed, settings, score, seconds in rows:
            key = Key(task, method, int(seed), settings)
            self.runs[key] = Run(float(score), float(seconds))

    def _whole_lines(self) -> list[str]:
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        return whole.decode().splitlines()

    def _append(self, cells: Sequence[Any]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(cells)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(line.getvalue())
            file.flush()
            os.fsync(file.fileno())

    def add(self, key: Key, run: Run) -> None:
        """Keep a run, on disk first."""
        self._append([*key, f"{run.score:.6f}", f"{run.seconds:.2f}"])
        self.runs[key] = run


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
        return "\n".join(
            [
                f"- {date.today().isoformat()}, {machine()}",
                f"- `{self.command}`",
                f"- {versions()}",
                f"- seeds {seeds}; mean ± standard deviation over them (n - 1); seconds are the "
                "mean wall time of a run, training and prediction, beside whatever else ran",
            ]
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


def mean_and_deviation(scores: Sequence[float]) -> str:
    """Return ``.123 ± .045``; of a single score no deviation is known."""

    def short(number: float) -> str:
        return f"{number:.3f}".removeprefix("0")

    deviation = f" ± {short(stdev(scores))}" if len(scores) > 1 else ""
    return short(mean(scores)) + deviation


def machine() -> str:
    """Return the number of cores, the processor's name and how many threads are used."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        name = models[0] if models else name
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    return f"{os.cpu_count()} cores, {name}, {platform.system()}; OMP_NUM_THREADS {threads}"


def versions() -> str:
    """Return the versions of Python and of what the scores depend on."""
    # skda's from here, because what is installed is not what an editable checkout has become
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    found = [f"Python {platform.python_version()}", f"skda {project['version']}"]
    return ", ".join([*found, *(f"{package} {version(package)}" for package in PACKAGES)])


def plan(benchmark: Benchmark, arguments: Sequence[str]) -> Plan:
    """Return what the command line asks for."""
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
    script = Path(sys.argv[0])
    shown = Path(script.parent.name, script.name)
    return Plan(
        benchmark,
        [tasks[name] for name in dict.fromkeys(options.tasks)],
        [methods[name] for name in dict.fromkeys(options.methods)],
        list(dict.fromkeys(options.seeds)),
        out,
        options.quick,
        f"python {shown} {shlex.join(arguments)}".strip(),
    )


def by_name(items: Sequence[Any]) -> Mapping[str, Any]:
    return {item.name: item for item in items}


def main(benchmark: Benchmark) -> None:
    """Run what is missing, then write and print the page."""
    todo = plan(benchmark, sys.argv[1:])
    results = Results(todo.out.with_name(todo.out.name + ".csv"))
    todo.run(results)
    page = todo.page(results)
    todo.out.with_name(todo.out.name + ".md").write_text(page, encoding="utf-8")
    print(page)
