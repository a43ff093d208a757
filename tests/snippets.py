"""Runs the snippets of a Markdown page in order, as a reader would paste them.

A block ``python`` is run; a block ``text`` that follows it is what it prints. Numbers with a
decimal point may differ by .02: another processor rounds in another order, and trainings amplify
it. A block ``py`` is shown only: the code of other packages.
"""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)
DECIMAL = re.compile(r"(?<![\w.])\d*\.\d+")
TOLERANCE = 0.02


def run(page: str) -> dict[str, Any]:
    """Run the snippets of the page; return the names that they leave."""
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    for kind, block in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        if kind == "text":
            assert_same_output(printed, block)
            continue
        with redirect_stdout(io.StringIO()) as out:
            exec(compile(block, page, "exec"), names)
        printed = out.getvalue()
    return names


def assert_same_output(printed: str, shown: str) -> None:
    """Compare words exactly and decimal numbers nearly."""
    assert DECIMAL.sub("#", printed).split() == DECIMAL.sub("#", shown).split(), printed
    for ours, theirs in zip(DECIMAL.findall(printed), DECIMAL.findall(shown), strict=True):
        assert abs(float(ours) - float(theirs)) <= TOLERANCE + 1e-9, printed
