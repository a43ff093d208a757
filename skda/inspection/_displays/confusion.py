"""The figure of the confusion matrices of both domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, is_regressor
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.utils import check_consistent_length

from ..._inputs.class_labels import class_vector, known_target_labels
from ..._inputs.naming import naming
from ..._plotting import inches_of, label_axes, split_axes, tick_names, tick_size
from ..._typing import Domain, Rows
from ...model_selection._routing import call_final_step, final_step
from ...model_selection.validators.checks import check_predictions, check_type

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ConfusionByDomainDisplay"]

_SMALLEST = 5  # points of text that can be read


class ConfusionByDomainDisplay:
    """Confusion matrices of the source rows and, where their labels are known, the target rows.

    It is recommended to use `from_estimator` or `from_predictions` to create a display.

    Parameters
    ----------
    matrices : mapping of {"source", "target"} to array-like of shape (n_classes, n_classes)
        Numbers of rows by true class (row) and predicted class (column).
    classes : array-like of shape (n_classes,)
        The labels.
    normalize : bool, default=True
        Draw the shares of each true class instead of the numbers.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        A panel for each domain.
    figure_ : matplotlib Figure
        The figure that holds them.

    Examples
    --------
    >>> from skda.inspection import ConfusionByDomainDisplay
    >>> display = ConfusionByDomainDisplay.from_predictions(
    ...     ["a", "a", "b"], ["a", "a", "b"], ["a", "b"], ["a", "a"]
    ... )
    >>> [ax.get_title() for ax in display.axes_]
    ['source: accuracy 1.000', 'target: accuracy 0.500']
    """

    def __init__(
        self, *, matrices: Mapping[str, ArrayLike], classes: ArrayLike, normalize: bool = True
    ) -> None:
        self.matrices = matrices
        self.classes = classes
        self.normalize = normalize

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X_source: Rows,
        y_source: ArrayLike,
        X_target: Rows = None,
        y_target: ArrayLike | None = None,
        *,
        normalize: bool = True,
        ax: Any = None,
    ) -> Self:
        """Predict the rows of each domain, as rows of that domain, and draw the matrices.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier, a Pipeline that ends in one, or a search.
        X_source, y_source : array-like of shape (n_source, ...) and (n_source,)
            Labelled source rows, best rows on which the estimator was not trained.
        X_target, y_target : array-like of shape (n_target, ...) and (n_target,), default=None
            Target rows and their labels. Rows without a label are left out; they are -1 (numbers),
            None or NaN (objects), as in `fit`. Without labels, the source alone is drawn.
        normalize : bool, default=True
            Draw the shares of each true class instead of the numbers.
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes, whose place is split, or an Axes for each domain; None makes new ones.

        Returns
        -------
        ConfusionByDomainDisplay

        Raises
        ------
        ValueError
            If the estimator is a regressor, or labels and rows do not fit.
        """
        final = final_step(estimator)
        if not hasattr(final, "predict") or isinstance(final, type):
            raise ValueError(
                f"The 'estimator' parameter of {cls.__name__}.from_estimator must be a fitted "
                f"classifier. Got {final!r} instead."
            )
        if hasattr(final, "__sklearn_tags__") and is_regressor(final):
            raise ValueError(
                f"{cls.__name__} is for classifiers. Got {type(final).__name__}, a regressor: "
                "sklearn.metrics.PredictionErrorDisplay draws its errors."
            )
        if y_target is not None and X_target is None:
            raise ValueError("y_target was given without X_target. Pass the rows of y_target.")

        def predict(X: Rows, domain: Domain) -> Any:
            with naming(f"X_{domain}"):
                return call_final_step(estimator, "predict", X, domain)

        of_source = predict(X_source, "source")
        of_target = None if y_target is None else predict(X_target, "target")
        return cls.from_predictions(
            y_source, of_source, y_target, of_target, normalize=normalize, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        y_source: ArrayLike,
        y_pred_source: ArrayLike,
        y_target: ArrayLike | None = None,
        y_pred_target: ArrayLike | None = None,
        *,
        normalize: bool = True,
        ax: Any = None,
    ) -> Self:
        """Draw the matrices of predicted labels.

        Parameters
        ----------
        y_source, y_pred_source : array-like of shape (n_source,)
            True and predicted labels of source rows.
        y_target, y_pred_target : array-like of shape (n_target,), default=None
            The same of target rows, of which those without a true label are left out: -1 (numbers,
            unless -1 is a class of the source), None or NaN (objects). Without them, the source
            alone is drawn.
        normalize : bool, default=True
            Draw the shares of each true class instead of the numbers.
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes, whose place is split, or an Axes for each domain; None makes new ones.

        Returns
        -------
        ConfusionByDomainDisplay

        Raises
        ------
        ValueError
            If labels and predictions do not fit, or are no classes.
        """
        if (y_target is None) != (y_pred_target is None):
            raise ValueError(
                "y_target and y_pred_target must be given together. Pass the true and the "
                "predicted labels of the same target rows, or neither."
            )
        true = class_vector(y_source, "y_source")
        labels = {"source": _pair("source", true, y_pred_source)}
        if y_target is not None and y_pred_target is not None:
            known, labelled = known_target_labels(y_target, np.unique(true))
            check_type(known, true, "y_target", "y_source")
            labels["target"] = _pair("target", known, y_pred_target, labelled)
        classes = np.unique(np.concatenate([part for pair in labels.values() for part in pair]))
        matrices = {domain: _count(*pair, classes) for domain, pair in labels.items()}
        return cls(matrices=matrices, classes=classes, normalize=normalize).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the matrices beside each other, in the same colours.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes, whose place is split, or an Axes for each domain; None makes new ones.

        Returns
        -------
        ConfusionByDomainDisplay
        """
        classes = np.asarray(self.classes)
        counts = {domain: np.asarray(matrix) for domain, matrix in self.matrices.items()}
        n_panels = len(counts)
        side = min(5.0, 3.0 + 0.1 * len(classes))
        self.axes_, _ = split_axes(
            ax, n_panels, type(self).__name__, (side * n_panels + 0.6, side + 0.4)
        )
        drawn = {domain: _rows_to_one(m) if self.normalize else m for domain, m in counts.items()}
        highest = 1.0 if self.normalize else max(1, *(m.max() for m in drawn.values()))
        for panel, (domain, matrix) in zip(self.axes_, drawn.items(), strict=True):
            image = _draw(panel, matrix, classes, highest)
            accuracy = np.trace(counts[domain]) / max(1, counts[domain].sum())
            label_axes(
                panel,
                title=f"{domain}: accuracy {accuracy:.3f}",
                xlabel="predicted class",
                ylabel="true class" if panel is self.axes_[0] else "",
            )
            if panel is not self.axes_[0]:
                panel.set_yticklabels([])
        self.figure_ = self.axes_[0].figure
        if not any(panel.texts for panel in self.axes_):
            what = "share of the true class" if self.normalize else "rows"
            bar = self.axes_[-1].inset_axes((1.05, 0, 0.06, 1))
            self.figure_.colorbar(image, cax=bar)
            label_axes(bar, ylabel=what)
        return self


