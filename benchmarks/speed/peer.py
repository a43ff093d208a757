"""Section b: an epoch against skada, and the accuracy on the moons."""

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from skda.datasets import make_rotated_moons

from ..harness.timing import cpu_seconds
from .measure import METHODS, Row, mlp, table

HERE = Path(__file__).parent
# skada anneals neither
CONSTANT = {"lam_schedule": "constant", "lr_schedule": "constant"}
SEEDS = 10


def run_skada(python: str, data: dict[str, np.ndarray], rounds: int, **settings: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        np.savez(path, **data)
        command = [python, str(HERE / "run_skada.py"), str(path), json.dumps(settings)]
        done = subprocess.run(
            [*command, str(rounds)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    return json.loads(done.stdout.splitlines()[-1])["rounds"]


def fit_skda(
    data: dict[str, np.ndarray],
    method: str,
    hidden: list[int],
    epochs: int,
    lam: float,
    seed: int,
    lr: float = 1e-3,
) -> tuple[float, float]:
    # skada's DAN has these kernels, but takes their sum where skda takes the mean
    kernels = {"n_kernels": 33, "spacing": 2**0.5} if method == "DAN" else {}
    network = mlp(data["X_source"].shape[1], *hidden)
    clf = METHODS[method](
        network,
        lam=lam * kernels.get("n_kernels", 1),
        max_epochs=epochs,
        lr=lr,
        random_state=seed,
        device="cpu",
        iterator_train__drop_last=True,  # as skada does
        **kernels,
        **CONSTANT,
    )
    seconds = cpu_seconds(lambda: clf.fit(data["X_source"], data["y_source"], data["X_target"]))
    return seconds, clf.score(data["X_test"], data["y_test"])


def section_b(options: argparse.Namespace) -> Iterator[Row]:
    if options.skada_python is None:
        print("section b is left out: name an interpreter that has skada by --skada-python")
        return
    sizes = {20000: (1, ">= 3"), 2000: (5, ">= 2.5")}
    for n, (epochs, goal) in sizes.items():
        X, y, X_target = table(n, 20)
        rows = {"X_source": X, "y_source": y, "X_target": X_target}
        data = rows | {"X_test": X[:64], "y_test": y[:64]}
        for method in METHODS:
            settings = {"method": method, "hidden": [64, 64], "epochs": epochs, "lam": 1.0}
            theirs = run_skada(options.skada_python, data, options.rounds, **settings)
            theirs = [r["seconds"] / epochs for r in theirs]
            ours = [fit_skda(data, seed=s, **settings)[0] / epochs for s in range(options.rounds)]
            case = f"{method}, MLP 20-64-64, {n} rows a domain"
            yield Row("b", case, "skada, an epoch", median(theirs), "s")
            yield Row("b", case, "skda, an epoch", median(ours), "s")
            yield Row("b", case, "skda is faster by", median(theirs) / median(ours), goal=goal)
    yield from moons(options)


def moons(options: argparse.Namespace) -> Iterator[Row]:
    made = make_rotated_moons(random_state=0)
    data = {
        "X_source": made.X_source.astype(np.float32),
        "y_source": made.y_source.astype(np.int64),
        "X_target": made.X_target.astype(np.float32),
        "X_test": made.X_target_test.astype(np.float32),
        "y_test": made.y_target_test,
    }
    for method in METHODS:
        settings = {"method": method, "hidden": [64, 64], "epochs": 100, "lam": 1.0, "lr": 1e-2}
        found = run_skada(options.skada_python, data, SEEDS, **settings)
        theirs = np.array([r["accuracy"] for r in found])
        ours = np.array([fit_skda(data, seed=seed, **settings)[1] for seed in range(SEEDS)])
        case = f"{method}, rotated moons, MLP 2-64-64, 100 epochs, lr 0.01, {SEEDS} seeds"
        yield Row("b", case, "skada, mean accuracy", float(theirs.mean()), "")
        goal = f">= {theirs.mean():.3g}"
        yield Row("b", case, "skda, mean accuracy", float(ours.mean()), "", goal)
        error = ((theirs.var(ddof=1) + ours.var(ddof=1)) / SEEDS) ** 0.5
        yield Row("b", case, "standard error of the difference", float(error), "")
