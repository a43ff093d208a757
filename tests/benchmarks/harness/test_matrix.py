from pathlib import Path

import numpy as np
import pytest

from benchmarks.harness.comparison import Comparison
from benchmarks.harness.goals import Means
from benchmarks.harness.matrix import Matrix, groups_shown, means_of_groups
from benchmarks.harness.results import Run
from benchmarks.harness.runner import Task


@pytest.fixture
def grouped():
    tasks = [Task(name, lambda quick: None) for name in ("a", "b", "c")]
    numbers = {"a": (0.1, 0.3), "b": (0.5, 0.6), "c": (0.9, 0.7)}
    runs = {(t, "m"): [Run(s, 2.0) for s in scores] for t, scores in numbers.items()}
    runs["a", "n"] = [Run(0.2, 1.0), Run(0.2, 1.0)]
    comparison = Comparison(tasks, ["m", "n"], runs, {}, [], mean=True)
    groups = {"first": ["a", "b"], "second": ["c"], "both": ["a", "c"], "absent": ["d"]}
    return Matrix("title", tasks, [], Path("out"), groups=groups), comparison


def test_means_of_groups(grouped):
    summary = means_of_groups(*grouped)
    assert [(t.name, t.score_name) for t in summary.tasks] == [
        ("first", "mean of 2"),
        ("second", "mean of 1"),
        ("both", "mean of 2"),
    ]
    assert [run.score for run in summary.runs["first", "m"]] == pytest.approx([0.3, 0.45])
    assert [run.seconds for run in summary.runs["first", "m"]] == [4.0, 4.0]
    # n was not run on b and c
    assert {method for _, method in summary.runs} == {"m"}
    assert "| m | .300 ± .000 |" not in summary.table()
    assert "| m | .375 ± .106 | .800 ± .141 | .500 ± .000 | 10.0 |" in summary.table()


def test_each_task_is_shown_in_one_group(grouped):
    shown = groups_shown(*grouped)
    assert [(name, [t.name for t in part.tasks], part.mean) for name, part in shown] == [
        ("first", ["a", "b"], True),
        ("second", ["c"], False),
    ]


def test_mean_over_some_tasks(grouped):
    means = Means(grouped[1])
    assert means.of("m", ["a", "c"]) == pytest.approx(0.5)
    assert means.of("m") == pytest.approx((0.2 + 0.55 + 0.8) / 3)
    assert np.isnan(means.of("n", ["a", "b"]))
