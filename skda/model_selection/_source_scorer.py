"""A scorer that judges held-out source rows as source rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer
from sklearn.utils import Tags, get_tags

from ._routing import call_final_step
from ._typing import Rows

__all__ = ["SourceScorer", "make_source_scorer"]


class SourceView(BaseEstimator):
    """A fitted estimator whose predictions are those of source rows."""

    def __init__(self, estimator: BaseEstimator) -> None:
        self.estimator = estimator

    def __sklearn_tags__(self) -> Tags:
        return get_tags(self.estimator)

    def __getattr__(self, name: str) -> Any:
        estimator = self.__dict__["estimator"]
        found = getattr(estimator, name)
        if name not in ("predict", "predict_proba", "decision_function", "score"):
            return found

        def of_source(X: Rows, *args: Any) -> Any:
            if name == "score":
                return get_scorer("accuracy")(self, X, *args)
            return call_final_step(estimator, name, X, "source")

        of_source.__name__ = name  # which scikit-learn reads
        return of_source


class SourceScorer:
    """A callable ``scorer(estimator, X, y)``; made by `make_source_scorer`.

    Parameters
    ----------
    scoring : str or callable (estimator, X, y) -> float
    """

    def __init__(self, scoring: str | Callable[..., float]) -> None:
        get_scorer(scoring)
        self.scoring = scoring

    def __call__(self, estimator: BaseEstimator, X: Rows, y: Any = None) -> float:
        """Score a fitted estimator on source rows and their labels."""
        return float(get_scorer(self.scoring)(SourceView(estimator), X, y))

    def __repr__(self) -> str:
        return f"make_source_scorer({self.scoring!r})"


def make_source_scorer(scoring: str | Callable[..., float] = "accuracy") -> SourceScorer:
    """Make a scorer that judges source rows by the statistics of the source.

    A cross-validation of scikit-learn holds out source rows and calls ``predict(X)``, which takes
    them for target rows: batch normalisation and per-domain scalers then apply the target's
    statistics to them, and a model looks worse than it is. This scorer predicts with
    ``domain="source"``, through the steps of a Pipeline as well.

    Parameters
    ----------
    scoring : str or callable (estimator, X, y) -> float, default="accuracy"
        A name of scikit-learn's scorers, or a scorer.

    Returns
    -------
    SourceScorer
        A callable ``scorer(estimator, X, y)`` for the `scoring` of `GridSearchCV`,
        `cross_val_score` and the like; it can be pickled.

    Raises
    ------
    ValueError
        If scikit-learn has no scorer of this name.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from skda import DANNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> from skda.model_selection import make_source_scorer
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DANNClassifier(max_epochs=2, random_state=0)
    >>> params = {"X_target": (moons.X_target,)}
    >>> scorer = make_source_scorer("accuracy")
    >>> cross_val_score(clf, moons.X_source, moons.y_source, scoring=scorer, params=params).shape
    (5,)
    """
    return SourceScorer(scoring)
