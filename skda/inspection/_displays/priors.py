"""The figure of the shares of the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ..._inputs.host import by_class
from ..._plotting import COLORS, inches_of, label_axes, legend_below, make_axes, name_bars
from ..._typing import Rows
from ...model_selection import EstimatorEvidence
from ...model_selection._routing import final_step
from .._target_priors import estimate_target_priors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PriorsDisplay"]

_HATCHES = ("", "///", "...", "xxx", "---", "++")


class PriorsDisplay:
    """Shares of the classes in the source, and estimates of the shares in the target.

    It is recommended to use `from_estimator` to create a display.

    Parameters
    ----------
    classes : array-like of shape (n_classes,)
        The labels.
    shares : mapping of str to array-like of shape (n_classes,), mapping or Series
        Shares of the classes by name, up to six names, drawn in this order. Those of a name are in
        the order of `classes` or, in a mapping or a Series, by label.
    intervals : mapping of str to array-like of shape (2, n_classes), default=None
        Lower and upper ends for some of these names, drawn as error bars.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the bars.
    figure_ : matplotlib Figure
        The figure that holds them.
    bars_ : dict of str to BarContainer
        The bars by name, a bar for each class.

    Examples
    --------
    >>> from skda.inspection import PriorsDisplay
    >>> display = PriorsDisplay(
    ...     classes=["healthy", "ill"],
    ...     shares={"source": [0.5, 0.5], "estimated": [0.8, 0.2]},
    ...     intervals={"estimated": [[0.7, 0.1], [0.9, 0.3]]},
    ... ).plot()
    >>> [float(bar.get_width()) for bar in display.bars_["estimated"]]
    [0.8, 0.2]
    """

    def __init__(
        self,
        *,
        classes: ArrayLike,
        shares: Mapping[str, ArrayLike],
        intervals: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        self.classes = classes
        self.shares = shares
        self.intervals = intervals

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X_source: Rows,
        y_source: ArrayLike,
        X_target: Rows,
        *,
        method: Literal["bbse", "mlls"] = "bbse",
        n_bootstrap: int = 200,
        confidence: float = 0.95,
        random_state: Any = None,
        ax: Axes | None = None,
    ) -> Self:
        """Draw the shares in the source, and those in the target by a fitted classifier.

        Parameters
        ----------
        estimator : estimator
            A fitted classifier with `predict_proba`, a Pipeline that ends in one, or a search.
        X_source, y_source : array-like of shape (n_source, ...) and (n_source,)
            Labelled source rows on which the estimator was not trained.
        X_target : array-like of shape (n_target, ...)
            Unlabelled target rows.
        method, n_bootstrap, confidence, random_state
            As of `estimate_target_priors`.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        PriorsDisplay
            With the names "source"; "predicted", the shares of the predicted labels of the target
            rows; "estimated", from `estimate_target_priors`, with its interval; and "used in
            training", if the estimator was given `target_priors`.
        """
        found = estimate_target_priors(
            estimator,
            X_source,
            y_source,
            X_target,
            method=method,
            n_bootstrap=n_bootstrap,
            confidence=confidence,
            random_state=random_state,
        )
        votes = EstimatorEvidence(estimator, X_source, y_source, X_target).votes_target
        shares = {
            "source": found.priors_source,
            "predicted": np.bincount(votes, minlength=len(found.classes)) / len(votes),
            "estimated": found.priors,
        }
        final = final_step(estimator)
        if getattr(final, "target_priors", None) is not None:
            shares["used in training"] = np.asarray(final.target_priors_)
        intervals = {"estimated": found.interval}
        return cls(classes=found.classes, shares=shares, intervals=intervals).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw a group of bars for each class.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        PriorsDisplay
        """
        classes = np.asarray(self.classes)
        shares = {name: _in_order(values, classes, name) for name, values in self.shares.items()}
        intervals = self.intervals or {}
        _check(len(classes), shares, intervals)
        n_bars = len(classes) * (len(shares) + 1)
        ax = make_axes(ax, type(self).__name__, (6.4, 1.6 + max(1.2, 0.13 * n_bars)))
        places, width = np.arange(len(classes)), 0.8 / len(shares)
        self.bars_ = {}
        highest = 0.0
        for k, (name, values) in enumerate(shares.items()):
            at = places + (k - (len(shares) - 1) / 2) * width
            self.bars_[name] = ax.barh(
                at,
                values,
                width,
                label=name,
                color=COLORS[k],
                hatch=_HATCHES[k],
                ec="white",
                lw=0.5,
            )
            highest = max(highest, values.max())
            if name in intervals:
                low, high = np.asarray(intervals[name])
                # an estimate may lie outside of its interval by rounding
                ends = np.maximum([values - low, high - values], 0)
                ink = ax.xaxis.label.get_color()
                ax.errorbar(values, at, xerr=ends, fmt="none", ecolor=ink, capsize=3, lw=1.5)
                highest = max(highest, high.max())
        label_axes(ax, xlabel="share of the rows", ylabel="class")
        name_bars(ax, list(classes), inches_of(ax))
        ax.set(ylim=(len(classes) - 0.5, -0.5), xlim=(0, min(1.02, 1.05 * highest)))
        legend_below(ax, self.bars_)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _in_order(values: Any, classes: np.ndarray, name: str) -> np.ndarray:
    """Return shares in the order of the classes, also of a mapping or a Series by label."""
    values = by_class(values, f"shares[{name!r}]")
    if isinstance(values, dict):
        if {*values} != {*classes.tolist()}:
            raise ValueError(
                f"The 'shares' parameter must have the labels {classes.tolist()}. Got "
                f"{list(values)} for {name!r}."
            )
        values = [values[label] for label in classes.tolist()]
    return np.asarray(values)


def _check(n_classes: int, shares: Mapping[str, Any], intervals: Mapping[str, ArrayLike]) -> None:
    if not 1 <= len(shares) <= len(COLORS):
        raise ValueError(
            f"The 'shares' parameter must hold 1 to {len(COLORS)} names. Got {len(shares)}."
        )
    for name, values in shares.items():
        if values.shape != (n_classes,):
            raise ValueError(
                f"The 'shares' parameter must have one number for each of the {n_classes} classes. "
                f"Got shape {values.shape} for {name!r}."
            )
    for name, ends in intervals.items():
        if name not in shares or np.shape(ends) != (2, n_classes):
            raise ValueError(
                "The 'intervals' parameter must have the names of some shares, each with an array "
                f"of shape {(2, n_classes)}. Got shape {np.shape(ends)} for {name!r}."
            )
