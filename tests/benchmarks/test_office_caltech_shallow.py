"""The shallow methods on Office-Caltech, on real data, against the published numbers."""

import pytest

from benchmarks.office_caltech_shallow import __main__ as benchmark


@pytest.fixture(scope="module")
def tasks(skda_data_home):
    return benchmark.load_tasks()


def test_plain_1nn_is_the_published_one_on_all_tasks(tasks):
    row = benchmark.run_tasks(tasks, None, unit_rows=False)
    assert row == pytest.approx(benchmark.PUBLISHED["1-NN, published"], abs=0.1)


def test_gfk_reaches_the_published_mean(tasks):
    row = benchmark.run_tasks(tasks, benchmark.METHODS["GFK"], unit_rows=False)
    assert row["mean"] >= 43.1


def test_tca_reaches_the_published_mean(tasks):
    row = benchmark.run_tasks(tasks, benchmark.METHODS["TCA"], unit_rows=True)
    assert row["mean"] >= 46.2


def test_without_a_folder_the_benchmark_says_what_to_do(monkeypatch):
    monkeypatch.delenv("SKDA_DATA_HOME", raising=False)
    with pytest.raises(SystemExit, match=r"SKDA_DATA_HOME is not set\. Set it to the folder"):
        benchmark.load_tasks()
