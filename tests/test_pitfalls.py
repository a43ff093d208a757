"""The snippets of docs/pitfalls.md run, and their results agree with the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[1] / "docs" / "pitfalls.md").read_text(encoding="utf-8")


def test_the_page_demonstrates_its_pitfalls() -> None:
    names: dict = {}
    for snippet in re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL):
        exec(snippet, names)
    assert names["seen_wrong"] == pytest.approx(100, abs=3)
    assert names["seen_right"] == pytest.approx(0, abs=3)
    target = names["X_target"]
    ours, plain = (names[name].predict_proba(target) for name in ("same_as_right", "right"))
    assert (ours == plain).all()
    assert names["as_source"] != names["as_target"]
    shares = [names[name] for name in ("not_adapted", "blind", "told")]
    assert shares == pytest.approx([0.92, 0.67, 0.99], abs=0.02)
    assert names["search"].best_params_.keys() == {"dannclassifier__lam"}
