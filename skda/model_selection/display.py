"""The figure of a search over lam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted

from .._plotting import BLUE, NEUTRAL, VERMILLION, draw_mean, label_axes, legend_below, make_axes
from ._training.candidates import differ_in_lam_only, find_lam
from ._typing import Validator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .search import LambdaSearchCV

__all__ = ["LambdaCurveDisplay"]


class LambdaCurveDisplay:
    """Validator score and source accuracy against lam, from a `LambdaSearchCV`.

    It is recommended to use `from_search` to create a display.

    Parameters
    ----------
    lams : ndarray of shape (n_lams,)
        Trade-off weights, growing, 0 first.
    scores : ndarray of shape (n_lams, n_splits)
        Validator scores of the held-out rows; NaN where the training diverged.
    source_accuracies : ndarray of shape (n_lams, n_splits)
        Accuracies on the held-out source rows.
    accepted : ndarray of shape (n_lams,), bool
        Whether the guard accepted the candidate.
    best_lam : float
        The chosen lam.
    score_name : str, default="validator score"
        Name of the validator.
    source_name : {"accuracy", "error"}, default="accuracy"
        What `source_accuracies` are; the errors of a regressor are in standard deviations.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the scores.
    accuracy_ax_ : matplotlib Axes
        Axes of the source accuracies, which shares its abscissa with `ax_`.
    figure_ : matplotlib Figure
        The figure that holds both.

    Examples
    --------
    >>> from skda import DANNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> from skda.model_selection import LambdaCurveDisplay, LambdaSearchCV
    >>> moons = make_rotated_moons(random_state=0)
    >>> search = LambdaSearchCV(DANNClassifier(max_epochs=2), lams=[1.0], cv=2, random_state=0)
    >>> search = search.fit(moons.X_source, moons.y_source, moons.X_target)
    >>> display = LambdaCurveDisplay.from_search(search)
    >>> display.ax_.get_xlabel()
    'lam'
    """

    def __init__(
        self,
        *,
        lams: ArrayLike,
        scores: ArrayLike,
        source_accuracies: ArrayLike,
        accepted: ArrayLike,
        best_lam: float,
        score_name: str = "validator score",
        source_name: str = "accuracy",
    ) -> None:
        self.lams = lams
        self.scores = scores
        self.source_accuracies = source_accuracies
        self.accepted = accepted
        self.best_lam = best_lam
        self.score_name = score_name
        self.source_name = source_name

    @classmethod
    def from_search(cls, search: LambdaSearchCV, *, ax: Axes | None = None) -> Self:
        """Draw the candidates of a fitted search.

        Parameters
        ----------
        search : LambdaSearchCV
            A fitted search. Where it tried other parameters beside lam, the curve is that of the
            chosen ones.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        LambdaCurveDisplay
        """
        check_is_fitted(search, "cv_results_")
        results, lam_name = search.cv_results_, find_lam(search.estimator)
        best = search.best_params_
        kept = [i for i, p in enumerate(results["params"]) if differ_in_lam_only(p, best, lam_name)]
        source_name = "error" if is_regressor(search) else "accuracy"

        def of_splits(name: str) -> NDArray[np.float64]:
            return np.array([results[f"split{i}_{name}"] for i in range(search.n_splits_)]).T[kept]

        display = cls(
            lams=np.array([results["params"][i][lam_name] for i in kept]),
            scores=of_splits("test_score"),
            source_accuracies=of_splits(f"source_{source_name}"),
            accepted=results["accepted"][kept],
            best_lam=search.best_params_[lam_name],
            score_name=_name_of(search.validator_),
            source_name=source_name,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves: mean over the folds, with a band of one standard deviation.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        LambdaCurveDisplay
        """
        ax = make_axes(ax, type(self).__name__)
        lams, accepted = np.asarray(self.lams), np.asarray(self.accepted, dtype=bool)
        # 0 is among the lams, so no logarithmic axis: equal steps, with the lams as tick labels
        places = np.arange(len(lams))
        best = places[lams == self.best_lam]
        accuracy_ax = ax.twinx()
        mean = draw_mean(ax, places, self.scores, color=BLUE, ls="-", marker="o")
        accuracy = draw_mean(
            accuracy_ax, places, self.source_accuracies, color=VERMILLION, ls="--", marker="s"
        )
        lines = {
            f"{self.score_name} (left)": mean,
            f"source {self.source_name} (right)": accuracy,
            "source-only score (left)": ax.axhline(
                np.asarray(mean.get_ydata())[0], color=BLUE, ls=":", lw=1
            ),
            f"chosen lam = {self.best_lam:g}": ax.axvline(best[0], color=NEUTRAL, lw=1, zorder=0),
        }
        if not accepted.all():
            rejected = places[~accepted], np.asarray(mean.get_ydata())[~accepted]
            lines["rejected by the guard"] = ax.plot(*rejected, "x", color=NEUTRAL, ms=10, mew=2)[0]
        ax.set_xticks(places, [f"{lam:g}" for lam in lams])
        label_axes(ax, xlabel="lam", ylabel=f"{self.score_name} on held-out rows")
        ax.yaxis.label.set_color(BLUE)
        if self.source_name == "accuracy":
            low, high = accuracy_ax.get_ylim()
            accuracy_ax.set_ylim(min(low, 0.9), min(high, 1.01))
        label_axes(accuracy_ax, ylabel=f"{self.source_name} on held-out source rows")
        accuracy_ax.yaxis.label.set_color(VERMILLION)
        legend_below(ax, lines)
        self.ax_, self.accuracy_ax_, self.figure_ = ax, accuracy_ax, ax.figure
        return self


def _name_of(validator: Validator) -> str:
    if callable(validator):
        return "validator"
    return (
        validator if isinstance(validator, str) else f"mean z-score of {len(validator)} validators"
    )
