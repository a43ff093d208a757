"""What a search says by its best estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..prediction import Domain, DomainScoreMixin
from ._routing import call_with_domain as respond
from ._routing import final_step, rows_at_final_step


def _answers(method: str) -> Callable[[Any], bool]:
    """Check that the estimator, fitted or not, has a method."""

    def check(search: Any) -> bool:
        has: bool = hasattr(
            final_step(getattr(search, "best_estimator_", search.estimator)), method
        )
        return has

    return check


class BestEstimatorMixin(DomainScoreMixin):
    """Hands predictions on to `best_estimator_`, with the rows' domain.

    The steps of a Pipeline are asked one by one, so that each is told the domain whether or not
    metadata routing is enabled.
    """

    best_estimator_: BaseEstimator

    __metadata_request__predict: ClassVar = {"domain": True}
    __metadata_request__predict_proba: ClassVar = {"domain": True}
    __metadata_request__decision_function: ClassVar = {"domain": True}
    __metadata_request__transform: ClassVar = {"domain": True}
    __metadata_request__score: ClassVar = {"domain": True}

    def _respond(self, method: str, X: Any, domain: Domain) -> Any:
        check_is_fitted(self, "best_estimator_")
        best = self.best_estimator_
        return respond(final_step(best), method, rows_at_final_step(best, X, domain), domain)

    def predict(self, X: Any, domain: Domain = "target") -> NDArray:
        """Predict the label of each row.

        Parameters
        ----------
        X : array-like, frame, sparse matrix, tensor or Dataset of shape (n_rows, ...)
        domain : {"target", "source"}, default="target"
            Where the rows come from.

        Returns
        -------
        ndarray of shape (n_rows,), dtype of `classes_`
        """
        return self._respond("predict", X, domain)

    def predict_proba(self, X: Any, domain: Domain = "target") -> NDArray:
        """Return the probability of each class.

        Parameters
        ----------
        X, domain
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes), float32
            Columns in the order of `classes_`.
        """
        return self._respond("predict_proba", X, domain)

    @available_if(_answers("decision_function"))
    def decision_function(self, X: Any, domain: Domain = "target") -> NDArray:
        """Return the logits of the best estimator.

        Parameters
        ----------
        X, domain
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes) or, for two classes, (n_rows,), float32
        """
        return self._respond("decision_function", X, domain)

    @available_if(_answers("transform"))
    def transform(self, X: Any, domain: Domain = "target") -> Any:
        """Return the adapted features of the best estimator.

        Parameters
        ----------
        X, domain
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_deep_features), float32
        """
        return self._respond("transform", X, domain)

    @available_if(_answers("transform"))
    def fit_transform(
        self, X: Any, y: Any = None, X_target: Any = None, *, y_target: Any = None
    ) -> Any:
        """Fit, then return the features of the source rows.

        Parameters
        ----------
        X, y, X_target, y_target
            As `X_source`, `y_source`, `X_target` and `y_target` of `fit`; the first two have the
            names that scikit-learn gives them.

        Returns
        -------
        ndarray of shape (n_source, n_deep_features), float32
        """
        search: Any = self
        search.fit(X, y, X_target, y_target=y_target)
        return self.transform(X, domain="source")

    @property
    def n_features_in_(self) -> int:
        """Number of columns or channels seen in `fit`."""
        if not hasattr(self, "best_estimator_"):
            raise AttributeError("LambdaSearchCV has no n_features_in_ before fit with refit=True.")
        n_features: int = self.best_estimator_.n_features_in_
        return n_features
