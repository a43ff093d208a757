"""Tables: choosing a method without labels, quick runs, the committed page."""

import csv
from statistics import mean

import numpy as np
import pytest

from benchmarks.harness.results import Run
from benchmarks.harness.runner import Benchmark, Plan, Task
from benchmarks.harness.tabular import CHOLESTEROL, without_impossible_zeros
from benchmarks.tabular import __main__ as tabular
from benchmarks.tabular.choice import CANDIDATES, LABELS, RULES, Choices
from benchmarks.tabular_shipped.__main__ import BENCHMARK
from skda import DANClassifier
from tests.benchmarks.programs import committed, scores_of

N_SEEDS = 5


def n_runs(path):
    return sum(len(methods) for methods in scores_of(path).values())


@pytest.fixture
def choices(tmp_path):
    task = Task("a task", lambda quick: None, settings="3 epochs")
    benchmark = Benchmark("title", [task], [], tmp_path / "out")
    todo = Plan(benchmark, [task], [], list(range(N_SEEDS)), tmp_path / "out", False, "command")
    made = Choices(todo)
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
    made, task, _ = choices
    (rule,) = [rule for rule in RULES if rule.name == name]
    expected = [naive_choice(made.judgements.path, seed, validators) for seed in range(N_SEEDS)]
    assert [made.chosen(task, seed, rule.validators) for seed in range(N_SEEDS)] == expected
    # with one choice for all seeds, a rule that ignores the seed would pass
    assert len(set(expected)) > 1


def test_chosen_run_is_that_of_the_candidate_with_the_time_of_all_judgements(choices):
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
    # the task has no rows: judging again would fail
    made.run()
    assert made.judgements.path.read_bytes() == before


def test_only_a_cholesterol_of_0_is_a_missing_value():
    X = np.array([[0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 250, 0]], dtype=np.float32)
    expected = X.copy()
    expected[0, CHOLESTEROL] = np.nan
    np.testing.assert_array_equal(without_impossible_zeros(X), expected)
    assert X[0, CHOLESTEROL] == 0


@pytest.mark.usefixtures("skda_data_home")
def test_tabular_runs(tmp_path, capsys):
    tasks = ["heart C→S", "gas 1→6"]
    methods = ["logistic regression, scaled", *CANDIDATES]
    out = ["--quick", "--seeds", "0", "--out", str(tmp_path / "quick")]
    tabular.main([*out, "--tasks", *tasks, "--methods", *methods])
    page = (tmp_path / "quick.md").read_text(encoding="utf-8")
    assert page in capsys.readouterr().out
    assert n_runs(tmp_path / "quick.csv") == 2 * len(methods)
    assert n_runs(tmp_path / "quick_choices.csv") == 2 * len(LABELS)
    for heading in ("## Goals", "## Means", "## heart", "## gas", "## What was chosen"):
        assert heading in page
    assert (tmp_path / "quick.png").stat().st_size > 10_000


@pytest.mark.usefixtures("skda_data_home")
def test_shipped_epochs_are_those_of_the_estimators():
    for task in (BENCHMARK.tasks[0], BENCHMARK.tasks[-1]):
        assert task.settings == "auto epochs"
        assert task.load(False)(0).max_epochs == DANClassifier().max_epochs == "auto"
        assert task.load(True)(0).max_epochs == 2
    assert "DAN" in {method.name for method in BENCHMARK.methods}


def test_committed_scores_reach_what_the_page_says():
    scores = scores_of(committed("tabular", ".csv"))
    tasks = {task for task in scores if task.startswith(("heart", "wine"))}
    assert len(tasks) == 14

    def of(method):
        return mean(mean(scores[task][method]) for task in tasks)

    lost = {name for name in ("DDC", "DAN", "JAN", "DeepCORAL") if of(name) < of("source-only")}
    page = committed("tabular", ".md").read_text(encoding="utf-8")
    for name in lost:
        assert f"{name} {100 * (of(name) - of('source-only')):+.1f}" in page
    assert mean(scores["phone→watch"]["MCC"]) > 0.55
    assert mean(scores["watch→phone"]["MCC"]) > 0.52
    assert mean(scores["gas 1→6"]["MCC"]) > 0.92
