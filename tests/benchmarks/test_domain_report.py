"""The benchmark of the sentences of `domain_report`."""

import pandas as pd
import pytest

from benchmarks.domain_report.__main__ import main
from benchmarks.domain_report.page import CLAIMS, fell, hardly_changed, harm, sentences
from benchmarks.domain_report.tasks import ALL, GROUPS
from tests.benchmarks.programs import committed


def rows(*numbers):
    """Return rows: accuracies of source-only and adapted, distance of the shares, sentences."""
    names = ["true_source_only", "true_adapted", "true_shares_differ", "said"]
    return pd.DataFrame(numbers, columns=names)


MODELS = rows(
    (0.9, 0.9, 0.0, "barely_separable hardly_changed"),
    (0.9, 0.5, 0.5, "other_shares"),
    (0.9, 0.6, 0.5, "shares_unknown"),
    (0.9, 0.7, 0.0, "no_sign"),
    (0.5, 0.9, 0.0, "other_shares"),
    (0.5, 0.8, 0.3, "no_sign"),
)


def test_the_truth():
    assert fell(MODELS).tolist() == [False, True, True, True, False, False]
    assert hardly_changed(MODELS).tolist() == [True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("barely_separable", [1, 1, 0, 0]),
        ("other_shares", [2, 1, 1, 2]),
        ("no_sign", [2, 1, 1, 2]),
        ("source_forgotten", [0, 0, 0, 3]),
    ],
)
def test_the_counts(name, counts):
    (line,) = [line for line in sentences(MODELS).splitlines() if f"`{name}`" in line]
    assert line.endswith(f"| {' | '.join(map(str, counts))} |")


def test_harm_is_counted_by_what_was_said():
    assert harm(MODELS) == (
        "Adapting did harm to 3 of 6 models: 1 with a warning, 1 with `shares_unknown`, "
        "1 with neither."
    )


def test_every_task_is_in_one_group():
    assert len(ALL) == sum(map(len, GROUPS.values()))


def test_the_committed_counts_are_those_of_the_committed_rows():
    found = pd.read_csv(committed("domain_report", ".csv"))
    assert set(found.task) == set(ALL)
    page = committed("domain_report", ".md").read_text(encoding="utf-8")
    for tasks in GROUPS.values():
        group = found[found.task.isin(list(tasks))]
        assert sentences(group) in page
        assert harm(group) in page
    assert all(f"`{name}`" in page for name in CLAIMS)


@pytest.mark.usefixtures("skda_data_home")
def test_it_runs_and_does_not_repeat_what_is_done(tmp_path, capsys):
    options = ["--quick", "--tasks", "gas batch 1, halves", "--out", str(tmp_path / "quick")]
    main(options)
    assert "seed 2: " in capsys.readouterr().out
    before = (tmp_path / "quick.csv").read_bytes()
    main(options)
    assert "seed 2: " not in capsys.readouterr().out
    assert (tmp_path / "quick.csv").read_bytes() == before
    page = (tmp_path / "quick.md").read_text(encoding="utf-8")
    assert "## Usual tasks, new" in page
    assert "| gas batch 1, halves | DANN, 10 lam |" in page
