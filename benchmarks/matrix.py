"""A benchmark of methods by tasks: one table with the published rows, the goals, a figure."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

from comparison import MEAN, Comparison
from runner import Benchmark, Method, Plan, Results, Run, Task, plan


class Means:
    """Means over the seeds, and over the tasks."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    def on(self, task: str, method: str) -> float:
        """Return the mean score on a task; NaN if it was not run."""
        runs = self.comparison.runs.get((task, method), ())
        return mean(run.score for run in runs) if runs else float("nan")

    def of(self, method: str, tasks: Collection[str] | None = None) -> float:
        """Return the mean score over these tasks, or all; NaN if one was not run."""
        names = [task.name for task in self.comparison.tasks] if tasks is None else tasks
        scores = [self.on(name, method) for name in names]
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
    groups : mapping of heading to names of tasks
        Where there are any, the page begins with a table of their means, and each group that has
        a task not yet shown has a table and a part of the figure of its own.
    reference_of : callable
        From a method and a reference to the row that it is held against.
    """

    references: Mapping[str, str] = field(default_factory=dict)
    compared: Collection[str] = ()
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    goals: Sequence[Goal] = ()
    has_run: Callable[[Task, Method], bool] = lambda task, method: True
    mean: bool = True
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reference_of: Callable[[str, str], str] = lambda method, reference: reference


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
        matrix.reference_of,
    )


def groups_shown(matrix: Matrix, comparison: Comparison) -> list[tuple[str, Comparison]]:
    """Return each part of the page with its heading: one, or those of the groups."""
    if not matrix.groups:
        return [("", comparison)]
    tasks = {task.name: task for task in comparison.tasks}
    parts, shown = [], set[str]()
    for heading, names in matrix.groups.items():
        found = [name for name in names if name in tasks]
        if not shown.issuperset(found):
            of_group = [tasks[name] for name in found]
            parts.append((heading, replace(comparison, tasks=of_group, mean=len(found) > 1)))
            shown.update(found)
    return parts


def means_of_groups(matrix: Matrix, comparison: Comparison) -> Comparison:
    """Return the comparison in which each group is a task, by its mean in each seed."""
    tasks, runs = {task.name: task for task in comparison.tasks}, {}
    columns = []
    for heading, names in matrix.groups.items():
        found = [tasks[name] for name in names if name in tasks]
        if not found:
            continue
        of_group = replace(comparison, tasks=found)
        columns.append(replace(found[0], name=heading, score_name=f"mean of {len(found)}"))
        for method in comparison.methods:
            scores = of_group.mean_scores(method)
            if scores:
                lists = zip(*(comparison.runs[t.name, method] for t in found), strict=True)
                seconds = [sum(run.seconds for run in of_seed) for of_seed in lists]
                runs[heading, method] = list(map(Run, scores, seconds))
    return replace(comparison, tasks=columns, runs=runs, mean=False)


def write_page(
    matrix: Matrix, todo: Plan, results: Results, comparison: Comparison | None = None
) -> str:
    """Write the page and its figure beside the file of runs; return the page.

    The comparison, if there is one, may have more methods than the matrix: such as were not run
    but found from the runs.
    """
    comparison = comparison or compare(matrix, todo, results)
    goals = [goal.verdict(Means(comparison)) for goal in matrix.goals]
    marks = ", ".join(f"{mark} not above {name}" for name, mark in matrix.references.items())
    figure = todo.out.with_name(todo.out.name + ".png")
    shown = groups_shown(matrix, comparison)
    summary = means_of_groups(matrix, comparison) if matrix.groups else comparison
    told = [marks, *(["rows in italics are published ones"] if matrix.published else [])]
    legend = f"{'; '.join(filter(None, told))}." if any(told) else ""
    body = [
        *(["## Goals", "\n".join(goals)] if goals else []),
        f"## {'Means' if matrix.groups else 'Scores'}\n\n{legend}",
        summary.table(),
        f"![scores]({figure.name})",
        *(["## Where a method loses", summary.losses()] if matrix.references else []),
        *(f"## {heading}\n\n{part.table()}" for heading, part in shown if heading),
        matrix.notes,
    ]
    benchmark = replace(matrix, notes="\n\n".join(body))
    text = replace(todo, tasks=[], benchmark=benchmark).page(results)
    todo.out.with_name(todo.out.name + ".md").write_text(text, encoding="utf-8")
    draw(shown, figure, todo.benchmark.title)
    return text


def draw(parts: Sequence[tuple[str, Comparison]], path: Path, title: str) -> None:
    """Draw the scores of each method: a dot a task, and a diamond for their mean.

    Each part has a heading and a panel.
    """
    import matplotlib.pyplot as plt

    runs = [run for _, comparison in parts for run in comparison.runs]
    methods = [m for m in parts[0][1].methods if any(m == name for _, name in runs)]
    size = (4 + 4 * len(parts), 1 + 0.26 * len(methods))
    fig, axes = plt.subplots(
        1, len(parts), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    for ax, (heading, comparison) in zip(axes[0], parts, strict=True):
        draw_dots(ax, comparison, methods)
        ax.set(xlabel="score on the target", title=heading or title)
    axes[0, 0].set_yticks(range(len(methods)), methods)
    axes[0, 0].set_ylim(len(methods) - 0.5, -0.5)
    fig.suptitle(title if len(parts) > 1 else "")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def draw_dots(ax: Any, comparison: Comparison, methods: Sequence[str]) -> None:
    """Draw into a panel, the methods from 0 upwards."""
    import matplotlib.pyplot as plt

    means = Means(comparison)
    for i, task in enumerate(comparison.tasks):
        places = [(means.on(task.name, m), j) for j, m in enumerate(methods)]
        color = plt.get_cmap("tab20")(i % 20)
        ax.plot(*zip(*places, strict=True), "o", color=color, ms=4, alpha=0.8, label=task.name)
    if comparison.mean:
        places = [(means.of(m), j) for j, m in enumerate(methods)]
        ax.plot(*zip(*places, strict=True), "D", color="k", ms=5, label=MEAN)
    ax.grid(axis="x", lw=0.4)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize="small")


def main(matrix: Matrix, arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, then write and print the page."""
    todo = plan(matrix, sys.argv[1:] if arguments is None else arguments)
    results = Results(todo.out.with_name(todo.out.name + ".csv"))
    run(matrix, todo, results)
    print(write_page(matrix, todo, results))
