"""The figure of a transferability curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..._plotting import BLUE, NEUTRAL, VERMILLION, draw_mean, label_axes, legend_below, make_axes
from .._transferability import TREATMENTS, TransferabilityCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TransferabilityDisplay"]


class TransferabilityDisplay:
    """Scores on task B against the number of transferred layers.

    It is recommended to use `from_curve` to create a display.

    Parameters
    ----------
    layers : array-like of shape (n_numbers,), int
        Numbers of transferred layers.
    scores : mapping of str to array-like of shape (n_numbers, n_repeats)
        Scores by treatment: "BnB", "BnB+", "AnB", "AnB+", or some of them.
    base_scores : array-like of shape (n_repeats,)
        Scores of the networks that were trained on B alone.
    score_name : str, default="accuracy"
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the curves.
    figure_ : matplotlib Figure
        The figure that holds them.
    lines_ : dict of str to matplotlib Line2D
        The curves by treatment, and the line of the "base".

    Examples
    --------
    >>> from skda.inspection import TransferabilityDisplay
    >>> display = TransferabilityDisplay(
    ...     layers=[1, 2],
    ...     scores={"AnB": [[0.9, 0.8], [0.6, 0.7]], "AnB+": [[0.9, 0.9], [0.9, 1.0]]},
    ...     base_scores=[0.8, 0.9],
    ... ).plot()
    >>> [float(mean.round(2)) for mean in display.lines_["AnB"].get_ydata()]
    [0.85, 0.65]
    """

    def __init__(
        self,
        *,
        layers: ArrayLike,
        scores: Mapping[str, ArrayLike],
        base_scores: ArrayLike,
        score_name: str = "accuracy",
    ) -> None:
        self.layers = layers
        self.scores = scores
        self.base_scores = base_scores
        self.score_name = score_name

    @classmethod
    def from_curve(
        cls,
        curve: TransferabilityCurve,
        *,
        score_name: str = "accuracy",
        ax: Axes | None = None,
    ) -> Self:
        """Draw the result of `transferability_curve`.

        Parameters
        ----------
        curve : TransferabilityCurve
            The curve.
        score_name : str, default="accuracy"
            Name of the score.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        TransferabilityDisplay
        """
        display = cls(
            layers=curve.layers,
            scores=curve.scores,
            base_scores=curve.base_scores,
            score_name=score_name,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the means over the repeats, with bands of one standard deviation.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        TransferabilityDisplay
        """
        ax = make_axes(ax, type(self).__name__)
        layers = np.asarray(self.layers)
        base = float(np.asarray(self.base_scores).mean())
        line = ax.axhline(base, color=NEUTRAL, ls=":", label="base: trained on B")
        self.lines_ = {"base": line}
        for name, scores in self.scores.items():
            style = {"label": _label(name), "alpha": 0.12, **_STYLES[name]}
            self.lines_[name] = draw_mean(ax, layers, scores, **style)
        ax.set_xticks(layers)
        label_axes(ax, xlabel="transferred layers", ylabel=f"{self.score_name} on B")
        legend_below(ax, {str(line.get_label()): line for line in self.lines_.values()})
        self.ax_, self.figure_ = ax, ax.figure
        return self


_STYLES: dict[str, dict[str, Any]] = {
    "BnB": {"color": BLUE, "ls": "-", "marker": "o"},
    "BnB+": {"color": BLUE, "ls": "--", "marker": "s"},
    "AnB": {"color": VERMILLION, "ls": "-", "marker": "o"},
    "AnB+": {"color": VERMILLION, "ls": "--", "marker": "s"},
}


def _label(name: str) -> str:
    from_a, fixed = TREATMENTS[name]
    return f"{name}: layers of {'A' if from_a else 'B'}, {'fixed' if fixed else 'tuned'}"
