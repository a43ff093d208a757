from pathlib import Path
from statistics import mean, stdev

import pytest

from tests.benchmarks.programs import committed, main_of, rows, scores_of

TREATMENTS = ("base", "BnB", "BnB+", "AnB", "AnB+")


@pytest.mark.usefixtures("skda_data_home")
def test_it_runs_and_does_not_repeat_what_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--quick", "--seeds", "0", "--out", str(tmp_path / "results" / "quick")]
    main_of("transferability")(options)
    assert "seed 0: " in capsys.readouterr().out
    found = rows(tmp_path, "quick")
    assert {(task, method) for task, method, *_ in found} == {
        (f"k = {k}", name) for k in range(1, 6) for name in TREATMENTS
    }
    assert len({score for _, method, _, score in found if method == "base"}) == 1
    picture = (tmp_path / "results" / "quick.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    main_of("transferability")(options)
    assert "seed 0: " not in capsys.readouterr().out
    assert rows(tmp_path, "quick") == found


def test_the_committed_table_is_of_the_committed_scores() -> None:
    scores = scores_of(committed("transferability", ".csv"))
    page = committed("transferability", ".md").read_text(encoding="utf-8")
    for name in TREATMENTS:
        by_task = [methods[name] for methods in scores.values()]
        assert all(len(found) >= 3 for found in by_task)
        cells = [f"{mean(found):.3f} ± {stdev(found):.3f}" for found in by_task]
        assert f"| {name} | {' | '.join(cells)} |".replace("0.", ".") in page
