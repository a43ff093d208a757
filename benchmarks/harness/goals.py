"""Numbers that a page should reach."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from statistics import mean

from .comparison import Comparison


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
        """Return the highest mean, on a task or over all tasks, and the method that has it."""
        found = [(self.of(m) if task is None else self.on(task, m), m) for m in methods]
        return max((pair for pair in found if pair[0] == pair[0]), default=(float("nan"), "none"))


def least(values: Mapping[str, float]) -> tuple[float, str]:
    """Return the least value, and the first name that has it."""
    name = min(values, key=values.__getitem__)
    return values[name], name


@dataclass(frozen=True)
class Goal:
    """A number that a page should reach, and the function that finds it, perhaps with a remark."""

    text: str
    value: Callable[[Means], float | tuple[float, str]]
    at_least: float

    def line(self, means: Means) -> str:
        """Return a line that says whether the number is reached."""
        value = self.value(means)
        value, remark = value if isinstance(value, tuple) else (value, "")
        # NaN, which stands for a missing run, does not reach the goal
        reached = "reached" if value >= self.at_least else "**not reached**"
        shown = f"{value:.3f} ({remark})" if remark else f"{value:.3f}"
        return f"- {self.text}: at least {self.at_least:.3f} wanted, {shown} found: {reached}"
