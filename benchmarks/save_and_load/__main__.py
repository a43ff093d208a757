"""Time, memory and size of model files, compared with safetensors alone.

    OMP_NUM_THREADS=1 python -m benchmarks.save_and_load

Writes save_and_load.csv and the page from it, in some two minutes of one core. Linux only: memory
is read from /proc.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from skda import DANNClassifier

from ..harness.machine import header
from ..harness.markdown import table
from ..harness.options import file_of, parse_options, program_parser, write_text
from ..harness.rows import write_rows

OUT = Path(__file__).parent / "save_and_load"
ONE = Path(__file__).with_name("one.py")
ROOT = Path(__file__).parents[2]
COLUMNS = (
    *("network", "weights MB", "file MB", "file / weights"),
    *("load ms", "safetensors, copied ms", "safetensors, mapped ms", "load / copied"),
    *("first prediction ms", "peak MB", "peak / file"),
)
WAYS = "skda", "copied", "mapped"
N_FEATURES = 100
NETWORKS = {"100-128-64-10": (128, 64), "100-4900-4900-10": (4900, 4900)}
ROUNDS = 9
GOALS = {"file / weights": 1.1, "load / copied": 1.5, "peak / file": 1.3}

Row = dict[str, str]


def fitted(hidden: tuple[int, ...]) -> DANNClassifier:
    """Return an estimator after one step; more steps do not change the size of its file."""
    X_source, X_target = np.random.default_rng(0).standard_normal((2, 64, N_FEATURES), np.float32)
    clf = DANNClassifier(module__hidden=hidden, max_epochs=1, random_state=0)
    return clf.fit(X_source, np.arange(64) % 10, X_target)


def bytes_of_weights(clf: DANNClassifier) -> int:
    """Return the size of the network and of the modules that were trained beside it."""
    net = clf.net_
    return sum(t.nbytes for part in net.trained_modules for t in part.state_dict().values())


def in_a_fresh_process(way: str, path: Path) -> dict[str, float]:
    line = [sys.executable, str(ONE), way, str(path)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return json.loads(
        subprocess.run(line, stdout=subprocess.PIPE, check=True, text=True, env=env).stdout
    )


def row(name: str, hidden: tuple[int, ...], rounds: int, folder: Path) -> Row:
    """Save a network and load it by all ways in turns; return the least of the rounds."""
    clf, path = fitted(hidden), folder / "model.safetensors"
    clf.save(path)
    weights, size = bytes_of_weights(clf), path.stat().st_size
    found = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, measured in found.items():
            measured.append(in_a_fresh_process(way, path))

    def of(way: str, name: str) -> float:
        return min(one[name] for one in found[way])

    values = (
        *(weights / 1e6, size / 1e6, size / weights),
        *(1000 * of(way, "load") for way in WAYS),
        of("skda", "load") / of("copied", "load"),
        *(1000 * of("skda", "predict"), of("skda", "bytes") / 1e6, of("skda", "bytes") / size),
    )
    return dict(zip(COLUMNS, [name, *(f"{value:.3g}" for value in values)], strict=True))


def page(rows: Sequence[Row], made_by: str, rounds: int) -> str:
    *_, large = rows
    told = [
        f"{name} at most {most:g}: {large[name]}, "
        f"{'met' if float(large[name]) <= most else 'missed'}"
        for name, most in GOALS.items()
    ]
    lines = [
        "# Save and load",
        header(
            f"`{made_by}`",
            f"DANN, the built-in network, without the optimizer's state; CPU time of one thread "
            f"without imports, the least of {rounds} processes, which other work disturbs least; "
            "the system has the file in its cache; other work ran on the machine: compare times "
            "of one row, not of two pages",
        ),
        "skda reads the file into memory, checks all bytes by a checksum, and checks each weight "
        "for NaN. safetensors alone maps the file: 'mapped' reads every weight once; 'copied' "
        "copies every weight into the memory of the process, as skda does, so that a change of "
        "the file does not change the weights. The peak is the memory of loading and predicting, "
        "without the memory that the process had before.",
        f"Goals, for the large file: {'; '.join(told)}.",
        table(COLUMNS, [row.values() for row in rows], "lr"),
    ]
    return "\n\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = program_parser(__doc__.splitlines()[0], "the small network")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parse_options(parser, arguments, OUT)
    rounds = 1 if options.quick else options.rounds
    torch.set_num_threads(1)
    networks = list(NETWORKS.items())[: 1 if options.quick else None]
    with tempfile.TemporaryDirectory() as folder:
        rows = [row(name, hidden, rounds, Path(folder)) for name, hidden in networks]
    write_rows(file_of(options.out, ".csv"), COLUMNS, rows)
    write_text(options.out, page(rows, options.command, rounds))


if __name__ == "__main__":
    main()
