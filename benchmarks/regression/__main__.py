"""Regression: corn spectra of three instruments, turbofans in three conditions."""

from functools import partial
from pathlib import Path

from ..harness import matrix
from ..harness.comparison import Comparison
from ..harness.matrix import Matrix
from ..harness.runner import Method, Plan, Task
from . import corn, turbofan
from .cases import ADAPTING, MODELS, N_FOLDS, SEARCHED, View
from .page import GOALS, INTRODUCTION, NOTES, what_it_shows, what_was_chosen


def method(name: str) -> Method:
    """Return the row of a model with its shipped defaults."""
    settings = f"lam={ADAPTING[name]().lam:g}" if name in ADAPTING else ""
    settings = f"{N_FOLDS} folds" if name == SEARCHED else settings

    def score(view_of, seed: int) -> float:
        view: View = view_of(seed)
        return view.score(name)

    return Method(name, score, settings)


def has_run(task: Task, method: Method) -> bool:
    """Say whether a row is run: the search, for time, on corn and on one pair of turbofans."""
    of_turbofan = task.name in {each.name for each in turbofan.TASKS}
    searched = not of_turbofan or task.name.startswith(turbofan.SEARCHED_PAIR)
    return method.name != SEARCHED or searched


MATRIX = Matrix(
    "Regression: corn spectra and turbofans",
    [*corn.TASKS, *turbofan.TASKS],
    [method(name) for name in MODELS],
    Path(__file__).parent / "regression",
    INTRODUCTION,
    NOTES,
    goals=GOALS,
    has_run=has_run,
    groups={**corn.GROUPS, **turbofan.GROUPS},
)


def with_tables(_todo: Plan, comparison: Comparison) -> tuple[Comparison, str]:
    notes = [what_it_shows(comparison), what_was_chosen(comparison), NOTES]
    return comparison, "\n\n".join(notes)


main = partial(matrix.main, MATRIX, finish=with_tables)


if __name__ == "__main__":
    main()
