"""The README's snippets run, in order, as a reader would paste them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_quickstart_is_ten_lines_and_adapting_helps(capsys: pytest.CaptureFixture) -> None:
    lines = [line for line in SNIPPETS[0].splitlines() if line.strip()]
    assert len(lines) <= 10
    exec(SNIPPETS[0], {})
    source_only, adapted = (
        float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()
    )
    assert source_only < 0.5
    assert adapted > source_only + 0.3


def test_the_other_snippets_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # one of them saves a figure
    names: dict = {}
    for snippet in SNIPPETS[1:]:
        exec(snippet, names)
    target = names["moons"].X_target_test, names["moons"].y_target_test
    assert names["pipe"].score(*target) == names["plain"].score(*target)
    assert set(names["search"].best_params_) == {"dannclassifier__lam"}
    assert Path("lam.png").stat().st_size > 10_000


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)]+)\)", README))
def test_every_file_that_the_readme_shows_is_there(path: str) -> None:
    assert (Path(__file__).parents[1] / path).is_file()