def _pair(
    domain: str, y: NDArray[Any], predicted: ArrayLike, labelled: NDArray[np.bool_] | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return true and predicted labels of the labelled rows; None says that all rows are."""
    name = f"y_pred_{domain}"
    of_rows = check_predictions(predicted, name)
    with naming(f"y_{domain}"):
        check_consistent_length(y if labelled is None else labelled, of_rows)
    check_type(y, of_rows, f"y_{domain}", name)
    return y, of_rows if labelled is None else of_rows[labelled]


def _count(y: NDArray[Any], predicted: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.intp]:
    """Return the confusion matrix; scikit-learn's warns of a single class."""
    counts: NDArray[np.intp] = np.zeros((len(classes), len(classes)), dtype=np.intp)
    np.add.at(counts, tuple(np.searchsorted(classes, part) for part in (y, predicted)), 1)
    return counts


def _rows_to_one(matrix: NDArray[Any]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    return shares


def _draw(panel: Axes, matrix: NDArray[Any], classes: NDArray[Any], highest: float) -> Any:
    """Draw one matrix, with its numbers where they can be read; return the image."""
    side = min(inches_of(panel))
    characters = 4 if matrix.dtype.kind == "f" else max(2, len(str(int(highest))))
    points = min(10.0, 72 * side / len(classes) / (0.75 * characters))
    display = ConfusionMatrixDisplay(matrix).plot(
        ax=panel,
        include_values=points >= _SMALLEST,
        cmap="Blues",
        values_format=".2f" if matrix.dtype.kind == "f" else "d",
        text_kw={"fontsize": points},
        im_kw={"vmin": 0, "vmax": highest},
        colorbar=False,
    )
    size, step = tick_size(side, len(classes))
    names, places = tick_names(classes[::step], side, size), np.arange(len(classes))[::step]
    panel.set_xticks(places, names, fontsize=size, rotation=90 if max(map(len, names)) > 2 else 0)
    panel.set_yticks(places, names, fontsize=size)
    return display.im_
