"""The script for a laptop."""

from __future__ import annotations

import re

import pytest

from tests.scaling.small import script


def test_the_script_of_a_laptop(capsys: pytest.CaptureFixture[str]) -> None:
    script("laptop")["main"](1)
    found = capsys.readouterr().out
    assert re.search(r"lam \S+, trained together: True\naccuracy on the target: 0\.[7-9]", found)
