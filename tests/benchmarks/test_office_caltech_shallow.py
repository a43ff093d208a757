"""The shallow methods on Office-Caltech, on real data, against the published numbers."""

import csv

import pytest

from benchmarks.office_caltech_shallow import __main__ as benchmark
from tests.benchmarks.programs import committed

# each domain is the source once and the target once; these tasks have the fewest rows
SOME = ("AD", "WC", "CW", "DA")


@pytest.fixture(scope="module")
def tasks(skda_data_home):
    return benchmark.load_tasks()


@pytest.fixture(scope="module")
def written():
    """Return the committed row of a method, by the kind of rows and its name."""
    with committed("office_caltech_shallow", ".csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(row.pop("rows"), row.pop("method")): row for row in rows}


def test_plain_1nn_is_the_published_one_on_all_tasks(tasks):
    row = benchmark.run_tasks(tasks, None, unit_rows=False)
    assert row == pytest.approx(benchmark.PUBLISHED["1-NN, published"], abs=0.1)


# nothing is random: new runs of some tasks give the numbers of the committed page
@pytest.mark.parametrize(
    ("name", "unit_rows", "published"), [("GFK", False, 43.1), ("TCA", True, 46.2)]
)
def test_the_published_mean_is_reached(tasks, written, name, unit_rows, published):
    row = written["unit" if unit_rows else "z-scores", name]
    some = {task: tasks[task] for task in SOME}
    found = benchmark.run_tasks(some, benchmark.METHODS[name], unit_rows=unit_rows)
    # one row of the largest target is .1 percent
    assert {task: float(row[task]) for task in SOME} == pytest.approx(
        {task: found[task] for task in SOME}, abs=0.35
    )
    of_all = [float(row[task]) for task in benchmark.TASKS]
    assert sum(of_all) / 12 == pytest.approx(float(row["mean"]), abs=0.01)
    assert float(row["mean"]) >= published


def test_without_a_folder_the_benchmark_says_what_to_do(monkeypatch):
    monkeypatch.delenv("SKDA_DATA_HOME", raising=False)
    with pytest.raises(SystemExit, match=r"SKDA_DATA_HOME is not set\. Set it to the folder"):
        benchmark.load_tasks()
