import pytest

from benchmarks.office_caltech import __main__ as office_caltech
from tests.benchmarks.programs import scores_of


@pytest.mark.usefixtures("skda_data_home")
def test_office_caltech_runs(tmp_path):
    methods = ["logistic regression", "source-only", "MCC, scaled"]
    out = ["--quick", "--seeds", "0", "--out", str(tmp_path / "quick")]
    office_caltech.main([*out, "--tasks", "DW", "--methods", *methods])
    scores = scores_of(tmp_path / "quick.csv")
    assert list(scores) == ["DW"]
    assert list(scores["DW"]) == methods
    assert scores["DW"]["source-only"][0] > 0.2
    page = (tmp_path / "quick.md").read_text(encoding="utf-8")
    # from the committed shallow benchmark, which has percents
    assert "| 1-NN | .634 |" in page
    assert "| TCA, unit rows | .875 |" in page
