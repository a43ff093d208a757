"""Every benchmark page: its program runs, and makes the committed page from the committed runs."""

import csv
import re
import shutil

import pytest
from matplotlib.figure import Figure

from benchmarks.harness import machine
from benchmarks.harness.results import Results, mean_and_deviation
from tests.benchmarks.programs import PAGES, ROOT, committed, main_of, scores_of

# Short runs of the pages. A page that is not in this dict has a test of its own.
QUICK = {
    "all_methods": [
        *("--seeds", "0", "--tasks", "gas 1→6", "--methods"),
        *("source-only", "AdaBN", "DDC, unbiased", "source-only, scaled"),
    ],
    "label_shift": [
        *("--seeds", "0", "--tasks", "moons not turned, 1:9", "gas 1→6", "--methods"),
        *("source-only", "DANN", "DANN, known shares", "DANN, estimated shares"),
    ],
    "few_labels": [
        *("--seeds", "0", "--tasks", "gas 1→6, 1", "gas 1→6, 3", "--methods"),
        *("few labels only", "source and few labels", "MCC", "entropy", "relative threshold"),
    ],
    "few_labels_photos": [
        *("--seeds", "0", "--tasks", "CW, 1", "--methods"),
        *("few labels only", "source and few labels", "MCC, no labels", "MCC"),
    ],
    "target_label_weight": [
        *("--seeds", "0", "--tasks", "heart Cleveland→VA, 1", "--methods"),
        *("DAN, no labels", "DAN", "DAN, by row"),
    ],
    "estimated_accuracy": [
        *("--seeds", "0", "--methods", "DANN", "--tasks", "moons", "heart Cleveland→VA"),
    ],
    "office_caltech_end_to_end": [
        *("--seeds", "0", "--methods", "source-only", "MCC, head first"),
    ],
    "office_caltech_photos": [
        *("--seeds", "0", "--tasks", "DW", "--methods", "logistic regression", "MCC"),
    ],
    "office_caltech_shallow": [],
    "transferability_pretrained": ["--seeds", "0"],
    "regression_selection": ["--methods", "DAN", "--tasks", "corn moisture m5→mp5"],
    "share_warning": [
        *("--seeds", "0", "--methods", "DAN", "--tasks", "moons turned by 20", "dvd→books, 3:1"),
    ],
    "selection": ["--seeds", "0", "--methods", "DANN", "--tasks", "moons", "heart Cleveland→VA"],
    "several_sources": [
        *("--seeds", "0", "--tasks", "→D", "--methods", "source-only, as one", "M3SDA"),
    ],
    "gpu": ["--sections", "a", "c", "d"],
    "speed": ["--sections", "c", "d", "f"],
    "tabular_shipped": [
        *("--seeds", "0", "--tasks", "heart C→S", "wine white→red"),
        *("--methods", "source-only", "AdaBN"),
    ],
    "moons": ["--seeds", "0", "--methods", "source-only", "DAN", "DAN, lam rising"],
    "training_length": [
        *("--seeds", "0", "--tasks", "moons", "--methods"),
        *("source-only, auto", "DANN, 100 epochs", "DANN, auto"),
    ],
}
OWN_TEST = {
    *("amazon", "digits", "domain_report", "first_methods", "lambda_search"),
    *("office_caltech", "regression", "save_and_load", "scaling", "tabular", "transferability"),
}
# These pages measure times; their rows come from runs on several days.
MEASURED = {"gpu", "lambda_search", "save_and_load", "scaling", "speed"}
FROM_RUNS = set(PAGES) - MEASURED - {"office_caltech_shallow"}


def test_no_page_is_forgotten():
    assert sorted({*QUICK, *OWN_TEST}) == PAGES


def test_a_page_imports_the_harness_and_no_other_page():
    for file in ROOT.glob("benchmarks/*/*.py"):
        imported = re.findall(
            r"^(?:from|import) (\.\.+\w*|benchmarks\S*)", file.read_text(encoding="utf-8"), re.M
        )
        assert set(imported) <= {"..harness"}, file


@pytest.mark.parametrize("page", QUICK)
@pytest.mark.usefixtures("skda_data_home")
def test_quick_look(page, tmp_path):
    out = tmp_path / page
    main_of(page)(["--quick", *QUICK[page], "--out", str(out)])
    with out.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file))
    text = out.with_suffix(".md").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "\n|" in text


