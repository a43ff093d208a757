"""A table of methods by tasks that says where a method is not above the references."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from runner import Run, Task, mean_and_deviation


@dataclass(frozen=True)
class Comparison:
    """Scores of several methods on several tasks.

    `runs` are found by the names of a task and a method; where there are none, nothing was run.
    `references` are the methods that those in `compared` are held against, each with its mark.
    """

    tasks: Sequence[Task]
    methods: Sequence[str]
    runs: Mapping[tuple[str, str], Sequence[Run]]
    references: Mapping[str, str]
    compared: Collection[str]

    def table(self) -> str:
        """Return one row a method; the seconds are those of all tasks together."""
        heads = ["method", *(f"{t.name}, {t.score_name}" for t in self.tasks), "seconds"]
        lines = [" | ".join(heads), "|".join(["---", *["---:"] * (len(heads) - 1)])]
        for method in self.methods:
            found = [runs for t in self.tasks if (runs := self.runs.get((t.name, method)))]
            seconds = sum(mean(run.seconds for run in runs) for runs in found)
            cells = [self._cell(task, method) for task in self.tasks]
            lines.append(" | ".join([method, *cells, f"{seconds:.1f}"]))
        return "\n".join(f"| {line} |" for line in lines)

    def losses(self) -> str:
        """Return one row a compared method, with the tasks on which it is not above."""
        heads = [f"{above} {name}" for name in self.references for above in ("above", "not above")]
        lines = [" | ".join(["method", *heads]), "|".join(["---"] * (len(heads) + 1))]
        for method in self.methods:
            if method not in self.compared:
                continue
            tried = [t for t in self.tasks if (t.name, method) in self.runs]
            cells = []
            for reference in self.references:
                lost = [t for t in tried if self._loses(t, method, reference)]
                told = [self._against(t, method, reference) for t in lost]
                cells += [f"{len(tried) - len(lost)} of {len(tried)}", ", ".join(told) or "–"]
            lines.append(" | ".join([method, *cells]))
        return "\n".join(f"| {line} |" for line in lines)

    def _mean(self, task: Task, method: str) -> float | None:
        runs = self.runs.get((task.name, method))
        return None if runs is None else mean(run.score for run in runs)

    def _loses(self, task: Task, method: str, reference: str) -> bool:
        score, other = self._mean(task, method), self._mean(task, reference)
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
        values = [f"{self._mean(task, name):.3f}".removeprefix("0") for name in (method, reference)]
        return f"{task.name} ({' against '.join(values)})"
