"""A benchmark of methods by tasks: one table with the published rows, the goals, a figure."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from statistics import mean

from comparison import MEAN, Comparison
from runner import Benchmark, Method, Plan, Results, Task, plan


class Means:
    """Means over the seeds, and over the tasks."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    def on(self, task: str, method: str) -> float:
        """Return the mean score on a task; NaN if it was not run."""
        runs = self.comparison.runs.get((task, method), ())
        return mean(run.score for run in runs) if runs else float("nan")

    def of(self, method: str) -> float:
        """Return the mean score over all tasks; NaN if one was not run."""
        scores = self.comparison.mean_scores(method)
        return mean(scores) if scores else float("nan")

    def best(self, methods: Collection[str], task: str | None = None) -> tuple[float, str]:
        """Return the highest mean, on a task or over all, and whose it is."""
        found = [(self.of(m) if task is None else self.on(task, m), m) for m in methods]
        return max((pair for pair in found if pair[0] == pair[0]), default=(float("nan"), "none"))


@dataclass(frozen=True)
class Goal:
    """A number to be reached, and how it is found; it may come with a remark."""

    text: str
    value: Callable[[Means], float | tuple[float, str]]
    at_least: float

    def verdict(self, means: Means) -> str:
        """Return a line that says whether it is reached."""
        value = self.value(means)
        value, remark = value if isinstance(value, tuple) else (value, "")
        # NaN, where something was not run, is not reached
        reached = "reached" if value >= self.at_least else "**not reached**"
        shown = f"{value:.3f} ({remark})" if remark else f"{value:.3f}"
        return f"- {self.text}: at least {self.at_least:.3f} wanted, {shown} found: {reached}"


@dataclass(frozen=True)
class Matrix(Benchmark):
    """A benchmark whose page has one table, tasks in columns.

    Parameters
    ----------
    references : mapping of method to mark
        What the methods in `compared` are held against.
    compared : collection of method
    published : mapping of name to scores
        Scores by task, or "mean" where only that is known.
    goals : sequence of Goal
    has_run : callable
        Whether a method is run on a task.
    mean : bool
        Whether a mean over the tasks makes sense.
    """

    references: Mapping[str, str] = field(default_factory=dict)
    compared: Collection[str] = ()
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    goals: Sequence[Goal] = ()
    has_run: Callable[[Task, Method], bool] = lambda task, method: True
    mean: bool = True


def run(matrix: Matrix, todo: Plan, results: Results) -> None:
    """Do what is missing, a seed after the other, so that early seeds are whole early."""
    # the rows of a task are loaded once, and only if they are needed
    tasks = [replace(task, load=cache(task.load)) for task in todo.tasks]
    for seed in todo.seeds:
        for task in tasks:
            methods = [method for method in todo.methods if matrix.has_run(task, method)]
            replace(todo, tasks=[task], methods=methods, seeds=[seed]).run(results)


def compare(matrix: Matrix, todo: Plan, results: Results) -> Comparison:
    """Gather the runs."""
    runs = {
        (task.name, method.name): [results.runs[todo.key(task, method, s)] for s in todo.seeds]
        for task in todo.tasks
        for method in todo.methods
        if matrix.has_run(task, method)
    }
    names = [method.name for method in todo.methods]
    return Comparison(
        todo.tasks,
        names,
        runs,
        matrix.references,
        matrix.compared,
        matrix.published,
        matrix.mean,
    )


def write_page(matrix: Matrix, todo: Plan, results: Results) -> str:
    """Write the page and its figure beside the file of runs; return the page."""
    comparison = compare(matrix, todo, results)
    parts = [goal.verdict(Means(comparison)) for goal in matrix.goals]
    marks = ", ".join(f"{mark} not above {name}" for name, mark in matrix.references.items())
    figure = todo.out.with_name(todo.out.name + ".png")
    body = [
        *(["## Goals", "\n".join(parts)] if parts else []),
        f"## Scores\n\n{marks + '. ' if marks else ''}Rows in italics are published ones.",
        comparison.table(),
        f"![scores]({figure.name})",
        *(["## Where a method loses", comparison.losses()] if matrix.references else []),
        matrix.notes,
    ]
    benchmark = replace(matrix, notes="\n\n".join(body))
    text = replace(todo, tasks=[], benchmark=benchmark).page(results)
    todo.out.with_name(todo.out.name + ".md").write_text(text, encoding="utf-8")
    draw(comparison, figure, todo.benchmark.title)
    return text


def draw(comparison: Comparison, path: Path, title: str) -> None:
    """Draw the scores of each method: a dot a task, and a diamond for their mean."""
    import matplotlib.pyplot as plt

    methods = [m for m in comparison.methods if any(m == name for _, name in comparison.runs)]
    fig, ax = plt.subplots(figsize=(8, 1 + 0.26 * len(methods)), layout="constrained")
    means = Means(comparison)
    for i, task in enumerate(comparison.tasks):
        places = [(means.on(task.name, m), j) for j, m in enumerate(methods)]
        color = plt.get_cmap("tab20")(i % 20)
        ax.plot(*zip(*places, strict=True), "o", color=color, ms=4, alpha=0.8, label=task.name)
    if comparison.mean:
        places = [(means.of(m), j) for j, m in enumerate(methods)]
        ax.plot(*zip(*places, strict=True), "D", color="k", ms=5, label=MEAN)
    ax.set_yticks(range(len(methods)), methods)
    ax.invert_yaxis()
    ax.grid(axis="x", lw=0.4)
    ax.set(xlabel="score on the target", title=title)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize="small")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main(matrix: Matrix, arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, then write and print the page."""
    todo = plan(matrix, sys.argv[1:] if arguments is None else arguments)
    results = Results(todo.out.with_name(todo.out.name + ".csv"))
    run(matrix, todo, results)
    print(write_page(matrix, todo, results))
