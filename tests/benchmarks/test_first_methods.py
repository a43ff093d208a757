import re
from statistics import mean, stdev

import pytest

from tests.benchmarks.programs import committed, main_of, rows, scores_of


@pytest.fixture(scope="module")
def committed_scores():
    return scores_of(committed("first_methods", ".csv"))


def test_committed_scores_of_the_first_methods(committed_scores):
    assert len(committed_scores) == 3
    for methods in committed_scores.values():
        assert all(len(scores) >= 3 for scores in methods.values())
        source_only, best = mean(methods["source-only"]), mean(methods["target oracle"])
        for adapting in ("DANN", "DAN"):
            assert source_only + 0.15 < mean(methods[adapting]) < best


def test_committed_table_is_of_the_committed_scores(committed_scores):
    page = committed("first_methods", ".md").read_text(encoding="utf-8")
    for task, methods in committed_scores.items():
        (table,) = re.findall(rf"^## {task}.*?\n\n(.*?)\n\n", page, re.MULTILINE | re.DOTALL)
        for name, scores in methods.items():
            cells = f"{mean(scores):.3f} ± {stdev(scores):.3f}".replace("0.", ".")
            assert f"| {name} | {cells} |" in table


# with a tenth of the rows, some class has fewer rows than the four folds of the oracle need
@pytest.mark.filterwarnings("ignore:The least populated class in y has only")
@pytest.mark.usefixtures("skda_data_home")
def test_first_methods_run(tmp_path):
    out = tmp_path / "results" / "quick"
    main_of("first_methods")(["--quick", "--seeds", "0", "--tasks", "gas 1→6", "--out", str(out)])
    found = rows(tmp_path, "quick")
    assert len(found) == 10
    assert all(0 < float(score) <= 1 for *_, score in found)
    scores = {method: float(score) for _, method, _, score in found}
    # these hold with every tenth row and two epochs
    assert scores["logistic regression + zT"] > scores["logistic regression"] + 0.2
    assert scores["target oracle"] > 0.5
