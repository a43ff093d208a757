"""The figure of a training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skda import ADDAClassifier, DANNClassifier, FinetuneClassifier, make_pipeline
from skda.inspection import TrainingHistoryDisplay
from skda.model_selection import LambdaSearchCV
from tests.training.small import DATA, SMALL, dann

DOMAINS = DATA.X, DATA.y, DATA.X_target
ALL = ["classification_loss", "adaptation_loss", "domain_accuracy", "lam", "lr"]
draw = TrainingHistoryDisplay.from_estimator


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_the_constructor_only_stores() -> None:
    columns = {"lam": [1.0]}
    display = TrainingHistoryDisplay(columns=columns, stages=[1])
    assert display.columns is columns
    assert not hasattr(display, "axes_")


def test_there_is_a_panel_for_each_column() -> None:
    fitted = dann(train_split=0.2)
    display = draw(fitted)
    assert list(display.axes_) == ALL
    assert list(display.lines_) == [*ALL, "valid_loss"]
    for name, line in display.lines_.items():
        np.testing.assert_allclose(line.get_ydata(), fitted.history_[:, name])
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
    assert display.lines_["valid_loss"].axes is display.axes_["classification_loss"]
    assert display.lines_["valid_loss"].get_linestyle() == "--"
    assert display.axes_["lam"].get_ylabel() == "lam"
    assert display.axes_["lr"].get_ylabel() == "learning rate"
    assert display.axes_["lr"].get_xlabel() == "epoch"
    assert {panel.figure for panel in display.axes_.values()} == {display.figure_}


@pytest.mark.parametrize(
    ("estimator", "options", "names", "drawn"),
    [
        (FinetuneClassifier(**SMALL), {}, ["classification_loss", "lr"], [(1, 2, 3), (1, 2, 3)]),
        (
            FinetuneClassifier(**SMALL),
            {"y_target": DATA.y_target},
            ["classification_loss", "lr"],
            [(1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 5, 6)],
        ),
        (
            ADDAClassifier(**SMALL),
            {},
            ALL,
            [(1, 2, 3), (4, 5, 6), (4, 5, 6), (4, 5, 6), (1, 2, 3, 4, 5, 6)],
        ),
        (ADDAClassifier(**SMALL, lam=0), {}, ["classification_loss", "lr"], [(1, 2, 3)] * 2),
    ],
)
def test_stages_follow_one_another(
    estimator: Any, options: dict[str, Any], names: list[str], drawn: list[tuple[int, ...]]
) -> None:
    display = draw(estimator.fit(*DOMAINS, **options))
    assert list(display.axes_) == names
    for name, epochs in zip(names, drawn, strict=True):
        x, y = display.lines_[name].get_data()
        assert tuple(x[np.isfinite(y)]) == epochs
    several = max(map(max, drawn)) > 3
    for panel in display.axes_.values():
        texts = [text.get_text() for text in panel.texts]
        assert texts == (["stage 1", "stage 2"] if several else [])
        low, high = panel.get_xlim()
        assert low < 1
        assert high > (6 if several else 3)


def test_a_second_fit_forgets_the_stages_of_the_first() -> None:
    fitted = FinetuneClassifier(**SMALL).fit(*DOMAINS, y_target=DATA.y_target)
    assert [row["epoch"] for row in fitted.source_history_] == [1, 2, 3]
    assert fitted.fit(*DOMAINS).source_history_ == []
    assert len(draw(fitted).lines_["lr"].get_xdata()) == 3


def test_of_a_pipeline_and_of_a_search() -> None:
    pipe = make_pipeline(StandardScaler(), DANNClassifier(**SMALL))
    search = LambdaSearchCV(pipe, lams=[0.1], cv=2, random_state=0)
    search.fit(*DOMAINS)
    best = search.best_estimator_[-1]
    rates = draw(search).lines_["lr"].get_ydata()
    np.testing.assert_allclose(rates, best.history_[:, "lr"])
    np.testing.assert_allclose(draw(search.best_estimator_).lines_["lr"].get_ydata(), rates)


def test_on_axes_that_are_given() -> None:
    fitted = dann()
    figure, (left, right) = plt.subplots(1, 2)
    place = right.get_position().bounds
    display = draw(fitted, ax=right)
    assert display.figure_ is figure
    assert left in figure.axes
    assert right not in figure.axes
    for panel in display.axes_.values():
        x, y, width, height = panel.get_position().bounds
        assert x >= place[0] - 1e-9
        assert x + width <= place[0] + place[2] + 1e-9
        assert y + height <= place[1] + place[3] + 1e-9
    axes = plt.subplots(1, 5)[1]
    assert list(draw(fitted, ax=axes).axes_.values()) == list(axes)
    with pytest.raises(ValueError, match=r"one for each of the 5 panels. Got 2 instead"):
        draw(fitted, ax=axes[:2])
    with pytest.raises(ValueError, match="Axes of a grid"):
        draw(fitted, ax=plt.figure().add_axes((0, 0, 1, 1)))


def test_messages() -> None:
    with pytest.raises(NotFittedError):
        draw(DANNClassifier())
    with pytest.raises(ValueError, match=r"Got LogisticRegression, which has no history"):
        draw(LogisticRegression().fit(DATA.X, DATA.y))
    with pytest.raises(ValueError, match=r"must hold values of one of .* Got nothing instead"):
        TrainingHistoryDisplay(columns={}).plot()
