"""The figures of features, shifts, confusions and class shares."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib import pyplot as plt
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skda import DANNRegressor
from skda.inspection import (
    ConfusionByDomainDisplay,
    DomainShiftDisplay,
    EmbeddingDisplay,
    PriorsDisplay,
    estimate_target_priors,
    feature_shift,
)
from tests.model_selection.fakes import CenteringClassifier, shifted_blobs

X, Y, X_TARGET, Y_TARGET = shifted_blobs()


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def adapted() -> CenteringClassifier:
    return CenteringClassifier(lam=1.0).fit(X, Y, X_TARGET)


def legend(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def names(axis: Any) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


# shifts


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    source = pd.DataFrame({f"f{j}": rng.normal(size=50) for j in range(20)})
    target = pd.DataFrame({f"f{j}": rng.normal(size=50) + j / 10 for j in range(20)})
    source["city"], target["city"] = ["a", "b"] * 25, ["a"] * 25 + [None] * 25
    return source, target


def test_the_bars_are_the_largest_shifts() -> None:
    source, target = frames()
    display = DomainShiftDisplay.from_domains(source, target, max_features=8)
    table = feature_shift(source, target).head(8)
    assert "city" in table.index
    np.testing.assert_allclose([bar.get_width() for bar in display.bars_], table["statistic"])
    assert names(display.ax_.yaxis) == table.index.tolist()
    assert [text.get_text() for text in display.ax_.texts] == [f"{v:.2f}" for v in table["shift"]]
    top, bottom = (display.bars_[k].get_y() for k in (0, -1))
    low, high = display.ax_.get_ylim()
    assert top < bottom
    assert low > high  # the axis points down, so the first bar is at the top
    assert display.ax_.get_ylabel() == "8 of 21 features"
    assert legend(display.ax_) == [
        "categorical: total variation",
        "numeric: Kolmogorov-Smirnov",
        "difference of the missing shares",
    ]
    (diamonds,) = display.ax_.lines
    np.testing.assert_allclose(diamonds.get_xydata(), [[0.5, table.index.get_loc("city")]])
    hatched = [bool(bar.get_hatch()) for bar in display.bars_]
    assert hatched == (table["kind"] == "categorical").tolist()


def test_all_features_are_drawn_if_they_are_few_and_fewer_in_small_axes() -> None:
    shifts = feature_shift(*frames())
    assert DomainShiftDisplay(shifts=shifts.head(3)).plot().ax_.get_ylabel() == "feature"
    ax = plt.subplots(2, 2)[1][0, 0]
    display = DomainShiftDisplay(shifts=shifts).plot(ax=ax)
    assert 3 <= len(display.bars_) < 15
    for wrong in (0, 1.5):
        with pytest.raises(ValueError, match="'max_features' parameter of DomainShiftDisplay must"):
            DomainShiftDisplay(shifts=shifts, max_features=wrong).plot()


# class shares


def test_the_bars_are_the_shares_and_the_error_bars_the_intervals() -> None:
    shares = {"source": [0.5, 0.3, 0.2], "estimated": [0.7, 0.1, 0.2]}
    interval = [[0.6, 0.0, 0.2], [0.75, 0.3, 0.25]]
    display = PriorsDisplay(classes=list("abc"), shares=shares, intervals={"estimated": interval})
    assert not hasattr(display, "ax_")
    display.plot()
    assert legend(display.ax_) == ["source", "estimated"]
    for name, values in shares.items():
        assert [bar.get_width() for bar in display.bars_[name]] == values
    (lines,) = [c for c in display.ax_.collections if hasattr(c, "get_segments")]
    ends = [segment[:, 0] for segment in lines.get_segments()]
    np.testing.assert_allclose(ends, np.transpose(interval))
    middles = [bar.get_y() + bar.get_height() / 2 for bar in display.bars_["estimated"]]
    np.testing.assert_allclose([s[0, 1] for s in lines.get_segments()], middles)
    assert names(display.ax_.yaxis) == ["a", "b", "c"]
    assert len({bars[0].get_hatch() for bars in display.bars_.values()}) == 2


def test_a_series_of_shares_is_drawn_by_label() -> None:
    shares = {"known": pd.Series([0.8, 0.2], index=["usual", "rare"])}
    display = PriorsDisplay(classes=["rare", "usual"], shares=shares).plot()
    assert [bar.get_width() for bar in display.bars_["known"]] == [0.2, 0.8]


def test_the_shares_come_from_the_estimator(adapted) -> None:
    few = {"n_bootstrap": 10, "random_state": 0}
    display = PriorsDisplay.from_estimator(adapted, X, Y, X_TARGET, **few)
    found = estimate_target_priors(adapted, X, Y, X_TARGET, **few)
    assert list(display.shares) == ["source", "predicted", "estimated"]
    np.testing.assert_array_equal(display.shares["source"], found.priors_source)
    np.testing.assert_array_equal(display.shares["estimated"], found.priors)
    np.testing.assert_array_equal(display.intervals["estimated"], found.interval)
    predicted = adapted.predict(X_TARGET, domain="target")
    expected = [(predicted == label).mean() for label in adapted.classes_]
    np.testing.assert_allclose(display.shares["predicted"], expected)
    told = CenteringClassifier(lam=1.0).fit(X, Y, X_TARGET)
    told.target_priors, told.target_priors_ = "estimate", np.array([0.4, 0.6])
    display = PriorsDisplay.from_estimator(told, X, Y, X_TARGET, **few)
    assert display.shares["used in training"].tolist() == [0.4, 0.6]


@pytest.mark.parametrize(
    ("shares", "intervals", "message"),
    [
        ({}, None, "'shares' parameter must hold 1 to 6 names. Got 0"),
        ({"a": [1.0]}, None, r"each of the 2 classes. Got shape \(1,\) for 'a'"),
        ({"a": {"x": 1.0}}, None, r"must have the labels \['x', 'y'\]. Got \['x'\] for 'a'"),
        ({"a": [0.5, 0.5]}, {"b": [[0, 0], [1, 1]]}, "the names of some shares.* for 'b'"),
        ({"a": [0.5, 0.5]}, {"a": [0, 1]}, r"of shape \(2, 2\). Got shape \(2,\) for 'a'"),
    ],
)
def test_shares_that_do_not_fit_are_an_error(shares, intervals, message) -> None:
    with pytest.raises(ValueError, match=message):
        PriorsDisplay(classes=["x", "y"], shares=shares, intervals=intervals).plot()


# confusions


def test_the_matrices_are_those_of_the_predictions() -> None:
    y, predicted = list("aabbb"), list("abbba")
    display = ConfusionByDomainDisplay.from_predictions(y, predicted, list("ac"), list("cc"))
    left, right = display.axes_
    assert display.classes.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(display.matrices["source"], [[1, 1, 0], [1, 2, 0], [0, 0, 0]])
    np.testing.assert_array_equal(display.matrices["target"], [[0, 0, 1], [0, 0, 0], [0, 0, 1]])
    drawn = np.array([[0.5, 0.5, 0], [1 / 3, 2 / 3, 0], [0, 0, 0]])
    np.testing.assert_allclose(left.images[0].get_array(), drawn)
    assert [text.get_text() for text in left.texts] == [f"{v:.2f}" for v in drawn.ravel()]
    assert left.images[0].get_clim() == right.images[0].get_clim() == (0, 1)
    assert left.get_title() == "source: accuracy 0.600"
    assert right.get_title() == "target: accuracy 0.500"
    assert names(left.xaxis) == names(left.yaxis) == ["a", "b", "c"]
    assert (left.get_xlabel(), left.get_ylabel()) == ("predicted class", "true class")
    counts = ConfusionByDomainDisplay.from_predictions(y, predicted, normalize=False)
    (only,) = counts.axes_
    np.testing.assert_array_equal(only.images[0].get_array()[:2, :2], [[1, 1], [1, 2]])
    assert [text.get_text() for text in only.texts] == ["1", "1", "1", "2"]


def test_rows_are_predicted_as_rows_of_their_domain(adapted) -> None:
    pipe = make_pipeline(StandardScaler(with_mean=False, with_std=False), adapted)
    pipe.steps[0][1].fit(X)
    for estimator in (adapted, pipe):
        display = ConfusionByDomainDisplay.from_estimator(estimator, X, Y, X_TARGET, Y_TARGET)
        for domain, rows, y in (("source", X, Y), ("target", X_TARGET, Y_TARGET)):
            right = (adapted.predict(rows, domain=domain) == y).sum()
            assert np.trace(display.matrices[domain]) == right
            assert display.matrices[domain].sum() == len(y)
    assert list(ConfusionByDomainDisplay.from_estimator(adapted, X, Y).matrices) == ["source"]


def test_many_classes_get_a_colour_bar_instead_of_numbers() -> None:
    y = np.repeat(np.arange(40), 3)
    display = ConfusionByDomainDisplay.from_predictions(y, y, y, y)
    assert not any(panel.texts for panel in display.axes_)
    bars = [child for child in display.axes_[-1].child_axes if child.get_ylabel()]
    assert [bar.get_ylabel() for bar in bars] == ["share of the true class"]


def test_labels_that_do_not_fit_are_an_error(adapted) -> None:
    with pytest.raises(ValueError, match="y_target and y_pred_target must be given together"):
        ConfusionByDomainDisplay.from_predictions([0], [0], [0])
    with pytest.raises(ValueError, match="y_target: Found input variables with inconsistent"):
        ConfusionByDomainDisplay.from_predictions([0], [0], [0, 1], [0])
    with pytest.raises(ValueError, match="y_target was given without X_target"):
        ConfusionByDomainDisplay.from_estimator(adapted, X, Y, y_target=Y_TARGET)
    with pytest.raises((TypeError, ValueError), match=r"^X_source"):
        ConfusionByDomainDisplay.from_estimator(adapted, None, Y)
    one = plt.subplots()[1]
    with pytest.raises(ValueError, match=r"must be one Axes, or 2, one for each panel. Got 1"):
        ConfusionByDomainDisplay.from_predictions([0], [0], [0], [0], ax=[one])
    free = plt.figure().add_axes((0, 0, 1, 1))
    with pytest.raises(ValueError, match=r"must be an Axes of a grid.* Pass 2 Axes instead"):
        ConfusionByDomainDisplay.from_predictions([0], [0], [0], [0], ax=free)


WORDS = np.array(["left", "right"])


@pytest.mark.parametrize(
    ("classes", "unlabelled"),
    [(WORDS, None), (WORDS, np.nan), ([0, 1], -1), ([0, 1], None), ([0.0, 1.0], np.nan)],
)
def test_unlabelled_target_rows_are_left_out(classes, unlabelled) -> None:
    classes = np.asarray(classes)
    y, predicted = classes[[0, 1, 1, 0]], classes[[0, 1, 0, 0]]
    few = np.array([y[0], y[1], y[2], unlabelled, unlabelled], dtype=object)
    of_target = classes[[0, 0, 1, 1, 1]]
    for given in (few, few.tolist(), pd.Series(few)):
        display = ConfusionByDomainDisplay.from_predictions(y, predicted, given, of_target)
        assert display.classes.tolist() == classes.tolist()
        np.testing.assert_array_equal(display.matrices["target"], [[1, 0], [1, 1]])
        np.testing.assert_array_equal(display.matrices["source"], [[2, 0], [1, 1]])
        assert display.axes_[1].get_title() == "target: accuracy 0.667"


def test_a_class_of_minus_one_is_no_sign_and_new_classes_are_shown() -> None:
    y = [-1, 1, 1]
    display = ConfusionByDomainDisplay.from_predictions(y, y, y, [-1, -1, 1])
    np.testing.assert_array_equal(display.matrices["target"], [[1, 0], [1, 1]])
    display = ConfusionByDomainDisplay.from_predictions([0, 1], [0, 1], [2, -1, 1], [1, 1, 1])
    assert display.classes.tolist() == [0, 1, 2]
    assert display.matrices["target"].sum() == 2


@pytest.mark.parametrize("y_target", [[-1, -1], [None, None], [np.nan, np.nan]])
def test_a_target_without_any_label_is_an_error(y_target, adapted) -> None:
    with pytest.raises(ValueError, match=r"y_target has no labelled row: .* leave y_target out"):
        ConfusionByDomainDisplay.from_predictions([0, 1], [0, 1], y_target, [0, 1])
    with pytest.raises(ValueError, match=r"y_target has no labelled row"):
        EmbeddingDisplay.from_estimator(adapted, X, Y == "left", X_TARGET, np.repeat(None, 90))


def test_the_confusion_is_of_classes(adapted) -> None:
    reg = DANNRegressor(max_epochs=1, random_state=0).fit(X, X[:, 0], X_TARGET)
    with pytest.raises(ValueError, match=r"is for classifiers\. Got DANNRegressor, a regressor"):
        ConfusionByDomainDisplay.from_estimator(reg, X, X[:, 0])
    for wrong in (None, DANNRegressor):
        with pytest.raises(ValueError, match=r"'estimator' .* must be a fitted classifier"):
            ConfusionByDomainDisplay.from_estimator(wrong, X, Y)

    class Constant:  # with no base of scikit-learn
        def predict(self, X):
            return np.repeat("left", len(X))

    plain = ConfusionByDomainDisplay.from_estimator(Constant(), X, Y)
    assert np.trace(plain.matrices["source"]) == (Y == "left").sum()
    draw = ConfusionByDomainDisplay.from_predictions
    with pytest.raises(ValueError, match="y_source: Unknown label type: continuous"):
        draw([0.5, 0.7], [0, 1])
    with pytest.raises(ValueError, match=r"y_pred_source must hold one label a row.*\(2, 2\)"):
        draw([0, 1], np.eye(2))
    with pytest.raises(ValueError, match="y_target holds strings and y_source holds numbers"):
        draw([0, 1], [0, 1], ["0", "1"], [0, 1])
    with pytest.raises(ValueError, match="y_pred_target contains NaN"):
        draw([0, 1], [0, 1], [0, 1], [0, np.nan])


# embeddings


def offsets(panel: Any) -> np.ndarray:
    return np.concatenate([np.asarray(points.get_offsets()) for points in panel.collections])


@pytest.mark.parametrize("names", [["left", "right"], [0, 1]])
def test_unlabelled_target_rows_are_grey_crosses(adapted, names) -> None:
    y, y_target = (np.array(names)[(part == "right").astype(int)] for part in (Y, Y_TARGET))
    few = y_target.astype(object)
    few[10:] = None if names[0] == "left" else -1
    display = EmbeddingDisplay.from_estimator(adapted, X, y, X_TARGET, few)
    panel = display.axes_[1]
    n_points = [len(points.get_offsets()) for points in panel.collections]
    # the source's classes, the target's rows without a label, those of its classes
    counts = [(y == names[0]).sum(), (y == names[1]).sum()]
    of_target = [(y_target[:10] == name).sum() for name in names]
    assert n_points == [*counts, len(X_TARGET) - 10, *of_target]
    assert sum(n_points) == len(X) + len(X_TARGET)
    texts = [t for ax in display.figure_.axes if ax.get_legend() for t in legend(ax)]
    shown = names if names[0] == "left" else ["class 0", "class 1"]
    assert texts == ["source (filled)", "target (open)", "target, no label", *shown]


def test_the_points_are_the_principal_components_of_both_domains(adapted) -> None:
    display = EmbeddingDisplay.from_estimator(adapted, X, Y, X_TARGET, Y_TARGET)
    assert [ax.get_title() for ax in display.axes_] == [
        "before: input",
        "after: CenteringClassifier",
    ]
    both = np.concatenate([adapted.transform(X, "source"), adapted.transform(X_TARGET, "target")])
    both = both - both.mean(axis=0)
    _, _, directions = np.linalg.svd(both, full_matrices=False)
    expected = both @ directions.T
    classes = [np.concatenate([Y, [""] * len(X_TARGET)]), np.concatenate([[""] * len(X), Y_TARGET])]
    order = np.concatenate([np.flatnonzero(y == k) for y in classes for k in ("left", "right")])
    np.testing.assert_allclose(np.abs(offsets(display.axes_[1])), np.abs(expected[order]))
    raw = np.concatenate([X, X_TARGET])
    scaled = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    lengths = np.linalg.norm(offsets(display.axes_[0]), axis=1)
    np.testing.assert_allclose(lengths, np.linalg.norm(scaled, axis=1)[order])


def test_classes_have_colours_and_shapes_and_domains_are_filled_or_open(adapted) -> None:
    display = EmbeddingDisplay.from_estimator(adapted, X, Y, X_TARGET, Y_TARGET)
    looks = display.axes_[0].collections
    assert len(looks) == 4  # two classes of each domain
    assert [len(points.get_facecolor()) for points in looks] == [1, 1, 0, 0]
    edges = [colors.to_hex(points.get_edgecolor()[0]) for points in looks]
    assert edges == ["#0072b2", "#d55e00"] * 2
    shapes = [len(points.get_paths()[0].vertices) for points in looks]
    assert shapes[:2] == shapes[2:]
    assert shapes[0] != shapes[1]
    unlabelled = EmbeddingDisplay.from_estimator(adapted, X, Y, X_TARGET)
    assert len(unlabelled.axes_[0].collections) == 3
    assert colors.to_hex(unlabelled.axes_[0].collections[2].get_facecolor()[0]) == "#808080"
    shown = [
        text.get_text()
        for ax in unlabelled.figure_.axes
        for text in (ax.get_legend().get_texts() if ax.get_legend() else ())
    ]
    assert shown == ["source (filled)", "target", "left", "right"]


def test_before_may_be_a_clone_without_adaptation_or_another_estimator(adapted) -> None:
    source_only = CenteringClassifier(lam=0.0).fit(X, Y, X_TARGET)
    made = EmbeddingDisplay.from_estimator(adapted, X, Y, X_TARGET, before="source_only")
    given = EmbeddingDisplay.from_estimator(adapted, X, Y, X_TARGET, before=source_only)
    assert adapted.lam == 1.0
    np.testing.assert_allclose(offsets(made.axes_[0]), offsets(given.axes_[0]))
    assert made.axes_[0].get_title() == "before: source-only"
    assert given.axes_[0].get_title() == "before: CenteringClassifier"

    def gap(panel: Any) -> float:
        points = offsets(panel)
        return float(np.linalg.norm(points[: len(X)].mean(0) - points[len(X) :].mean(0)))

    assert gap(made.axes_[0]) == pytest.approx(8, abs=0.3)  # the shift of the blobs
    assert gap(made.axes_[1]) < 1e-6


def test_rows_are_drawn_at_random_up_to_a_number(adapted) -> None:
    few = {"max_rows": 20, "random_state": 1}
    display = EmbeddingDisplay.from_estimator(adapted, X, Y, X_TARGET, Y_TARGET, **few)
    assert [len(offsets(panel)) for panel in display.axes_] == [40, 40]
    again = EmbeddingDisplay.from_estimator(adapted, X, Y, X_TARGET, Y_TARGET, **few)
    np.testing.assert_array_equal(offsets(display.axes_[0]), offsets(again.axes_[0]))
    tsne = EmbeddingDisplay.from_estimator(adapted, X, Y, X_TARGET, method="tsne", max_rows=8)
    assert np.isfinite(offsets(tsne.axes_[1])).all()
    assert tsne.axes_[0].get_xlabel() == "t-SNE"
    narrow = CenteringClassifier(lam=1.0).fit(X[:, :1], Y, X_TARGET[:, :1])
    display = EmbeddingDisplay.from_estimator(narrow, X[:, :1], Y, X_TARGET[:, :1])
    np.testing.assert_allclose(offsets(display.axes_[1])[:, 1], 0, atol=1e-12)


def test_what_cannot_be_embedded_is_an_error(adapted) -> None:
    draw = EmbeddingDisplay.from_estimator
    with pytest.raises(ValueError, match=r"'before' parameter of EmbeddingDisplay.from_estimator"):
        draw(adapted, X, Y, X_TARGET, before="nothing")
    with pytest.raises(ValueError, match="'method' parameter"):
        draw(adapted, X, Y, X_TARGET, method="umap")
    with pytest.raises(
        ValueError, match=r"must have a method 'transform'.* Got LogisticRegression"
    ):
        draw(LogisticRegression().fit(X, Y), X, Y, X_TARGET)
    with pytest.raises(ValueError, match="y_target has 3, X_target has 90"):
        draw(adapted, X, Y, X_TARGET, Y_TARGET[:3])


def test_figures_can_be_pickled_and_legends_removed(adapted) -> None:
    display = EmbeddingDisplay.from_estimator(adapted, X, Y, X_TARGET)
    copied = pickle.loads(pickle.dumps(display.figure_))
    assert len(copied.axes) == len(display.figure_.axes)
    display.figure_.axes[1].get_legend().remove()
