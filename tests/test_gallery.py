"""The pages of the gallery run, draw, and find what they say."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

PAGES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))
Namespace = dict[str, Any]

# page -> what its text says, of the names that it defines
FINDINGS: dict[str, Callable[[Namespace], bool]] = {
    "plot_moons": lambda page: (
        page["scores"]["source-only"] < 0.8
        and all(page["scores"][name] > 0.95 for name in ("DANN", "MDD", "MCC"))
    ),
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_page_finds_what_it_says(path: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)  # where a page may save files
    plt.close("all")
    try:
        page = runpy.run_path(str(path))
        assert plt.get_fignums(), "the page draws no figure"
        assert FINDINGS[path.stem](page)
    finally:
        plt.close("all")


def test_there_are_as_many_pages_as_findings() -> None:
    assert [path.stem for path in PAGES] == sorted(FINDINGS)
