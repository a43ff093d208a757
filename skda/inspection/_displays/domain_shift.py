"""The figure of the features that differ most between two domains."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from ..._plotting import (
    BLUE,
    NEUTRAL,
    VERMILLION,
    inches_of,
    label_axes,
    legend_below,
    make_axes,
    name_bars,
)
from ..._typing import Rows
from .._feature_shift import feature_shift

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DomainShiftDisplay"]

_CONSTRAINTS: dict[str, list[Any]] = {"max_features": [Interval(Integral, 1, None, closed="left")]}
_STYLES = {"numeric": (BLUE, ""), "categorical": (VERMILLION, "///")}
_NAMES = {
    "numeric": "numeric: Kolmogorov-Smirnov",
    "categorical": "categorical: total variation",
}
_INCHES_A_BAR = 0.14  # less cannot be read


class DomainShiftDisplay:
    """The features that differ most between the domains, a bar for each.

    It is recommended to use `from_domains` to create a display.

    Parameters
    ----------
    shifts : DataFrame
        As of `feature_shift`.
    max_features : int, default=15
        Most features that are drawn. In small axes there are fewer, as many as can be read.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the bars.
    figure_ : matplotlib Figure
        The figure that holds them.
    bars_ : BarContainer
        The bars, the largest shift first and at the top.

    Examples
    --------
    >>> from skda.datasets import make_covariate_shift
    >>> from skda.inspection import DomainShiftDisplay
    >>> data = make_covariate_shift(random_state=0)
    >>> display = DomainShiftDisplay.from_domains(data.X_source, data.X_target)
    >>> [bool(bar.get_width() > 0) for bar in display.bars_][:2]
    [True, True]
    """

    def __init__(self, *, shifts: pd.DataFrame, max_features: int = 15) -> None:
        self.shifts = shifts
        self.max_features = max_features

    @classmethod
    def from_domains(
        cls, X_source: Rows, X_target: Rows, *, max_features: int = 15, ax: Axes | None = None
    ) -> Self:
        """Compare the features of two domains and draw the largest differences.

        Parameters
        ----------
        X_source, X_target : frames, array-likes or sparse matrices of shape (n_rows, n_features)
            As of `feature_shift`.
        max_features : int, default=15
            Most features that are drawn.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        DomainShiftDisplay
        """
        shifts = feature_shift(X_source, X_target)
        return cls(shifts=shifts, max_features=max_features).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw a bar for each feature, and a diamond where the shares of missing values differ.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        DomainShiftDisplay
        """
        params = {"max_features": self.max_features}
        validate_parameter_constraints(_CONSTRAINTS, params, type(self).__name__)
        wanted = min(self.max_features, len(self.shifts))
        ax = make_axes(ax, type(self).__name__, (6.4, 1.5 + 0.28 * wanted))
        width, height = inches_of(ax)
        table = self.shifts.head(max(1, min(wanted, int(height / _INCHES_A_BAR))))
        places = np.arange(len(table))
        drawn = table["statistic"].fillna(0.0).to_numpy()
        missing = (table["missing_source"] - table["missing_target"]).abs().to_numpy()
        colors, hatches = zip(*(_STYLES[kind] for kind in table["kind"]), strict=True)
        self.bars_ = ax.barh(places, drawn, 0.7, color=colors, hatch=hatches, edgecolor="white")
        kinds = list(table["kind"])
        legend = {_NAMES[kind]: self.bars_[kinds.index(kind)] for kind in sorted({*kinds})}
        if missing.any():
            (diamonds,) = ax.plot(
                missing[missing > 0], places[missing > 0], "D", color=NEUTRAL, mec="white", ms=6
            )
            legend["difference of the missing shares"] = diamonds
        label_axes(ax, xlabel="shift between the domains", ylabel=_which(table, self.shifts))
        size = name_bars(ax, list(table.index), (width, height))
        for place, value in enumerate(table["shift"]):
            text, at = f"{value:.2f}", (value, place)
            ax.annotate(text, at, (7, 0), textcoords="offset points", va="center", fontsize=size)
        ax.set(xlim=(0, 1.2), ylim=(len(table) - 0.4, -0.6), xticks=np.linspace(0, 1, 6))
        legend_below(ax, legend)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _which(drawn: pd.DataFrame, shifts: pd.DataFrame) -> str:
    if len(drawn) == len(shifts):
        return "feature"
    return f"{len(drawn)} of {len(shifts)} features"
