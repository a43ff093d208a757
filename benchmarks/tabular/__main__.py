"""Every estimator on 18 shifts of tables: hearts, wines, activities, gas sensors.

From the scores in tabular_choices.csv a rule without target labels chooses among candidates.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

from ..harness import matrix
from ..harness.comparison import Comparison
from ..harness.goals import Goal, Means
from ..harness.matrix import Matrix
from ..harness.methods import ADABN, COMPARED, JOINT, SCALED, SOURCE_ONLY
from ..harness.runner import Plan
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
        "least gain of a shipped default over source-only, mean of heart and wine",
        worst_default,
        -0.01,
    ),
    Goal(
        "least gain of a shipped default over source-only, mean of heart and wine, both scaled",
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


def with_choices(todo: Plan, comparison: Comparison) -> tuple[Comparison, str]:
    """Let the rules choose if all candidates were run."""
    if not set(CANDIDATES) <= set(comparison.methods):
        return comparison, NOTES
    choices = Choices(todo)
    choices.run()
    comparison = replace(
        comparison,
        methods=[CHOSEN, CAUTIOUS, *comparison.methods],
        runs={**comparison.runs, **choices.runs(comparison.runs)},
    )
    chosen = f"## What was chosen without labels\n\n{choices.table()}"
    return comparison, f"{label_shift(Means(comparison))}\n\n{chosen}\n\n{NOTES}"


main = partial(matrix.main, MATRIX, finish=with_choices)


if __name__ == "__main__":
    main()
