from pathlib import Path
from statistics import mean, stdev

import pytest

from benchmarks.digits.__main__ import main
from tests.benchmarks.programs import committed as file_of
from tests.benchmarks.programs import rows, scores_of

SMALL = ("MNIST→USPS, 2000/1800", "USPS→MNIST, 1800/2000")


@pytest.fixture(scope="module")
def committed() -> dict[str, dict[str, list[float]]]:
    return scores_of(file_of("digits", ".csv"))


@pytest.mark.usefixtures("skda_data_home")
def test_it_runs(tmp_path: Path) -> None:
    methods = ["logistic regression, zT", "DaNN", "DANN", "DANN, lam searched", "target oracle"]
    options = ["--quick", "--seeds", "0", "--tasks", SMALL[0], "--methods", *methods]
    main([*options, "--out", str(tmp_path / "results" / "quick")])
    found = {method: float(score) for _, method, _, score in rows(tmp_path, "quick")}
    assert list(found) == methods
    assert all(0 < score < 1 for score in found.values())
    # 180 labelled images and two epochs are above chance
    assert found["target oracle"] > 0.25
    assert "Tzeng 2017, ADDA" in (tmp_path / "results" / "quick.md").read_text(encoding="utf-8")


def test_committed_scores(committed) -> None:
    assert set(SMALL) <= set(committed)
    for task in SMALL:
        methods = committed[task]
        assert all(len(scores) >= 3 for scores in methods.values())
        for name in ("DANN", "DAN", "MCC", "CDAN", "JAN", "DeepCORAL"):
            gain = mean(methods[name]) - mean(methods["source-only"])
            assert 0.05 < gain < mean(methods["target oracle"]) - mean(methods["source-only"])
    assert mean(committed[SMALL[0]]["MCC"]) >= 0.90
    assert mean(committed[SMALL[1]]["MCC"]) >= 0.88


def test_committed_table_is_of_the_committed_scores(committed) -> None:
    page = file_of("digits", ".md").read_text(encoding="utf-8")
    lines = page.splitlines()
    (head,) = (line for line in lines if line.startswith("| method | MNIST→USPS, 2000/1800, acc"))
    columns = [cell.strip().removesuffix(", accuracy") for cell in head.split("|")[1:-1]]
    assert set(committed) == set(columns[1:-1])
    for name in committed[SMALL[0]]:
        cells = next(
            [cell.strip() for cell in line.split("|")[1:-1]]
            for line in lines[lines.index(head) :]
            if line.startswith(f"| {name} |")
        )
        for task, cell in zip(columns[1:-1], cells[1:-1], strict=True):
            scores = committed[task].get(name)
            shown = cell.rstrip("▼▽ ")
            if scores is None:
                assert shown == "–"
            else:
                expected = f"{mean(scores):.3f} ± {stdev(scores):.3f}".replace("0.", ".")
                assert shown == expected
