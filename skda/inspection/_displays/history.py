"""The figure of a training: losses, domain accuracy, lam and learning rate by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..._plotting import BLUE, COLORS, VERMILLION
from ...base._prediction import NetPredictionMixin
from ...model_selection._routing import final_step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TrainingHistoryDisplay"]


class TrainingHistoryDisplay:
    """The history of a training, one panel a quantity.

    It is recommended to use `from_estimator` to create a display.

    Parameters
    ----------
    columns : mapping of str to array-like of shape (n_epochs,)
        Columns of `history_`: "classification_loss", "valid_loss" (of held-out source rows),
        "adaptation_loss", "domain_accuracy", "lam" and "lr", or some of them. NaN where an epoch
        has no value. A loss or lam that is 0 in a whole stage is not drawn for that stage.
    stages : sequence of int, default=()
        Number of epochs of each stage of the training; empty if there was one.

    Attributes
    ----------
    axes_ : dict of str to matplotlib Axes
        The panels by column. A "valid_loss" is in the panel of the "classification_loss".
    lines_ : dict of str to matplotlib Line2D
        The curves by column, with NaN between two stages.
    figure_ : matplotlib Figure
        The figure that holds them.

    Notes
    -----
    The classification loss and the weighted adaptation loss are means over the steps of an epoch.
    lam and the learning rate (of the optimizer's first group) are those of the last step. The
    domain accuracy is that of the discriminator during the epoch, averaged over the two domains. At
    0.5 the discriminator cannot tell the domains apart.

    Examples
    --------
    >>> from skda import DANNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> from skda.inspection import TrainingHistoryDisplay
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DANNClassifier(max_epochs=3, random_state=0)
    >>> clf = clf.fit(moons.X_source, moons.y_source, moons.X_target)
    >>> display = TrainingHistoryDisplay.from_estimator(clf)
    >>> list(display.axes_)
    ['classification_loss', 'adaptation_loss', 'domain_accuracy', 'lam', 'lr']
    """

    def __init__(self, *, columns: Mapping[str, ArrayLike], stages: Sequence[int] = ()) -> None:
        self.columns = columns
        self.stages = stages

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, *, ax: Axes | Sequence[Axes] | None = None
    ) -> Self:
        """Draw the history of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator of skda, a Pipeline that ends in one, or a fitted search over
            either, whose best estimator is drawn. Stages of a training follow one another.
        ax : matplotlib Axes, sequence of Axes, default=None
            As in `plot`.

        Returns
        -------
        TrainingHistoryDisplay

        Raises
        ------
        ValueError
            If the estimator has no history.
        NotFittedError
            If it is not fitted.
        """
        last = final_step(estimator)
        if not isinstance(last, NetPredictionMixin):
            what = type(last).__name__
            check_is_fitted(last)
            raise ValueError(
                "The 'estimator' parameter must be a fitted deep estimator of skda, a Pipeline "
                "that ends in one, or a search over either with refit=True. Got "
                f"{what}, which has no history, instead."
            )
        check_is_fitted(last, "net_")
        stages = last._histories  # noqa: SLF001 - the stages are the estimator's to know
        rows = [row for stage in stages for row in stage]
        columns = {name: np.array([row.get(name, np.nan) for row in rows]) for name in _LABELS}
        return cls(columns=columns, stages=[len(stage) for stage in stages]).plot(ax)

    def plot(self, ax: Axes | Sequence[Axes] | None = None) -> Self:
        """Draw one panel a quantity.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of Axes, default=None
            Axes of a grid of subplots, in whose place the panels are drawn, or as many Axes as
            there are panels. None makes a figure.

        Returns
        -------
        TrainingHistoryDisplay

        Raises
        ------
        ValueError
            If there is nothing to draw, or `ax` holds another number of Axes.
        """
        curves = {name: self._curve(name) for name in _LABELS if name in self.columns}
        drawn = {name: curve for name, curve in curves.items() if np.isfinite(curve[1]).any()}
        names = [name for name in drawn if name != "valid_loss"]
        if not names:
            raise ValueError(
                f"The 'columns' parameter must hold values of one of {', '.join(_LABELS)}. Got "
                f"{', '.join(self.columns) or 'nothing'} instead."
            )
        self.axes_ = dict(zip(names, _panels(ax, len(names)), strict=True))
        self.lines_ = {}
        for name, panel in self.axes_.items():
            self.lines_[name] = _draw(panel, name, *drawn[name])
            panel.set(xlabel="epoch", ylabel=_LABELS[name])
            self._divide(panel)
        if "valid_loss" in drawn and "classification_loss" in self.axes_:
            panel = self.axes_["classification_loss"]
            self.lines_["valid_loss"] = _draw(panel, "valid_loss", *drawn["valid_loss"])
            panel.set_ylabel(_LABELS["valid_loss"])
        self.figure_ = panel.figure
        return self

    def _curve(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the epochs and the values of a column, with NaN between two stages."""
        values = np.asarray(self.columns[name], dtype=float)
        ends = np.cumsum(self.stages, dtype=int)[:-1]
        parts = np.split(values, ends)
        if name in _NONE_IF_ZERO:
            parts = [part if part.any() else np.full_like(part, np.nan) for part in parts]
        epochs = np.arange(1.0, len(values) + 1)
        return np.insert(epochs, ends, np.nan), np.insert(np.concatenate(parts), ends, np.nan)

    def _divide(self, panel: Axes) -> None:
        """Draw a line between two stages, and number them above the panel."""
        ends = np.cumsum(self.stages)
        above = panel.get_xaxis_transform()
        for i, (end, n) in enumerate(zip(ends, self.stages, strict=True), 1):
            if len(ends) > 1:
                middle = float(end - (n - 1) / 2)
                panel.text(middle, 1.02, f"stage {i}", transform=above, ha="center", va="bottom")
        for end in ends[:-1]:
            panel.axvline(end + 0.5, color="0.6", lw=1, ls=":")


_LABELS = {
    "classification_loss": "classification loss",
    "valid_loss": "classification loss\n(dashed: held out)",
    "adaptation_loss": "adaptation loss",
    "domain_accuracy": "domain accuracy\n(0.5: cannot tell)",
    "lam": "lam",
    "lr": "learning rate",
}
_STYLES: dict[str, dict[str, Any]] = {
    "classification_loss": {"color": BLUE},
    "valid_loss": {"color": BLUE, "ls": "--"},
    "adaptation_loss": {"color": VERMILLION},
    "domain_accuracy": {"color": COLORS[2]},
    "lam": {"color": "#000000"},
    "lr": {"color": COLORS[3]},
}
_FEW_EPOCHS = 20  # each with a marker
_NONE_IF_ZERO = {"classification_loss", "adaptation_loss", "lam"}


def _draw(panel: Axes, name: str, epochs: NDArray[np.float64], values: NDArray[np.float64]) -> Any:
    from matplotlib.ticker import MaxNLocator

    n_epochs = np.nanmax(epochs)
    marker = "o" if n_epochs <= _FEW_EPOCHS else ""
    (line,) = panel.plot(epochs, values, marker=marker, ms=3, **_STYLES[name])
    margin = 0.05 * n_epochs
    panel.set_xlim(1 - margin, n_epochs + margin)  # the same in all panels
    panel.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if name in ("lam", "lr"):
        panel.set_ylim(0, 1.08 * np.nanmax(values))
    elif name == "domain_accuracy":
        panel.axhline(0.5, color="0.4", lw=1, ls="--", zorder=1)
    return line


def _panels(ax: Axes | Sequence[Axes] | None, n: int) -> list[Axes]:
    """Return as many Axes as are asked for."""
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    figure: Any
    places: Any
    n_columns = n if n < 4 else -(-n // 2)
    shape = -(-n // n_columns), n_columns
    if ax is None:
        figure = plt.figure(figsize=(3.2 * shape[1], 2.5 * shape[0]), layout="constrained")
        places = figure.add_gridspec(*shape)
    elif not isinstance(ax, Axes):
        given: list[Axes] = np.asarray(ax, dtype=object).ravel().tolist()
        if len(given) != n:
            raise ValueError(
                f"The 'ax' parameter must be None, one Axes, or one for each of the {n} panels. "
                f"Got {len(given)} instead."
            )
        return given
    else:
        figure, place = ax.figure, ax.get_subplotspec()
        if place is None:
            raise ValueError(
                "The 'ax' parameter must be Axes of a grid, as plt.subplots makes them, so that "
                "the panels can take its place. Got Axes that were placed freely instead."
            )
        ax.remove()
        places = place.subgridspec(*shape)
    return [figure.add_subplot(places[divmod(i, n_columns)]) for i in range(n)]
