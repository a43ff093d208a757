"""The snippets of the guide run, page by page, and print the output that the page shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.snippets import ROOT, run

PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guide").glob("*.md")]
    if "```python" in page.read_text(encoding="utf-8") and page.stem != "pitfalls"
)


@pytest.mark.parametrize("page", PAGES)
def test_the_snippets_of_a_page(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some save a file
    names = run(page)
    check = CHECKS.get(page)
    if check is not None:
        check(names)


def tables(names: dict) -> None:
    target = names["moons"].X_target_test, names["moons"].y_target_test
    assert names["pipe"].score(*target) == names["plain"].score(*target)
    of_clinics = names["X_target"], names["y_target"]
    assert names["search"].score(*of_clinics) > names["source_only"].score(*of_clinics) + 0.1


def choosing_lam(names: dict) -> None:
    assert Path("lam.png").stat().st_size > 10_000
    source_only, default, chosen = (
        names[name].score(*names["test"]) for name in ("source_only", "default", "search")
    )
    assert source_only < default <= chosen
    assert set(names["grid_search"].best_params_) == set(names["grid"])


def class_shares(names: dict) -> None:
    assert names["told"].score(names["X_target"], names["y_target"]) > 0.95
    np.testing.assert_allclose(names["shares"].priors, [0.9, 0.1], atol=0.15)


CHECKS = {
    "docs/guide/tables.md": tables,
    "docs/guide/choosing_lam.md": choosing_lam,
    "docs/guide/class_shares.md": class_shares,
}


def test_a_frame_with_categories_takes_fewer_than_15_lines() -> None:
    text = (ROOT / "docs/guide/tables.md").read_text(encoding="utf-8")
    (block,) = (b for b in text.split("```") if "make_column_transformer" in b and "fit(" in b)
    lines = [line for line in block.splitlines()[1:] if line.strip()]
    assert len(lines) < 15
