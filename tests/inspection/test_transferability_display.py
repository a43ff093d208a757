"""The figure of a transferability curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt

from skda.inspection import TransferabilityCurve, TransferabilityDisplay

SCORES = {
    "BnB": [[0.8, 0.9], [0.7, 0.9]],
    "BnB+": [[0.9, 0.9], [0.9, 0.8]],
    "AnB": [[0.8, 0.6], [0.4, 0.5]],
    "AnB+": [[1.0, 0.9], [0.9, 0.9]],
}
VALUES: dict[str, Any] = {
    "layers": [1, 3],
    "scores": SCORES,
    "base_scores": [0.8, 0.9],
    "score_name": "balanced accuracy",
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_the_constructor_only_stores() -> None:
    display = TransferabilityDisplay(**VALUES)
    assert {name: getattr(display, name) for name in VALUES} == VALUES
    assert not hasattr(display, "ax_")


def test_there_is_a_line_for_each_treatment_and_the_base() -> None:
    display = TransferabilityDisplay(**VALUES).plot()
    assert list(display.lines_) == ["base", *SCORES]
    assert list(display.lines_.values()) == list(display.ax_.lines)
    np.testing.assert_allclose(display.lines_["base"].get_ydata(), [0.85, 0.85])
    for name, mean in {
        "BnB": [0.85, 0.8],
        "BnB+": [0.9, 0.85],
        "AnB": [0.7, 0.45],
        "AnB+": [0.95, 0.9],
    }.items():
        np.testing.assert_allclose(display.lines_[name].get_ydata(), mean)
        np.testing.assert_array_equal(display.lines_[name].get_xdata(), [1, 3])
    assert display.ax_.get_ylabel() == "balanced accuracy on B"
    assert display.ax_.get_xlabel() == "transferred layers"
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["1", "3"]
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [
        "base: trained on B",
        "BnB: layers of B, fixed",
        "BnB+: layers of B, tuned",
        "AnB: layers of A, fixed",
        "AnB+: layers of A, tuned",
    ]


def test_the_bands_are_one_standard_deviation() -> None:
    display = TransferabilityDisplay(**{**VALUES, "scores": {"AnB": SCORES["AnB"]}}).plot()
    (band,) = display.ax_.collections
    edges = band.get_paths()[0].vertices
    for layer, (mean, deviation) in {1: (0.7, 0.1), 3: (0.45, 0.05)}.items():
        here = edges[edges[:, 0] == layer, 1]
        np.testing.assert_allclose([here.min(), here.max()], [mean - deviation, mean + deviation])


def test_a_curve_is_drawn_on_the_axes_that_are_given() -> None:
    curve = TransferabilityCurve(
        np.array([1, 3]),
        {name: np.array(scores) for name, scores in SCORES.items()},
        np.array([0.8, 0.9]),
        [["a"], ["b"], ["c"]],
    )
    figure, (left, right) = plt.subplots(1, 2)
    display = TransferabilityDisplay.from_curve(curve, ax=right)
    assert display.ax_ is right
    assert display.figure_ is figure
    assert not left.lines
    np.testing.assert_allclose(display.lines_["AnB"].get_ydata(), [0.7, 0.45])
    assert display.ax_.get_ylabel() == "accuracy on B"
    assert display.plot().figure_ is not figure
