"""Speed of skda: against loops written by hand, another library, plain products, itself.

    OMP_NUM_THREADS=1 python benchmarks/speed.py [--sections a b c d e f import]
        [--skada-python PYTHON]

Writes benchmarks/results/speed.csv, section by section, and .md from it; what was measured stays
there until it is measured again, and a bare --sections writes the page alone. PYTHON is an
interpreter that has skada, for section b:

    python -m venv skada_venv && skada_venv/bin/pip install torch skada skorch

All sections take some 20 minutes of one core. Section f needs 1 GB on the disk.
"""

import argparse
import csv
import shlex
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import torch
from runner import machine, versions
from speed_losses import section_c
from speed_measure import Row
from speed_peer import section_b
from speed_scale import section_d, section_e, section_f, section_import
from speed_steps import section_a

HERE = Path(__file__).parent
ROUNDS = 7

SECTIONS = {
    "a": ("A training step against a loop written by hand", section_a),
    "b": ("An epoch against skada", section_b),
    "c": ("Losses", section_c),
    "d": ("Prediction", section_d),
    "e": ("Growth with the data", section_e),
    "f": ("Memory", section_f),
    "import": ("Import", section_import),
}

OUT = HERE / "results" / "speed"
COLUMNS = (*Row._fields, "met", "date", "command")


def shown(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


NOTES = {
    "a": "The loop cuts tensors by index, passes both domains in one forward, has no DataLoader "
    "and reads its loss once an epoch; its MK-MMD is one Gram matrix and repeated squaring. skda's "
    "fused Adam is what its estimators choose by themselves; the loop is measured with it and with "
    "Adam's default. skda's time is that of the whole `fit`, its checks and the set-up included.",
    "b": "skada's DANN is given a domain classifier with one sigmoid output, because its default "
    "one has a zero gradient. On the moons both sides have the same network without batch "
    "normalisation, Adam with lr 0.01, four steps of 64 + 64 rows an epoch (skada leaves the last "
    "incomplete batch out, so skda is told to), constant lam and lr, and for DAN the same 33 "
    "kernels with their sum. Means closer than the standard error of their difference are equal "
    "for all that these seeds tell. DeepCORAL stays near chance there with both libraries.",
    "c": "The broadcast forms lay out all pairs of rows (CORAL: all outer products). The goal of "
    "four Gram products is for the loss with its gradient; JMMD has two layers, of the width "
    "given and of 10 columns, and so two Gram matrices.",
    "d": "Both sides return labels.",
    "e": "A straight line is laid through the four times, weighted by their inverses.",
    "f": "In a process of its own; skda, skorch and scikit-learn, imported after torch, count. "
    "Pages of the 800 MB file count as well; those that were read are given back by and by.",
    "import": "In processes of their own, taking turns.",
}


def verdict(lines: Sequence[dict[str, str]]) -> str:
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
        parts += [f"{verdict(found)} {NOTES[key]}"]
        cells = ["| | | value | goal | met |", "|---|---|---:|---|---|"]
        for line in found:
            value = f"{line['value']} {line['unit']}".replace(" ratio", " x").strip()
            cells.append(
                f"| {line['case']} | {line['measure']} | {value} | {line['goal']} | {line['met']} |"
            )
        parts.append("\n".join(cells))
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sections", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--skada-python", metavar="PYTHON", help="interpreter that has skada")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="at least 7 mean something")
    parser.add_argument("--scratch", default=tempfile.gettempdir(), help="folder for 800 MB")
    parser.add_argument("--out", type=Path, default=OUT, help="file without suffix")
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = options.out.with_suffix(".csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = list(csv.DictReader(path.open(newline=""))) if path.exists() else []
    command = f"python benchmarks/speed.py {shlex.join(sys.argv[1:])}".strip()
    for key in options.sections:
        rows = []
        for row in SECTIONS[key][1](options):
            print(f"{key}  {row.case}: {row.measure} {shown(row.value)} {row.unit} "
                  f"{row.goal} {row.met}", flush=True)  # fmt: skip
            rows.append(row)
        if not rows:
            continue
        lines = [line for line in lines if line["section"] != key]
        about = {"date": date.today().isoformat(), "command": command}
        lines += [
            {**row._asdict(), "value": shown(row.value), "met": row.met, **about} for row in rows
        ]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(sorted(lines, key=lambda line: list(SECTIONS).index(line["section"])))
    options.out.with_suffix(".md").write_text(page(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
