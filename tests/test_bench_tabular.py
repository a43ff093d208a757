"""The tabular benchmark and the one on Office-Caltech: groups of tasks, choices, quick runs."""

import csv
from collections import defaultdict
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

from tests.test_benchmarks import RESULTS

QUICK = ["--quick", "--seeds", "0", "--out"]


def scores_of(path):
    scores = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            scores[row["task"], row["method"]].append(float(row["score"]))
    return scores


# -- groups of tasks ----------------------------------------------------------------------------


@pytest.fixture
def grouped():
    from comparison import Comparison
    from matrix import Matrix
    from runner import Run, Task

    tasks = [Task(name, lambda quick: None) for name in ("a", "b", "c")]
    numbers = {"a": (0.1, 0.3), "b": (0.5, 0.6), "c": (0.9, 0.7)}
    runs = {(t, "m"): [Run(s, 2.0) for s in scores] for t, scores in numbers.items()}
    runs["a", "n"] = [Run(0.2, 1.0), Run(0.2, 1.0)]
    comparison = Comparison(tasks, ["m", "n"], runs, {}, [], mean=True)
    groups = {"first": ["a", "b"], "second": ["c"], "both": ["a", "c"], "absent": ["d"]}
    return Matrix("title", tasks, [], Path("out"), groups=groups), comparison


def test_means_of_groups(grouped):
    from matrix import means_of_groups

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
    from matrix import groups_shown

    shown = groups_shown(*grouped)
    assert [(name, [t.name for t in part.tasks], part.mean) for name, part in shown] == [
        ("first", ["a", "b"], True),
        ("second", ["c"], False),
    ]


def test_mean_over_some_tasks(grouped):
    from matrix import Means

    means = Means(grouped[1])
    assert means.of("m", ["a", "c"]) == pytest.approx(0.5)
    assert means.of("m") == pytest.approx((0.2 + 0.55 + 0.8) / 3)
    assert np.isnan(means.of("n", ["a", "b"]))


# -- choosing a method without labels -----------------------------------------------------------


N_SEEDS = 5


@pytest.fixture
def choices(tmp_path):
    from runner import Benchmark, Plan, Run, Task
    from tabular_choice import CANDIDATES, LABELS, Choices

    task = Task("a task", lambda quick: None, settings="3 epochs")
    benchmark = Benchmark("title", [task], [], tmp_path / "out")
    todo = Plan(benchmark, [task], [], list(range(N_SEEDS)), tmp_path / "out", False, "command")
    made = Choices(todo, "settings")
    rng = np.random.default_rng(0)
    for seed in todo.seeds:
        for name in LABELS:
            made.judgements.add(made._key(task, seed, name), Run(rng.uniform(), 0.5))
    runs = {
        (task.name, name): [Run(i + seed / 10, 7.0) for seed in todo.seeds]
        for i, name in enumerate(CANDIDATES)
    }
    return made, task, runs


def naive_choice(path, seed, validators):
    """Return the candidate with the highest sum of z-scores, in plain loops."""
    found = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if int(row["seed"]) == seed:
                candidate, rest = row["method"].split(": ")
                found[candidate, rest] = float(row["score"])
    candidates = list(dict.fromkeys(candidate for candidate, _ in found))
    totals = dict.fromkeys(candidates, 0.0)
    for validator in validators:
        for fold in range(3):
            values = [found[name, f"{validator}, fold {fold}"] for name in candidates]
            centre = sum(values) / len(values)
            spread = (sum((v - centre) ** 2 for v in values) / len(values)) ** 0.5
            for name, value in zip(candidates, values, strict=True):
                totals[name] += (value - centre) / spread
    return max(candidates, key=totals.__getitem__)


@pytest.mark.parametrize(
    ("name", "validators"),
    [
        ("chosen without labels", ["agreement", "infomax", "class_ami"]),
        ("chosen without labels, cautiously", ["class_ami", "entropy", "snd"]),
    ],
)
def test_rule_takes_the_highest_mean_z_score(choices, name, validators):
    from tabular_choice import RULES

    made, task, _ = choices
    (rule,) = [rule for rule in RULES if rule.name == name]
    expected = [naive_choice(made.judgements.path, seed, validators) for seed in range(N_SEEDS)]
    assert [made.chosen(task, seed, rule.validators) for seed in range(N_SEEDS)] == expected
    # a rule that always said the same would pass with one seed
    assert len(set(expected)) > 1


def test_chosen_run_is_that_of_the_candidate_with_the_time_of_all_judgements(choices):
    from tabular_choice import CANDIDATES, LABELS, RULES

    made, task, runs = choices
    derived = made.runs(runs)
    assert list(derived) == [(task.name, rule.name) for rule in RULES]
    for rule in RULES:
        names = [made.chosen(task, seed, rule.validators) for seed in range(N_SEEDS)]
        expected = [list(CANDIDATES).index(c) + seed / 10 for seed, c in enumerate(names)]
        assert [run.score for run in derived[task.name, rule.name]] == expected
        assert derived[task.name, rule.name][0].seconds == pytest.approx(7.0 + 0.5 * len(LABELS))
        assert f" {', '.join(names)} |" in made.table()
    del runs[task.name, "MCC"]
    assert made.runs(runs) == {}


