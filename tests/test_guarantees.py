"""Every promise of docs/guarantees.md names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROMISES = re.findall(
    r"`(tests/\S+\.py)(?: -k (\"[^\"]+\"|\w+))?`",
    (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8"),
)


def test_there_are_promises() -> None:
    assert len(PROMISES) > 20


@pytest.mark.parametrize(("file", "name"), PROMISES)
def test_the_test_of_a_promise_exists(file: str, name: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    for part in name.strip('"').split(" or "):
        assert re.search(rf"def test_\w*{part.removeprefix('test_')}", text), part
