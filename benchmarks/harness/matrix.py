"""A benchmark of methods by tasks: one table with the published rows, the goals, a figure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import fsum

from .comparison import Comparison
from .figures import draw
from .goals import Goal, Means
from .options import write_text
from .results import Results, Run
from .runner import Benchmark, Method, Plan, Task, plan


@dataclass(frozen=True)
class Matrix(Benchmark):
    """A benchmark whose page has one table with a column for each task.

    Parameters
    ----------
    references : mapping of method to mark
        The rows with which the methods in `compared` are compared.
    compared : collection of method
    published : mapping of name to scores
        Scores by task, or "mean" if only the mean is known.
    goals : sequence of Goal
    has_run : callable
        Whether a method is run on a task.
    mean : bool
        Whether a mean over the tasks makes sense.
    groups : mapping of heading to names of tasks
        With groups, the page begins with a table of their means. Each group that has a task not yet
        shown gets a table and a part of the figure.
    reference_of : callable
        Returns the row with which a method is compared, from the method and a reference.
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
    """Do the missing runs seed by seed, so that the first seeds are complete early."""
    for seed in todo.seeds:
        for task in todo.tasks:
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
    """Return the parts of the page with their headings: one part, or one for each group."""
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
    """Return the comparison with one task for each group, the mean of its tasks in each seed."""
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
                seconds = [fsum(run.seconds for run in of_seed) for of_seed in lists]
                runs[heading, method] = list(map(Run, scores, seconds))
    return replace(comparison, tasks=columns, runs=runs, mean=False)


def write_page(matrix: Matrix, todo: Plan, results: Results, comparison: Comparison) -> None:
    """Write the page and its figure beside the file of runs, and print the page.

    The comparison may have more methods than the matrix, with runs that are derived from others.
    """
    goals = [goal.line(Means(comparison)) for goal in matrix.goals]
    marks = ", ".join(f"{mark} not above {name}" for name, mark in matrix.references.items())
    figure = todo.file(".png")
    shown = groups_shown(matrix, comparison)
    summary = means_of_groups(matrix, comparison) if matrix.groups else comparison
    told = [marks, *(["rows in italics are published numbers"] if matrix.published else [])]
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
    write_text(todo.out, replace(todo, tasks=[], benchmark=benchmark).page(results))
    draw(shown, figure, todo.benchmark.title)


def main(
    matrix: Matrix,
    arguments: Sequence[str] | None = None,
    finish: Callable[[Plan, Comparison], tuple[Comparison, str]] | None = None,
) -> None:
    """Run what is missing, then write and print the page.

    `finish` may add derived rows: it returns the comparison and the notes of the page.
    """
    todo = plan(matrix, arguments)
    # the rows of a task are loaded once, and only if they are needed
    todo = replace(todo, tasks=[replace(task, load=cache(task.load)) for task in todo.tasks])
    results = todo.results()
    run(matrix, todo, results)
    comparison = compare(matrix, todo, results)
    if finish is not None:
        comparison, notes = finish(todo, comparison)
        matrix = replace(matrix, notes=notes)
    write_page(matrix, todo, results, comparison)
