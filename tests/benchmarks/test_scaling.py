"""The cost model: its arithmetic, and a quick run of its page."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

import benchmarks.scaling.__main__ as page
from benchmarks.scaling.model import (
    Machine,
    Work,
    calibrate,
    fit_bytes,
    fit_seconds,
    search_bytes,
    search_seconds,
)

WORK = Work(n_source=1000, n_target=50, layers=(20, 30, 10), batch_size=100, epochs=2)
MACHINE = Machine(step_seconds=0.001, flops=1e9, base_bytes=5000)


def test_time_and_memory_of_a_fit() -> None:
    # 20 steps with 100 source and 50 target rows, of 900 weights, passed three times
    assert WORK.steps == 20
    assert fit_seconds(MACHINE, WORK) == pytest.approx(0.02 + 3 * 20 * 150 * 900 / 1e9)
    assert fit_bytes(MACHINE, WORK) == 5000 + 4 * (8 * 900 + 3 * 200 * 60)


def test_time_and_memory_of_a_search() -> None:
    fold = WORK._replace(n_source=500, n_target=25)
    all_rows = fit_seconds(MACHINE, WORK)
    for n_workers, rounds in ((1, 6), (2, 3), (4, 2)):
        seconds = search_seconds(MACHINE, WORK, n_lams=3, n_folds=2, n_workers=n_workers)
        assert seconds == pytest.approx(rounds * fit_seconds(MACHINE, fold) + all_rows)
    one = 4 * 1050 * 20 / 2 + fit_bytes(MACHINE, WORK)
    assert search_bytes(MACHINE, WORK, n_folds=2, n_workers=3) == pytest.approx(3 * one)


def test_calibration_finds_the_machine() -> None:
    large = Work(1000, 1000, (500, 500, 10))
    known = [(work, fit_seconds(MACHINE, work)) for work in (WORK, large)]
    found = calibrate(*known, bytes_of_small=fit_bytes(MACHINE, WORK))
    assert found == pytest.approx(MACHINE)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_quick_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "in_a_fork", lambda function, case: function(case))
    page.main(["--quick", "--out", str(tmp_path / "scaling")])
    text = (tmp_path / "scaling.md").read_text(encoding="utf-8")
    with (tmp_path / "scaling.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert f"| {' | '.join(row.values())} |" in text
