"""The figure of the features of both domains, before and after adaptation."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

from ..._inputs.array_checks import check_dense_features, check_same_length
from ..._inputs.class_labels import class_vector, known_target_labels
from ..._inputs.host import is_missing
from ..._plotting import COLORS, NEUTRAL, is_small, label_axes, legend_below, short, split_axes
from ..._typing import Rows
from ...model_selection import EstimatorEvidence
from ...model_selection._routing import final_step, fit_adapting, rows_at_final_step
from ...model_selection._training.candidates import find_lam
from ...model_selection.validators.checks import check_type

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["EmbeddingDisplay"]

_CONSTRAINTS: dict[str, list[Any]] = {
    "before": [StrOptions({"input", "source_only"}), HasMethods(["transform"])],
    "method": [StrOptions({"pca", "tsne"})],
    "max_rows": [Interval(Integral, 2, None, closed="left")],
    "random_state": ["random_state"],
}
_SHAPES = "os^DP"  # 6 colours and 5 shapes tell 30 classes apart
# classes in the legend, and characters of their names; of small axes
_LISTED, _LISTED_SMALL = (20, 20), (6, 11)


class EmbeddingDisplay:
    """Features of source and target rows on a plane, before and after adaptation.

    It is recommended to use `from_estimator` to create a display.

    Parameters
    ----------
    places : mapping of str to mapping of {"source", "target"} to array-like of shape (n_rows, 2)
        Places of the rows of each domain, by the title of the panel.
    y_source : array-like of shape (n_source,)
        Classes of the source rows, by colour and shape.
    y_target : array-like of shape (n_target,), default=None
        Classes of the target rows; None draws them in grey, as it does a row with the label None.
    axis_name : str, default=""
        How the plane was found.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        The panels.
    figure_ : matplotlib Figure
        The figure that holds them.

    Examples
    --------
    >>> from skda import DANNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> from skda.inspection import EmbeddingDisplay
    >>> moons = make_rotated_moons(random_state=0)
    >>> dann = DANNClassifier(max_epochs=2, random_state=0)
    >>> dann = dann.fit(moons.X_source, moons.y_source, moons.X_target)
    >>> display = EmbeddingDisplay.from_estimator(
    ...     dann, moons.X_source, moons.y_source, moons.X_target
    ... )
    >>> [ax.get_title() for ax in display.axes_]
    ['before: input', 'after: DANNClassifier']
    """

    def __init__(
        self,
        *,
        places: Mapping[str, Mapping[str, ArrayLike]],
        y_source: ArrayLike,
        y_target: ArrayLike | None = None,
        axis_name: str = "",
    ) -> None:
        self.places = places
        self.y_source = y_source
        self.y_target = y_target
        self.axis_name = axis_name

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X_source: Rows,
        y_source: ArrayLike,
        X_target: Rows,
        y_target: ArrayLike | None = None,
        *,
        before: Any = "input",
        method: Literal["pca", "tsne"] = "pca",
        max_rows: int = 300,
        random_state: Any = 0,
        ax: Any = None,
    ) -> Self:
        """Draw the features of the rows of both domains, as a fitted estimator computes them.

        Parameters
        ----------
        estimator : estimator
            Fitted, with a `transform`, a Pipeline that ends in one, or a search.
        X_source, y_source : array-like of shape (n_source, ...) and (n_source,)
            Source rows and their classes.
        X_target : array-like of shape (n_target, ...)
            Target rows.
        y_target : array-like of shape (n_target,), default=None
            Their classes, if they are known: for the colours only. Rows without a label are grey;
            they are -1 (numbers, unless -1 is a class of the source), None or NaN (objects).
        before : {"input", "source_only"} or fitted estimator, default="input"
            What the left panel shows: the rows as the last step of a Pipeline gets them, columns of
            a table standardised; the features of a clone with lam=0, which is **trained here** on
            these rows; or those of another fitted estimator.
        method : {"pca", "tsne"}, default="pca"
            How the plane is found, for each panel by itself and for both domains together.
        max_rows : int, default=300
            Most rows of each domain that are drawn, chosen at random.
        random_state : int, RandomState or None, default=0
            Fixes the choice of rows and the t-SNE.
        ax : matplotlib Axes or array-like of two Axes, default=None
            Axes, whose place is split, or an Axes for each panel; None makes new ones.

        Returns
        -------
        EmbeddingDisplay

        Raises
        ------
        ValueError
            If a parameter is not allowed, or an estimator has no `transform`.

        Notes
        -----
        A plane shows little of many features: domains that lie apart here do differ, and domains
        that mix here may still differ in other directions. `tsne` also invents gaps and distances.
        `feature_shift` and the validators give numbers.
        """
        validate_parameter_constraints(_CONSTRAINTS, locals(), f"{cls.__name__}.from_estimator")
        labels = _labels(y_source, y_target)
        rng = check_random_state(random_state)
        found = {
            _title(before): _before(before, estimator, X_source, y_source, X_target),
            f"after: {type(final_step(estimator)).__name__}": _features(
                estimator, X_source, X_target
            ),
        }
        n_rows = {d: len(f) for d, f in next(iter(found.values())).items()}
        kept = {d: np.sort(rng.permutation(n)[:max_rows]) for d, n in n_rows.items()}
        for domain, y in labels.items():
            check_same_length(**{f"y_{domain}": y, f"X_{domain}": np.empty(n_rows[domain])})
        labels = {domain: y[kept[domain]] for domain, y in labels.items()}
        places = {
            title: _project({d: f[kept[d]] for d, f in features.items()}, method, rng)
            for title, features in found.items()
        }
        return cls(
            places=places,
            y_source=labels["source"],
            y_target=labels.get("target"),
            axis_name={"pca": "principal components", "tsne": "t-SNE"}[method],
        ).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw a panel for each set of places: the source filled, the target open.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes, whose place is split, or an Axes for each panel; None makes new ones.

        Returns
        -------
        EmbeddingDisplay
        """
        y = {"source": self.y_source, "target": self.y_target}
        labels = {d: None if part is None else np.asarray(part) for d, part in y.items()}
        known = [_known(part) for part in labels.values() if part is not None]
        classes = np.unique(np.concatenate(known))
        n_panels = len(self.places)
        self.axes_, below = split_axes(ax, n_panels, type(self).__name__, (4.2 * n_panels, 4.4))
        for panel, (title, places) in zip(self.axes_, self.places.items(), strict=True):
            for domain, rows in places.items():
                _scatter(panel, np.asarray(rows), labels[domain], classes, domain)
            panel.set(xticks=[], yticks=[])
            label_axes(panel, title=title, xlabel=self.axis_name)
        handles = _handles(
            classes,
            labels["target"],
            _LISTED_SMALL if is_small(self.axes_[0]) else _LISTED,
        )
        legend_below(below, handles)
        self.figure_ = self.axes_[0].figure
        return self


