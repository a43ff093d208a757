"""Every estimator on 18 shifts of tables: hearts, wines, activities, gas sensors.

tabular_choices.csv has the judgements of the candidates that a rule without target labels chooses
from.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from ..harness.goals import Goal, Means
from ..harness.matrix import Matrix, compare, run, write_page
from ..harness.methods import ADABN, COMPARED, JOINT, SCALED, SOURCE_ONLY
from ..harness.runner import plan
from ..harness.tabular import GROUPS, TASKS, worst_default
from .choice import CANDIDATES, CAUTIOUS, CHOSEN, Choices
from .page import INTRODUCTION, NOTES, label_shift
from .rows import GRIDS, METHODS, WITH_JOINT, WITH_SEARCH

GOALS = [
    *(
        Goal(
            f"{task}, the method chosen without labels",
            lambda means, task=task: means.on(task, CHOSEN),
            at_least,
        )
        for task, at_least in (("phone→watch", 0.55), ("watch→phone", 0.52), ("gas 1→6", 0.92))
    ),
    Goal(
        "what the shipped default that loses most has above source-only, mean of heart and wine",
        worst_default,
        -0.01,
    ),
    Goal(
        "the same with scaling by domain, above source-only with it",
        lambda means: worst_default(means, SCALED),
        -0.01,
    ),
]

MATRIX = Matrix(
    "Every method on 18 shifts of tables",
    TASKS,
    METHODS,
    Path(__file__).parent / "tabular",
    INTRODUCTION,
    NOTES,
    references={SOURCE_ONLY: "▼"},
    compared=[
        CHOSEN,
        CAUTIOUS,
        *(name + end for name in (ADABN, *COMPARED) for end in ("", SCALED)),
        *(name + JOINT for name in WITH_JOINT),
        *(name + end for end in GRIDS for name in WITH_SEARCH),
    ],
    goals=GOALS,
    groups=GROUPS,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, let the rules choose, then write and print the page."""
    todo = plan(MATRIX, arguments)
    # the rows of a task are loaded once
    todo = replace(todo, tasks=[replace(task, load=cache(task.load)) for task in todo.tasks])
    results = todo.results()
    run(MATRIX, todo, results)
    comparison = compare(MATRIX, todo, results)
    notes = NOTES
    if all(name in comparison.methods for name in CANDIDATES):
        choices = Choices(todo)
        choices.run()
        comparison = replace(
            comparison,
            methods=[CHOSEN, CAUTIOUS, *comparison.methods],
            runs={**comparison.runs, **choices.runs(comparison.runs)},
        )
        notes = (
            f"{label_shift(Means(comparison))}\n\n"
            f"## What was chosen without labels\n\n{choices.table()}\n\n{NOTES}"
        )
    print(write_page(replace(MATRIX, notes=notes), todo, results, comparison))


if __name__ == "__main__":
    main()
