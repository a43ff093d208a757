"""Searches over small fake estimators."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from skda.model_selection import LambdaSearchCV
from skda.training import DivergenceError
from tests.model_selection.fakes import CenteringClassifier, shifted_blobs

SMALL = {"max_epochs": 2, "batch_size": 32, "module__hidden": (6,)}
# the script of a good model: all source rows correct, half of the target in the class "right"
GOOD = (1.0, 0.5)


def search(estimator: Any = None, lams: Any = (0.5, 1.0), **options: Any) -> LambdaSearchCV:
    """Return a search, by default over the fake classifier with a fast validator."""
    options = {"validator": "infomax", "cv": 3, "random_state": 0, **options}
    return LambdaSearchCV(estimator or CenteringClassifier(), lams, **options)


class Scripted(CenteringClassifier):
    """Has the source accuracy and the target predictions that the script gives for its lam."""

    # accuracy on the source rows, share of the class "right" on the target
    script: ClassVar[dict[float, tuple[float, float]]] = {}

    def predict_proba(self, X: Any, domain: str = "target") -> np.ndarray:
        good, share = self.script[self.lam]
        X = np.asarray(X)
        if domain == "target":
            right = np.arange(len(X)) < share * len(X)
        else:
            wrong = np.arange(len(X)) >= round(good * len(X))
            right = (X[:, 0] > 0) ^ wrong
        return np.where(right[:, None], [0.0, 1.0], [1.0, 0.0])


def scripted(script: dict[float, tuple[float, float]], scores: dict[float, float], **options: Any):
    """Search with these scores of the validator by lam."""
    Scripted.script = script
    X, y, X_target, _ = shifted_blobs()
    validator = lambda estimator, X, y, X_target: scores[estimator.lam]  # noqa: E731
    found = search(Scripted(), list(script), validator=validator, refit=False, **options)
    return found.fit(X, y, X_target)


class Unstable(CenteringClassifier):
    """Predicts a class that depends on the fold for a share lam / 10 of the target rows."""

    def predict_proba(self, X: Any, domain: str = "target") -> np.ndarray:
        proba = np.eye(2)[(np.asarray(X)[:, 0] > 0).astype(int)]
        if domain == "target":
            rng = np.random.default_rng(int(1e6 * abs(self.means_["target"][0])))
            drawn = rng.uniform(size=len(X)) < self.lam / 10
            proba[drawn] = np.eye(2)[rng.integers(0, 2, size=drawn.sum())]
        return proba


class Diverging(CenteringClassifier):
    at: ClassVar[tuple[float, ...]] = (1.0,)

    def fit(self, X: Any, y: Any, X_target: Any = None, *, y_target: Any = None) -> Any:
        if self.lam in self.at:
            raise DivergenceError("the loss became nan")
        return super().fit(X, y, X_target, y_target=y_target)