def _title(before: Any) -> str:
    if isinstance(before, str):
        return f"before: {before.replace('_', '-')}"
    return f"before: {type(final_step(before)).__name__}"


def _before(
    before: Any, estimator: Any, X_source: Rows, y_source: ArrayLike, X_target: Rows
) -> dict[str, NDArray[Any]]:
    """Return the features of the left panel by domain."""
    if isinstance(before, str) and before == "input":
        rows = {"source": X_source, "target": X_target}
        found = {
            d: check_dense_features(rows_at_final_step(estimator, X, d), f"X_{d}")
            for d, X in rows.items()
        }
        widths = {f"X_{d}": f.shape[1] for d, f in found.items()}
        if len(set(widths.values())) > 1:
            raise ValueError(f"X_source and X_target must have the same columns. Got {widths}.")
        scale = StandardScaler().fit(np.concatenate(list(found.values())))
        return {d: scale.transform(f) for d, f in found.items()}
    if isinstance(before, str):
        estimator = getattr(estimator, "best_estimator_", estimator)
        before = clone(estimator).set_params(**{find_lam(estimator): 0.0})
        before = fit_adapting(before, X_source, y_source, X_target)
    return _features(before, X_source, X_target)


def _features(estimator: Any, X_source: Rows, X_target: Rows) -> dict[str, NDArray[Any]]:
    if not hasattr(final_step(estimator), "transform"):
        raise ValueError(
            "The estimator must have a method 'transform', which gives the features to draw. Got "
            f"{type(final_step(estimator)).__name__}. Pass an estimator of skda, a transformer, or "
            "a Pipeline that ends in one."
        )
    rows = EstimatorEvidence(estimator, X_source, None, X_target)
    return {
        "source": check_dense_features(rows.features_source, "features of X_source"),
        "target": check_dense_features(rows.features_target, "features of X_target"),
    }


