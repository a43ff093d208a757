import os
import re
import signal
import time

import pytest

from tests.benchmarks.programs import rows, run, start

# Leaves a line in calls.txt for every run. While a file "hang" exists, one run never ends.
FAKE = """
import os, time
from pathlib import Path
from benchmarks.harness.runner import Benchmark, Method, Task, main

here = Path(__file__).parent

def score(name, value):
    def run(data, seed):
        with open(here / "calls.txt", "a") as file:
            file.write(f"{data} {name} {seed}\\n")
        if (here / "hang").exists() and (data, name, seed) == ("second data", "a", 0):
            time.sleep(60)
        return value + seed / 10
    return run

main(Benchmark(
    "A fake benchmark",
    [
        Task("first", lambda quick: "quick data" if quick else "first data"),
        Task("second", lambda quick: "second data", "balanced accuracy", "two epochs"),
    ],
    [Method("a", score("a", 0.5), "lam=1"), Method("b", score("b", 0.25))],
    here / "results" / "fake",
    "What it is.",
    "## Notes",
))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "fake.py").write_text(FAKE)
    return tmp_path


def calls(folder):
    file = folder / "calls.txt"
    return file.read_text().splitlines() if file.exists() else []


def test_goes_on_after_a_kill(folder):
    (folder / "hang").touch()
    process = start(folder, "--seeds", "0", "1")
    deadline = time.monotonic() + 60
    while "second data a 0" not in calls(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = ["first data a 0", "first data b 0", "first data a 1", "first data b 1"]
    assert calls(folder) == [*done, "second data a 0"]
    assert not (folder / "results" / "fake.md").exists()
    # a run that was killed while it wrote this row
    with (folder / "results" / "fake.csv").open("a") as file:
        file.write("second,a,0,two epo")

    (folder / "hang").unlink()
    (folder / "calls.txt").unlink()
    code, out, err = run(folder, "--seeds", "0", "1")
    assert code == 0, err
    assert calls(folder) == [f"second data {m} {s}" for s in (0, 1) for m in "ab"]
    assert rows(folder) == [
        (task, method, seed, f"{base + seed / 10:.6f}")
        for task in ("first", "second")
        for seed in (0, 1)
        for method, base in (("a", 0.5), ("b", 0.25))
    ]
    page = (folder / "results" / "fake.md").read_text(encoding="utf-8")
    assert page in out
    assert page.count("| a | .550 ± .071 |") == 2
    assert page.count("| b | .300 ± .071 |") == 2


def test_finished_runs_are_not_repeated_and_new_ones_are_added(folder):
    assert run(folder, "--seeds", "0")[0] == 0
    assert len(calls(folder)) == 4
    assert run(folder, "--seeds", "0")[0] == 0
    assert len(calls(folder)) == 4
    assert run(folder, "--seeds", "0", "2", "--tasks", "first", "--methods", "b")[0] == 0
    assert calls(folder)[4:] == ["first data b 2"]
    page = (folder / "results" / "fake.md").read_text(encoding="utf-8")
    assert "| b | .350 ± .141 |" in page
    assert "| a |" not in page
    assert "## second" not in page


def test_other_settings_are_other_runs(folder):
    assert run(folder, "--seeds", "0")[0] == 0
    script = folder / "fake.py"
    script.write_text(FAKE.replace("lam=1", "lam=2"))
    assert run(folder, "--seeds", "0")[0] == 0
    assert calls(folder)[4:] == ["first data a 0", "second data a 0"]


def test_quick_keeps_apart(folder):
    assert run(folder, "--quick", "--seeds", "0", "--tasks", "first")[0] == 0
    assert calls(folder) == ["quick data a 0", "quick data b 0"]
    assert not (folder / "results" / "fake.csv").exists()
    page = (folder / "results" / "fake_quick.md").read_text(encoding="utf-8")
    assert "these numbers mean nothing" in page
    # also with the same output file
    assert run(folder, "--seeds", "0", "--tasks", "first", "--out", "results/fake_quick")[0] == 0
    assert calls(folder)[2:] == ["first data a 0", "first data b 0"]


def test_page_says_how_it_was_made(folder):
    code, _, err = run(folder, "--seeds", "3", "4", "--tasks", "second")
    assert code == 0, err
    page = (folder / "results" / "fake.md").read_text(encoding="utf-8")
    assert page.startswith("# A fake benchmark\n")
    assert re.search(rf"- \d{{4}}-\d\d-\d\d, {os.cpu_count()} cores, \S", page)
    assert "fake.py --seeds 3 4 --tasks second`" in page
    for name in ("Python 3.", "torch ", "scikit-learn ", "skorch ", "skda "):
        assert name in page
    assert "- seeds 3, 4; mean ± standard deviation over them (n - 1)" in page
    assert "What it is." in page
    assert "## second, balanced accuracy" in page
    assert page.endswith("## Notes\n")


def test_foreign_file_is_left_alone(folder):
    file = folder / "other.csv"
    file.write_text("name,number\nx,1\n")
    code, _, err = run(folder, "--out", "other")
    assert code == 1
    assert "other.csv has the columns name, number and not task, method, seed" in err
    assert "--out" in err
    assert file.read_text() == "name,number\nx,1\n"
    assert calls(folder) == []


def test_unknown_names_are_refused(folder):
    code, _, err = run(folder, "--methods", "c")
    assert code == 2
    assert "invalid choice: 'c' (choose from" in err
