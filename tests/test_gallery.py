"""The pages of the gallery run, draw figures, and their texts agree with their numbers."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sklearn
from sklearn.utils.fixes import parse_version

NEW_ENCODER = parse_version("1.9")
PAGES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))
Namespace = dict[str, Any]

# page -> whether its text agrees with its numbers; takes the names that the page defines
FINDINGS: dict[str, Callable[[Namespace], bool]] = {
    "plot_adapting_hurts": lambda page: (
        max(page["scores"]["DAN"], page["scores"]["DANN"]) < page["scores"]["source-only"] - 0.15
        and page["networks"]["DAN, search"].best_params_["lam"] == 0
        and not page["warned"]["DAN"]
        and "may have done harm" in page["warned"]["DANN"][0]
        and page["scores"]["DANN, shares told"] > page["scores"]["source-only"] + 0.03
    ),
    "plot_categorical_columns": lambda page: all(
        page["scores"][name, 0.0] < 0.65 and page["scores"][name, 0.3] > 0.8
        for name in page["steps"]
    ),
    "plot_choose_lam": lambda page: (
        page["search"].best_params_["lam"] > 10
        and dict(zip(page["lams"], page["scores"], strict=True))[page["search"].best_params_["lam"]]
        > max(page["scores"][0], page["scores"][page["lams"].index(10)]) + 0.05
    ),
    "plot_class_shares": lambda page: (
        (page["found"].interval[0] < page["true_shares"]).all()
        and (page["true_shares"] < page["found"].interval[1]).all()
        and page["scores"]["DANN"] < page["scores"]["source-only"] - 0.2
        and page["scores"]["DANN, estimated shares"] > page["scores"]["source-only"] + 0.02
    ),
    "plot_digits_on_photos": lambda page: (
        0.03 < page["scores"]["MCC"] - page["scores"]["source-only"] < 0.2
        and page["scores"]["MCC"] < 0.8
    ),
    "plot_features_svm": lambda page: (
        page["scores"]["source-only"] + 0.05 < page["scores"]["pixels"] < 0.6
        and page["scores"]["DAN"] > 0.7
    ),
    "plot_few_target_labels": lambda page: (
        page["scores"]["both, DANN"][0] > page["scores"]["both, no adapting"][0] + 0.2
        and page["scores"]["both, DANN"][2] > page["scores"]["both, no adapting"][2] + 0.05
        and min(values[3] for values in page["scores"].values()) > 0.97
    ),
    "plot_layers_transfer": lambda page: (
        page["means"]["AnB"][0] > page["means"]["AnB"][2] + 0.2
        and page["means"]["AnB+"][2] > page["base"] - 0.05
    ),
    "plot_moons": lambda page: (
        page["scores"]["source-only"] < 0.8
        and all(page["scores"][name] > 0.95 for name in ("DANN", "MDD", "MCC"))
    ),
    "plot_optuna": lambda page: (
        page["source_only"] + 0.02 < page["chosen"] < max(page["accuracies"]) - 0.05
    ),
    "plot_own_module": lambda page: (
        np.mean(page["scores"]["none (lam=0)"]) + 0.1 < np.mean(page["scores"]["default"])
        and np.mean(page["scores"]["lower"]) + 0.05 < np.mean(page["scores"]["all three"])
    ),
    "plot_photographs": lambda page: (
        page["scores"]["MCC"] > 0.75
        and page["scores"]["logistic regression"] < page["scores"]["MCC"] - 0.03
        and page["scores"]["source-only"] < page["scores"]["MCC"] - 0.15
    ),
    "plot_save_load_export": lambda page: page["equal"] and page["differing"] == 0,
    "plot_scanned_digits": lambda page: (
        page["on_target"]["source-only"] < 0.5
        and page["on_target"]["MCC"] > 0.85
        and min(page["on_source"].values()) > 0.95
    ),
    "plot_sensors": lambda page: (
        page["scores"]["source-only"] < 0.6
        and page["scores"]["AdaBN"] > 0.75
        and page["scores"]["DANN"] > 0.85
    ),
    "plot_series": lambda page: (
        page["scores"]["source-only"] < 0.5 and page["scores"]["DeepCORAL"] > 0.8
    ),
    "plot_spectra": lambda page: (
        page["errors"]["source-only"] > 1.2 * page["errors"]["the mean"]
        and max(page["errors"]["AdaBN"], page["errors"]["RSD"]) < 0.7 * page["errors"]["the mean"]
    ),
    "plot_turbofans": lambda page: (
        np.ptp(page["errors"][("FD002", "FD001"), "source-only"]) > 10
        and np.ptp(page["errors"][("FD002", "FD001"), "DAN"]) < 5
        and page["errors"][("FD002", "FD001"), "source-only, by condition"].max() < 20
        and (
            page["errors"][("FD003", "FD001"), "DAN"]
            > 1.15 * page["errors"][("FD003", "FD001"), "source-only"]
        ).all()
    ),
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_page_finds_what_it_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path.stem == "plot_categorical_columns" and parse_version(sklearn.__version__) < NEW_ENCODER:
        pytest.skip("TargetEncoder takes a splitter as 'cv' from scikit-learn 1.9")
    monkeypatch.chdir(tmp_path)  # where a page may save files
    plt.close("all")
    try:
        page = runpy.run_path(str(path))
        data = ("gas", "photos", "corn", "engines")
        if any(page.get(name, ...) is None for name in data):
            pytest.skip("needs data that are not stored: set SKDA_DATA_HOME to their folder")
        assert plt.get_fignums(), "the page draws no figure"
        assert FINDINGS[path.stem](page)
    finally:
        plt.close("all")


def test_there_are_as_many_pages_as_findings() -> None:
    assert [path.stem for path in PAGES] == sorted(FINDINGS)
