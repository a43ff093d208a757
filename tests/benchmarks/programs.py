"""The programs of the benchmark pages, and their files."""

import csv
import os
import subprocess
import sys
from collections import defaultdict
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted(file.parent.name for file in ROOT.glob("benchmarks/*/__main__.py"))


def start(folder, *options, program="fake.py"):
    return subprocess.Popen(
        [sys.executable, program, *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def run(folder, *options, timeout=60, **kwargs):
    process = start(folder, *options, **kwargs)
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err


def main_of(page):
    """Return the main function of a page; a new Python process would take seconds."""
    return import_module(f"benchmarks.{page}.__main__").main


def rows(folder, name="fake"):
    with (folder / "results" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return [(r["task"], r["method"], int(r["seed"]), r["score"]) for r in csv.DictReader(file)]


def committed(page, suffix, name=None):
    """Return the path of a committed file of a page."""
    return ROOT / "benchmarks" / page / f"{name or page}{suffix}"


def scores_of(path):
    """Return the scores of all seeds, by task and method."""
    scores = defaultdict(lambda: defaultdict(list))
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            scores[row["task"]][row["method"]].append(float(row["score"]))
    return scores
