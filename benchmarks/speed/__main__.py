"""Speed of skda: against loops written by hand, another library, plain products, itself.

    OMP_NUM_THREADS=1 python -m benchmarks.speed [--sections a b c d e f g import]
        [--skada-python PYTHON]

Writes speed.csv, section by section, and the page from this file. A row stays there until it is
measured again; a bare --sections only writes the page. PYTHON is an interpreter that has skada, for
section b:

    python -m venv skada_venv && skada_venv/bin/pip install torch skada skorch

All sections take some 20 minutes of one core. Section f needs 1 GB on the disk.
"""

import argparse
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from ..harness.machine import machine, today, versions
from ..harness.markdown import table
from ..harness.options import file_of, parse_options, program_parser
from ..harness.rows import write_rows
from .losses import section_c
from .measure import Row
from .peer import section_b
from .pretrained import section_g
from .scale import section_d, section_e, section_f, section_import
from .steps import section_a

ROUNDS = 7

SECTIONS = {
    "a": ("A training step against a loop written by hand", section_a),
    "b": ("An epoch against skada", section_b),
    "c": ("Losses", section_c),
    "d": ("Prediction", section_d),
    "e": ("Growth with the data", section_e),
    "f": ("Memory", section_f),
    "g": ("A pretrained network", section_g),
    "import": ("Import", section_import),
}

OUT = Path(__file__).parent / "speed"
COLUMNS = (*Row._fields, "met", "date", "command")


def shown(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


NOTES = {
    "a": "The loop cuts tensors by index, passes both domains in one forward, has no DataLoader "
    "and reads its loss once an epoch; its MK-MMD is one Gram matrix and repeated squaring. The "
    "estimators of skda choose fused Adam; the loop is measured with fused Adam and with Adam's "
    "default. The time of a step is the additional time of a fit with three times as many epochs, "
    "so it does not include the checks and the set-up of a fit, which have rows of their own.",
    "b": "skada's DANN has a domain classifier with one sigmoid output here, because the gradient "
    "of its default one is zero. On the moons both libraries have the same network without batch "
    "normalisation, Adam with lr 0.01, four steps of 64 + 64 rows an epoch (skada leaves out the "
    "last incomplete batch, so skda does so too), constant lam and lr, and for DAN the sum of the "
    "same 33 kernels. These seeds cannot separate means that are closer than the standard error "
    "of their difference. DeepCORAL stays near chance there with both libraries.",
    "c": "The broadcast forms hold all pairs of rows (CORAL: all outer products) in memory. The "
    "goal of four Gram products is for the loss with its gradient; JMMD has two layers, one of "
    "the given width and one of 10 columns, and so two Gram matrices.",
    "d": "Both sides return labels.",
    "e": "A straight line is fitted to the four times, weighted by their inverses.",
    "f": "Measured in a process of its own; skda, skorch and scikit-learn, imported after torch, "
    "count. Pages of the 800 MB file count until the system gives them back after reading.",
    "g": "Made photographs, 128 of each domain. Frozen is MCC with a new layer of 256 units: the "
    "features of the body are computed once if the rows are an array or files, and in each step "
    "if they are a Dataset, which may change them. One pass instead of 20 cannot make 20 epochs "
    "50 times faster, even if the later epochs take no time. The loop by hand trains the same "
    "layers with the same two rates.",
    "import": "Measured in separate processes that take turns.",
}


def goals_met(lines: Sequence[dict[str, str]]) -> str:
    goals = [line for line in lines if line["goal"]]
    missed = [line for line in goals if line["met"] != "yes"]
    if not missed:
        return f"Goals met: {len(goals)} of {len(goals)}."
    names = [f"{m['case']}, {m['measure']}: {m['value']} ({m['goal']})" for m in missed]
    return f"Goals met: {len(goals) - len(missed)} of {len(goals)}. Missed: {'; '.join(names)}."


def page(lines: Sequence[dict[str, str]]) -> str:
    """The page about what the CSV file holds."""
    parts = [
        "# Speed",
        f"- {machine()}; one thread\n- {versions()}\n- CPU time, the machine being shared; the two "
        "sides of a ratio take turns in one process (in section b in two), medians of at least 7 "
        "rounds' ratios (section e: 3 for a million rows)",
    ]
    for key, (title, _) in SECTIONS.items():
        found = [line for line in lines if line["section"] == key]
        if not found:
            parts.append(f"## {key}: {title}\n\nNot measured.")
            continue
        parts.append(f"## {key}: {title}\n\n{found[0]['date']}, `{found[0]['command']}`")
        parts += [f"{goals_met(found)} {NOTES[key]}"]
        rows = []
        for line in found:
            value = f"{line['value']} {line['unit']}".replace(" ratio", " x").strip()
            rows.append([line["case"], line["measure"], value, line["goal"], line["met"]])
        parts.append(table(["case", "measure", "value", "goal", "met"], rows, "llrl"))
    return "\n\n".join(parts) + "\n"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = program_parser(__doc__.splitlines()[0], "one round, few rows")
    parser.add_argument("--sections", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--skada-python", metavar="PYTHON", help="interpreter that has skada")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="at least 7 mean something")
    parser.add_argument("--scratch", default=tempfile.gettempdir(), help="folder for 800 MB")
    options = parse_options(parser, arguments, OUT)
    options.rounds = 1 if options.quick else options.rounds
    return options


def measure(key: str, options: argparse.Namespace) -> list[Row]:
    """Return the rows of a section; print each as soon as it is there."""
    rows = []
    for row in SECTIONS[key][1](options):
        measured = f"{row.measure} {shown(row.value)} {row.unit} {row.goal} {row.met}"
        print(f"{key}  {row.case}: {measured}", flush=True)
        rows.append(row)
    return rows


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of earlier measurements."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    torch.set_num_threads(1)
    path = file_of(options.out, ".csv")
    lines = read(path)
    about = {"date": today(), "command": options.command}
    for key in options.sections:
        rows = measure(key, options)
        if not rows:
            continue
        lines = [line for line in lines if line["section"] != key]
        lines += [
            {**row._asdict(), "value": shown(row.value), "met": row.met, **about} for row in rows
        ]
        lines.sort(key=lambda line: list(SECTIONS).index(line["section"]))
        write_rows(path, COLUMNS, lines)
    file_of(options.out, ".md").write_text(page(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
