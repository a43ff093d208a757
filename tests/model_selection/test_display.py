"""The figure of a search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from skda.model_selection import LambdaCurveDisplay, LambdaSearchCV
from tests.model_selection.fakes import CenteringClassifier, shifted_blobs

VALUES: dict[str, Any] = {
    "lams": [0.0, 0.1, 1.0],
    "scores": [[0.1, 0.3], [0.4, 0.6], [0.9, 0.7]],
    "source_accuracies": [[1.0, 0.9], [0.8, 0.9], [0.5, 0.4]],
    "accepted": [True, True, False],
    "best_lam": 0.1,
    "score_name": "infomax",
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def legend(display: LambdaCurveDisplay) -> list[str]:
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_the_constructor_only_stores() -> None:
    display = LambdaCurveDisplay(**VALUES)
    assert {name: getattr(display, name) for name in VALUES} == VALUES
    assert not hasattr(display, "ax_")


def test_the_curves_are_means_over_the_folds() -> None:
    display = LambdaCurveDisplay(**VALUES).plot()
    scores, source_only, chosen, rejected = display.ax_.lines
    assert_array_equal(scores.get_xdata(), [0, 1, 2])
    np.testing.assert_allclose(scores.get_ydata(), [0.2, 0.5, 0.8])
    np.testing.assert_allclose(source_only.get_ydata(), [0.2, 0.2])
    assert_array_equal(chosen.get_xdata(), [1, 1])
    np.testing.assert_allclose(rejected.get_xydata(), [[2, 0.8]])
    np.testing.assert_allclose(display.accuracy_ax_.lines[0].get_ydata(), [0.95, 0.85, 0.45])
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["0", "0.1", "1"]
    assert display.ax_.get_ylabel() == "infomax on held-out rows"
    assert legend(display) == [
        "infomax (left)",
        "source accuracy (right)",
        "source-only score (left)",
        "chosen lam = 0.1",
        "rejected by the guard",
    ]


def test_the_bands_are_one_standard_deviation() -> None:
    display = LambdaCurveDisplay(**VALUES).plot()
    (band,) = display.ax_.collections
    heights = band.get_paths()[0].vertices
    for place, (mean, std) in enumerate([(0.2, 0.1), (0.5, 0.1), (0.8, 0.1)]):
        here = heights[heights[:, 0] == place, 1]
        np.testing.assert_allclose([here.min(), here.max()], [mean - std, mean + std])


def test_without_rejected_candidates_none_is_marked() -> None:
    display = LambdaCurveDisplay(**{**VALUES, "accepted": [True] * 3}).plot()
    assert "rejected by the guard" not in legend(display)
    assert len(display.ax_.lines) == 3


def test_it_draws_on_the_axes_that_it_is_given() -> None:
    figure, (left, right) = plt.subplots(1, 2)
    display = LambdaCurveDisplay(**VALUES).plot(ax=right)
    assert display.ax_ is right
    assert display.figure_ is figure
    assert not left.lines
    assert display.plot().figure_ is not figure


def test_a_search_gives_its_results_and_may_have_tried_other_parameters() -> None:
    X, y, X_target, _ = shifted_blobs()
    search = LambdaSearchCV(CenteringClassifier(), (1.0, 0.5), validator="infomax", random_state=0)
    display = LambdaCurveDisplay.from_search(search.fit(X, y, X_target))
    results = search.cv_results_
    assert display.lams.tolist() == [0.0, 0.5, 1.0]
    assert_array_equal(display.scores.mean(axis=1), results["mean_test_score"])
    assert_array_equal(display.source_accuracies.mean(axis=1), results["mean_source_accuracy"])
    assert display.best_lam == search.best_params_["lam"]
    assert display.score_name == "infomax"

    class Bent(CenteringClassifier):
        def __init__(self, lam=1.0, bend=0):
            self.lam, self.bend = lam, bend

    search = LambdaSearchCV(Bent(), (1.0,), param_grid={"bend": [1, 2]}, random_state=0)
    display = LambdaCurveDisplay.from_search(search.fit(X, y, X_target))
    kept = [p["bend"] == search.best_params_["bend"] for p in search.cv_results_["params"]]
    assert display.lams.tolist() == [0.0, 1.0]
    assert display.score_name == "mean z-score of 3 validators"
    assert_array_equal(display.scores.mean(axis=1), search.cv_results_["mean_test_score"][kept])


def test_a_search_that_was_not_fitted_is_an_error() -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        LambdaCurveDisplay.from_search(LambdaSearchCV(CenteringClassifier()))