def test_judgements_that_are_there_are_not_repeated(choices):
    made, *_ = choices
    before = made.judgements.path.read_bytes()
    # the task has no rows: a judgement would fail
    made.run()
    assert made.judgements.path.read_bytes() == before


def test_only_a_cholesterol_of_0_is_a_missing_value():
    from tabular_tasks import CHOLESTEROL, without_impossible_zeros

    X = np.array([[0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 250, 0]], dtype=np.float32)
    expected = X.copy()
    expected[0, CHOLESTEROL] = np.nan
    np.testing.assert_array_equal(without_impossible_zeros(X), expected)
    assert X[0, CHOLESTEROL] == 0


# -- the scripts --------------------------------------------------------------------------------


@pytest.mark.usefixtures("skda_data_home")
def test_tabular_runs(tmp_path, capsys):
    import tabular
    from tabular_choice import CANDIDATES, LABELS

    tasks = ["heart C→S", "gas 1→6"]
    methods = ["logistic regression, scaled", *CANDIDATES]
    tabular.main([*QUICK, str(tmp_path / "quick"), "--tasks", *tasks, "--methods", *methods])
    page = (tmp_path / "quick.md").read_text(encoding="utf-8")
    assert page in capsys.readouterr().out
    assert len(scores_of(tmp_path / "quick.csv")) == 2 * len(methods)
    assert len(scores_of(tmp_path / "quick_choices.csv")) == 2 * len(LABELS)
    for heading in ("## Goals", "## Means", "## heart", "## gas", "## What was chosen"):
        assert heading in page
    assert (tmp_path / "quick.png").stat().st_size > 10_000


@pytest.mark.usefixtures("skda_data_home")
def test_shipped_epochs_are_those_of_the_estimators():
    from tabular_shipped import BENCHMARK

    from skda import DANClassifier

    for task in (BENCHMARK.tasks[0], BENCHMARK.tasks[-1]):
        assert task.settings == "100 epochs"
        assert task.load(False)(0).max_epochs == DANClassifier().max_epochs == 100
        assert task.load(True)(0).max_epochs == 2
    assert "DAN" in {method.name for method in BENCHMARK.methods}


@pytest.mark.usefixtures("skda_data_home")
def test_office_caltech_runs(tmp_path):
    import office_caltech

    methods = ["logistic regression", "source-only", "MCC, scaled"]
    out = str(tmp_path / "quick")
    office_caltech.main([*QUICK, out, "--tasks", "DW", "--methods", *methods])
    scores = scores_of(tmp_path / "quick.csv")
    assert [method for _, method in scores] == methods
    assert scores["DW", "source-only"][0] > 0.2
    page = (tmp_path / "quick.md").read_text(encoding="utf-8")
    # of the committed shallow benchmark, where it is in percent
    assert "| 1-NN | .634 |" in page
    assert "| TCA, unit rows | .875 |" in page


# -- what is committed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "task", "method", "n_seeds"),
    [
        ("tabular", "phone→watch", "MCC", 5),
        ("tabular", "heart C→V", "target oracle", 5),
        ("tabular", "gas 1→6", "DANN, lam searched", 5),
        ("tabular_shipped", "heart C→H", "DAN", 5),
        ("office_caltech", "CA", "MCC, scaled", 5),
        ("office_caltech", "DW", "DANN", 5),
        ("all_methods", "scanned digits", "DDC, unbiased", 3),
    ],
)
def test_committed_tables_are_of_the_committed_scores(name, task, method, n_seeds):
    from runner import mean_and_deviation

    scores = scores_of(RESULTS / f"{name}.csv")[task, method]
    assert len(scores) >= n_seeds
    page = (RESULTS / f"{name}.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith(f"| {method} |")]
    assert any(f"| {mean_and_deviation(scores)} " in row for row in rows)


def test_committed_scores_reach_what_the_page_says():
    scores = scores_of(RESULTS / "tabular.csv")
    tasks = {task for task, _ in scores if task.startswith(("heart", "wine"))}
    assert len(tasks) == 14

    def of(method):
        return mean(mean(scores[task, method]) for task in tasks)

    lost = {name for name in ("DDC", "DAN", "JAN", "DeepCORAL") if of(name) < of("source-only")}
    page = (RESULTS / "tabular.md").read_text(encoding="utf-8")
    for name in lost:
        assert f"{name} {100 * (of(name) - of('source-only')):+.1f}" in page
    assert mean(scores["phone→watch", "MCC"]) > 0.55
    assert mean(scores["watch→phone", "MCC"]) > 0.52
    assert mean(scores["gas 1→6", "MCC"]) > 0.92