def without_the_day(text):
    """Return the page without the lines of its date and its command."""
    title, blank, _, _, *rest = text.splitlines()
    return [title, blank, *rest]


@pytest.mark.parametrize("page", sorted(FROM_RUNS))
def test_committed_page_is_made_from_the_committed_runs(page, tmp_path, monkeypatch):
    for file in committed(page, ".csv").parent.glob("*.csv"):
        shutil.copy(file, tmp_path)
    # the page names the machine and the day of the runs
    text = committed(page, ".md").read_text(encoding="utf-8")
    command = next(line for line in text.splitlines() if line.startswith("- `python -m "))
    _, _, module, *options = command.strip("-` ").split()
    assert module == f"benchmarks.{page}"
    versions = next(line for line in text.splitlines() if line.startswith("- Python "))
    monkeypatch.setattr(machine, "versions", lambda *packages: versions.removeprefix("- "))

    def add(*run):
        raise AssertionError(f"{run} is not among the committed runs.")

    monkeypatch.setattr(Results, "add", add)
    # other tests draw figures; drawing all of them again takes half a minute
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: None)
    options += ["--page-only"] if page.endswith("selection") else []
    main_of(page)([*options, "--out", str(tmp_path / page)])
    made = (tmp_path / f"{page}.md").read_text(encoding="utf-8")
    assert without_the_day(made) == without_the_day(text)
    for file in committed(page, ".csv").parent.glob("*.csv"):
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("page", sorted(MEASURED))
def test_committed_page_has_the_committed_times(page):
    text = committed(page, ".md").read_text(encoding="utf-8")
    with committed(page, ".csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if page == "speed":
                value = f"{row['value']} {row['unit']}".replace(" ratio", " x").strip()
                cells = [row["case"], row["measure"], value, row["goal"], row["met"]]
            else:
                cells = list(row.values())[page == "gpu" :]  # its sections are headings of the page
            assert f"| {' | '.join(cells)} |" in text


@pytest.mark.parametrize(
    ("name", "task", "method", "n_seeds"),
    [
        ("tabular", "phone→watch", "MCC", 5),
        ("tabular", "heart C→V", "target oracle", 5),
        ("tabular", "gas 1→6", "DANN, lam searched", 5),
        ("tabular_shipped", "heart C→H", "DAN", 3),
        ("office_caltech", "CA", "MCC, scaled", 5),
        ("office_caltech", "DW", "DANN", 5),
        ("all_methods", "scanned digits", "DDC, unbiased", 3),
    ],
)
def test_committed_tables_are_of_the_committed_scores(name, task, method, n_seeds):
    scores = scores_of(committed(name, ".csv"))[task][method]
    assert len(scores) >= n_seeds
    page = committed(name, ".md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith(f"| {method} |")]
    assert any(f"| {mean_and_deviation(scores)} " in row for row in rows)


def test_sections_that_were_not_run_stay(tmp_path):
    before = committed("speed", ".csv").read_text(encoding="utf-8").splitlines()
    shutil.copy(committed("speed", ".csv"), tmp_path)
    main_of("speed")(["--quick", "--sections", "a", "--out", str(tmp_path / "speed")])
    after = (tmp_path / "speed.csv").read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line[:2] != "a,"] == [
        line for line in before if line[:2] != "a,"
    ]
    assert not {line for line in after if line[:2] == "a,"} & set(before)
    page = (tmp_path / "speed.md").read_text(encoding="utf-8")
    part = committed("speed", ".md").read_text(encoding="utf-8").split("\n## ")
    assert page.split("\n## ")[2:] == part[2:]
    assert page.split("\n## ")[1] != part[1]


def test_methods_that_were_not_measured_stay(tmp_path, capsys):
    out = tmp_path / "search"
    options = ["--quick", "--rounds", "1", "--out", str(out), "--methods"]
    main_of("lambda_search")([*options, "DAN"])
    before = out.with_suffix(".csv").read_text().splitlines()
    main_of("lambda_search")([*options, "DANN"])
    after = out.with_suffix(".csv").read_text().splitlines()
    assert after[0] == before[0]
    assert after[1].startswith("DANN,2-15-15,")
    assert after[2:] == before[1:]
    assert "| DAN | 2-15-15 |" in out.with_suffix(".md").read_text(encoding="utf-8")
