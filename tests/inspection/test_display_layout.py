"""Every display can be read, on its own and among others: no text is cut, covered or overlaps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from skda.inspection import (
    ConfusionByDomainDisplay,
    DomainShiftDisplay,
    EmbeddingDisplay,
    PriorsDisplay,
    TransferabilityDisplay,
    feature_shift,
)
from skda.model_selection import LambdaCurveDisplay
from tests.figures import problems

RNG = np.random.default_rng(0)
LONG = np.array([f"a rather long class name of number {k}" for k in range(10)])


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def lam_curve() -> Any:
    scores = RNG.random((6, 5)) + np.arange(6)[:, None] / 3
    return LambdaCurveDisplay(
        lams=[0, 0.01, 0.1, 0.3, 1, 3],
        scores=scores,
        source_accuracies=1 - scores / 10,
        accepted=[True] * 4 + [False] * 2,
        best_lam=0.3,
        score_name="mean z-score of 3 validators",
    )


def transferability() -> Any:
    scores = {name: RNG.random((4, 3)) for name in ("BnB", "BnB+", "AnB", "AnB+")}
    return TransferabilityDisplay(layers=[1, 2, 3, 4], scores=scores, base_scores=[0.8])


def shifts(n_features: int = 30) -> Any:
    names = [f"an extraordinarily long name of feature {j}" for j in range(n_features)]
    source, target = (pd.DataFrame(RNG.normal(size=(40, n_features)), columns=names) for _ in "st")
    source[names[0]], target[names[0]] = ["a", "b"] * 20, ["a"] * 20 + [None] * 20
    return DomainShiftDisplay(shifts=feature_shift(source, target))


def priors(classes: Any = LONG) -> Any:
    names = ("source", "predicted", "estimated", "used in training")
    shares = {name: RNG.dirichlet([9] * len(classes)) for name in names}
    ends = np.clip([shares["estimated"] - 0.05, shares["estimated"] + 0.05], 0, 1)
    return PriorsDisplay(classes=classes, shares=shares, intervals={"estimated": ends})


def confusions(classes: Any = LONG) -> Any:
    counts = RNG.integers(0, 50, (2, len(classes), len(classes)))
    return ConfusionByDomainDisplay(
        matrices={"source": counts[0], "target": counts[1]}, classes=classes
    )


def embedding(classes: Any = LONG) -> Any:
    y = RNG.integers(len(classes), size=60)
    places = {domain: RNG.normal(size=(60, 2)) for domain in ("source", "target")}
    return EmbeddingDisplay(
        places={"before: source-only": places, "after: DeepCORALClassifier": places},
        y_source=classes[y],
        y_target=classes[y],
        axis_name="principal components",
    )


MAKERS: dict[str, Callable[[], Any]] = {
    "lam": lam_curve,
    "transferability": transferability,
    "shifts": shifts,
    "priors": priors,
    "confusions": confusions,
    "confusions of one class": lambda: confusions(np.array([0])),
    "embedding": embedding,
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_display_of_its_own_can_be_read(name) -> None:
    figure = MAKERS[name]().plot().figure_
    assert max(figure.get_size_inches()) < 11
    assert not problems(figure)


@pytest.mark.parametrize(
    "names",
    [
        ("lam", "transferability", "shifts", "priors"),
        ("confusions", "embedding", "shifts", "lam"),
    ],
)
def test_displays_among_others_can_be_read(names) -> None:
    figure, axes = plt.subplots(2, 2, figsize=(8, 6))  # a figure without a layout engine
    for name, ax in zip(names, axes.flat, strict=True):
        assert MAKERS[name]().plot(ax=ax).figure_ is figure
    assert not problems(figure)


def test_a_layout_that_the_user_chose_stays() -> None:
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="tight")
    engine = figure.get_layout_engine()
    for ax in axes:
        lam_curve().plot(ax=ax)
    assert figure.get_layout_engine() is engine
    assert not problems(figure)


def test_panels_may_be_axes_that_the_user_made_also_in_a_subfigure() -> None:
    figure = plt.figure(figsize=(10, 8), layout="constrained")
    above, below = figure.subfigures(2, 1)
    for part, display in ((above, confusions(np.arange(4))), (below, embedding(np.arange(4)))):
        axes = part.subplots(1, 2)
        assert display.plot(ax=axes).axes_ == axes.tolist()
        assert display.figure_ is part
    assert not problems(figure)


def test_problems_are_found() -> None:
    figure, ax = plt.subplots()
    ax.text(0.5, 0.5, "one")
    ax.text(0.5, 0.5, "two")
    ax.set_ylabel("a label that is far too long for the height of these axes " * 2)
    ax.plot([0, 1], label="line")
    ax.legend()
    found = "\n".join(problems(figure))
    assert "overlap: 'one' and 'two'" in found
    assert "cut: 'a label" in found
    assert "the legend of Axes" in found
