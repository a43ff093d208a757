"""The README's snippets run in order and print the output that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.snippets import ROOT, run

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_quickstart_is_ten_lines() -> None:
    first = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert first
    assert len([line for line in first[1].splitlines() if line.strip()]) <= 10


def test_the_snippets_print_what_is_shown_adapting_helps_and_so_does_the_search() -> None:
    names = run("README.md")
    digits = names["digits"]
    test = digits.X_target_test, digits.y_target_test
    source_only, adapted = (names[name].score(*test) for name in ("source_only", "adapted"))
    assert source_only < 0.5
    assert adapted > source_only + 0.3
    chosen, default = (names[name].score(*names["test"]) for name in ("search", "mcc"))
    assert chosen >= default


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)]+)\)", README))
def test_every_file_that_the_readme_shows_is_there(path: str) -> None:
    assert (Path(ROOT) / path).is_file()
