"""A quick run of the page of model files."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

import benchmarks.save_and_load.__main__ as page
from benchmarks.save_and_load.one import measure


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_quick_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "in_a_fresh_process", lambda way, path: measure(way, str(path)))
    page.main(["--quick", "--out", str(tmp_path / "page")])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    with (tmp_path / "page.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert f"| {' | '.join(row.values())} |" in text
    # 64 KB of weights and a few KB that describe them
    assert 1 < float(row["file / weights"]) < 2
