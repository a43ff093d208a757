"""A table of methods by tasks that says where a method is not above the references."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum, isnan
from statistics import mean

from .markdown import table
from .results import Run, mean_and_deviation
from .runner import Task

MEAN = "mean"


@dataclass(frozen=True)
class Comparison:
    """Scores of several methods on several tasks.

    `runs` has the runs of a task and a method, by their names, one run for each seed. The methods
    in `compared` are compared with the `references`, each of which has a mark. `published` has
    scores by task, or their "mean". With `mean` there is a column for the mean over the tasks, of
    the methods that were run on all tasks. `reference_of` returns the row of a reference with which
    a method is compared, if each group of rows has its own.
    """

    tasks: Sequence[Task]
    methods: Sequence[str]
    runs: Mapping[tuple[str, str], Sequence[Run]]
    references: Mapping[str, str]
    compared: Collection[str]
    published: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    mean: bool = False
    reference_of: Callable[[str, str], str] = lambda method, reference: reference

    def table(self) -> str:
        """Return one row for each method; the seconds are those of all tasks together."""
        heads = ["method", *(", ".join(filter(None, (t.name, t.score_name))) for t in self.tasks)]
        heads += [*([MEAN] if self.mean else []), "seconds"]
        rows = []
        for method in self.methods:
            found = [runs for t in self.tasks if (runs := self.runs.get((t.name, method)))]
            seconds = fsum(mean(run.seconds for run in runs) for runs in found)
            cells = [self._cell(task, method) for task in self.tasks]
            if self.mean:
                scores = self.mean_scores(method)
                cells.append(mean_and_deviation(scores) if scores else "–")
            shown = "–" if isnan(seconds) else f"{seconds:.1f}"
            rows.append([method, *cells, shown])
        columns = [*(t.name for t in self.tasks), *([MEAN] if self.mean else [])]
        for name, scores_of in self.published.items():
            cells = [
                f"{scores_of[c]:.3f}".removeprefix("0") if c in scores_of else "" for c in columns
            ]
            rows.append([f"*{name}*", *cells, ""])
        return table(heads, rows, "lr", spaced=True)

    def mean_scores(self, method: str) -> list[float]:
        """Return the mean over the tasks for each seed; empty if a task was not run."""
        runs = [self.runs.get((task.name, method), ()) for task in self.tasks]
        if not all(runs):
            return []
        return [mean(run.score for run in of_seed) for of_seed in zip(*runs, strict=True)]

    def losses(self) -> str:
        """Return one row for each compared method, with the tasks on which it is not above."""
        heads = [f"{above} {name}" for name in self.references for above in ("above", "not above")]
        rows = []
        for method in self.methods:
            if method not in self.compared:
                continue
            tried = [t for t in self.tasks if (t.name, method) in self.runs]
            cells = []
            for reference in self.references:
                lost = [t for t in tried if self._loses(t, method, reference)]
                told = [self._against(t, method, reference) for t in lost]
                cells += [f"{len(tried) - len(lost)} of {len(tried)}", ", ".join(told) or "–"]
            rows.append([method, *cells])
        return table(["method", *heads], rows, "l", spaced=True)

    def _mean(self, task: Task, method: str) -> float | None:
        runs = self.runs.get((task.name, method))
        return None if runs is None else mean(run.score for run in runs)

    def _loses(self, task: Task, method: str, reference: str) -> bool:
        score = self._mean(task, method)
        other = self._mean(task, self.reference_of(method, reference))
        return score is not None and other is not None and score <= other

    def _cell(self, task: Task, method: str) -> str:
        runs = self.runs.get((task.name, method))
        if runs is None:
            return "–"
        marks = [
            mark
            for reference, mark in self.references.items()
            if method in self.compared and self._loses(task, method, reference)
        ]
        return f"{mean_and_deviation([run.score for run in runs])} {''.join(marks)}".rstrip()

    def _against(self, task: Task, method: str, reference: str) -> str:
        names = (method, self.reference_of(method, reference))
        values = [f"{self._mean(task, name):.3f}".removeprefix("0") for name in names]
        return f"{task.name} ({' against '.join(values)})"