def _project(
    features: Mapping[str, NDArray[Any]], method: str, rng: np.random.RandomState
) -> dict[str, NDArray[Any]]:
    """Return places on a plane that is found for the rows of both domains together."""
    rows = np.concatenate(list(features.values()))
    if rows.shape[1] == 1:
        rows = np.hstack([rows, np.zeros_like(rows)])
    if method == "pca":
        plane = PCA(2, random_state=rng)
    else:
        plane = TSNE(2, perplexity=min(30.0, (len(rows) - 1) / 3), random_state=rng)
    places = plane.fit_transform(rows)
    n_source = len(features["source"])
    return {"source": places[:n_source], "target": places[n_source:]}


def _labels(y_source: ArrayLike, y_target: ArrayLike | None) -> dict[str, NDArray[Any]]:
    """Return the labels by domain; None marks an unlabelled row of the target."""
    labels = {"source": class_vector(y_source, "y_source")}
    if y_target is not None:
        known, labelled = known_target_labels(y_target, np.unique(labels["source"]))
        check_type(known, labels["source"], "y_target", "y_source")
        labels["target"] = known
        if not labelled.all():
            labels["target"] = np.full(len(labelled), None, dtype=object)
            labels["target"][labelled] = known
    return labels


def _missing(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which rows have no label; only an array of objects has such rows."""
    if y.dtype != object:
        return np.zeros(len(y), dtype=bool)
    return np.array([is_missing(label) for label in y], dtype=bool)


def _known(y: NDArray[Any]) -> NDArray[Any]:
    """Return the labels of the labelled rows, as an array of their own type."""
    return y if y.dtype != object else np.array(y[~_missing(y)].tolist())


def _look(k: int) -> tuple[str, str]:
    """Return shape and colour of a class."""
    return _SHAPES[k % len(_SHAPES)], COLORS[k % len(COLORS)]


def _scatter(panel: Axes, rows: NDArray[Any], y: Any, classes: NDArray[Any], domain: str) -> None:
    unlabelled = rows if y is None else rows[_missing(y)]
    if len(unlabelled):
        cross: dict[str, Any] = {"marker": "x", "c": NEUTRAL, "s": 16, "linewidths": 0.9}
        panel.scatter(unlabelled[:, 0], unlabelled[:, 1], **cross)
    if y is None:
        return
    for k, label in enumerate(classes):
        of_class = rows[y == label]
        marker, color = _look(k)
        size, face = (12, color) if domain == "source" else (24, "none")
        style: dict[str, Any] = {"marker": marker, "ec": color, "fc": face, "lw": 0.9}
        panel.scatter(of_class[:, 0], of_class[:, 1], s=size, alpha=0.8, **style)


def _handles(
    classes: NDArray[Any], y_target: NDArray[Any] | None, listed: tuple[int, int]
) -> dict[str, Any]:
    """Return what the legend shows, by label."""
    from matplotlib.lines import Line2D

    def point(marker: str, color: str, filled: bool = True) -> Line2D:
        face = color if filled else "none"
        return Line2D([], [], ls="", marker=marker, color=color, markerfacecolor=face, ms=6)

    handles = {"source (filled)": point("o", NEUTRAL)}
    if y_target is None:
        handles["target"] = point("x", NEUTRAL)
    else:
        handles["target (open)"] = point("o", NEUTRAL, filled=False)
        if _missing(y_target).any():
            handles["target, no label"] = point("x", NEUTRAL)
    most, characters = listed
    prefix = "" if classes.dtype.kind in "OUST" else "class "
    for k, label in enumerate(classes[:most]):
        marker, color = _look(k)
        name = prefix + short(label, characters)
        # names that are cut may be equal
        handles[f"{k}: {name}" if name in handles else name] = point(marker, color)
    if len(classes) > most:
        handles[f"… of {len(classes)} classes"] = point("", NEUTRAL)
    return handles
