"""Sections d, e, f and import: prediction, growth, memory, import."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch

from skda import DANNClassifier

from ..harness.timing import cpu_seconds, ratio, side_by_side
from .measure import Row, mlp, n_rows, table

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def python(*arguments: str) -> str:
    """Return the output of Python in a new process that has skda on its path."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout


def section_d(options: argparse.Namespace) -> Iterator[Row]:
    X, y, X_target = table(2000, 20)
    clf = DANNClassifier(mlp(20, 64, 64), max_epochs=1, random_state=0, device="cpu")
    module = clf.fit(X, y, X_target).module_.eval()
    rows = table(n_rows(1_000_000, options), 20)[0]

    def bare(size: int) -> np.ndarray:
        tensor = torch.from_numpy(rows)
        with torch.inference_mode():
            parts = [module(tensor[i : i + size]) for i in range(0, len(tensor), size)]
            return clf.classes_[torch.cat(parts).argmax(1).numpy()]

    seconds = side_by_side(
        {"skda": lambda: clf.predict(rows), **{str(s): lambda s=s: bare(s) for s in (1024, 4096)}},
        options.rounds,
    )
    case = "predict, 1e6 x 20 rows, MLP 20-64-64"
    yield Row("d", case, "skda", median(seconds["skda"]), "s")
    for size in ("1024", "4096"):
        yield Row("d", case, f"against bare batches of {size} rows",
                  ratio(seconds["skda"], seconds[size]), goal="<= 1.2")  # fmt: skip


def section_e(options: argparse.Namespace) -> Iterator[Row]:
    sizes = tuple(n_rows(n, options) for n in (1000, 10_000, 100_000, 1_000_000))
    data = table(sizes[-1], 20)

    def fit(n: int) -> None:
        clf = DANNClassifier(mlp(20, 64, 64), max_epochs=1, random_state=0, device="cpu")
        clf.fit(*(array[:n] for array in data))

    fit(sizes[0])  # warm
    rounds: dict[int, list[float]] = {n: [] for n in sizes}
    for i in range(options.rounds):
        # a fit of a million rows takes so long that disturbances average out
        for n in sizes if i < 3 else sizes[:-1]:
            rounds[n].append(cpu_seconds(partial(fit, n)))
    seconds = {n: median(of_rounds) for n, of_rounds in rounds.items()}
    for n, s in seconds.items():
        yield Row("e", f"one epoch of {n} rows a domain, 20 columns", "a row", 1e6 * s / n, "us")
    # the cost of a fit without rows, and the cost of a row
    relative = np.array([[1 / seconds[n], n / seconds[n]] for n in sizes])
    (fixed, slope), *_ = np.linalg.lstsq(relative, np.ones(len(sizes)), rcond=None)
    worst = max(abs(seconds[n] / (fixed + slope * n) - 1) for n in sizes)
    case = "time as a constant and a part linear in n"
    yield Row("e", case, "constant", 1e3 * fixed, "ms")
    yield Row("e", case, "largest deviation from it", worst, goal="<= 0.10")
    for d in (10, 100, 1000):
        X, y, X_target = table(n_rows(20_000, options), d)
        clf = DANNClassifier(mlp(d, 64, 64), max_epochs=1, random_state=0, device="cpu")
        fit_all = partial(clf.fit, X, y, X_target)
        times = side_by_side({"skda": fit_all}, options.rounds)["skda"]
        case = f"one epoch of 20000 rows a domain, {d} columns"
        yield Row("e", case, "a row", 1e6 * median(times) / len(X), "us")


def section_f(options: argparse.Namespace) -> Iterator[Row]:
    n, d = n_rows(2_000_000, options), 100
    if shutil.disk_usage(options.scratch).free < 2 * 4 * n * d:
        print(f"section f is left out: it needs 1.6 GB free under {options.scratch}")
        return
    with tempfile.NamedTemporaryFile(dir=options.scratch, suffix=".f32") as file:
        rng = np.random.default_rng(0)
        for _ in range(20):
            file.write(rng.standard_normal((n // 20, d), dtype=np.float32).tobytes())
        file.flush()
        printed = python(str(HERE / "memory.py"), file.name, str(n), str(d))
    found = json.loads(printed.splitlines()[-1])
    case = "DANN, one epoch on a memory-mapped 2e6 x 100 float32 file, above torch loaded"
    yield Row("f", case, "peak resident memory, pages of the file counted", found["peak"] / 1e6,
              "MB", "<= 700")  # fmt: skip
    yield Row("f", case, "peak anonymous memory", found["anonymous"] / 1e6, "MB", "<= 700")
    yield Row("f", case, "CPU time", found["seconds"], "s")


def section_import(options: argparse.Namespace) -> Iterator[Row]:
    def seconds(code: str) -> float:
        return float(python("-c", f"import time; {code}; print(time.process_time())"))

    pairs = [(seconds("import torch, skorch, sklearn"), seconds("import skda"))
             for _ in range(options.rounds)]  # fmt: skip
    bare, ours = zip(*pairs, strict=True)
    yield Row("import", "import", "torch, skorch and scikit-learn", median(bare), "s")
    yield Row("import", "import", "skda against them", ratio(ours, bare), goal="<= 1.10")
