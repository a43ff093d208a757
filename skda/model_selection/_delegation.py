"""Predictions of a search, made by its best estimator."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .._typing import Domain
from ..base._prediction import DomainPredictionMixin
from ..io._export import ExportMixin
from ..io._mixin import SaveMixin
from ..priors._calibration import apply_in_place
from ._routing import call_final_step, final_step


class BestEstimatorMixin(ExportMixin, SaveMixin, DomainPredictionMixin):
    """Predictions of `best_estimator_`, which gets the domain of the rows.

    The steps of a Pipeline are called one by one, so that each gets the domain whether or not
    metadata routing is enabled.
    """

    estimator: BaseEstimator
    best_estimator_: BaseEstimator
    temperature_: float

    def _offers(self, method: str) -> bool:
        return hasattr(final_step(getattr(self, "best_estimator_", self.estimator)), method)

    def _respond(self, method: str, X: Any, domain: Domain, out: Any) -> Any:
        if hasattr(self, "cv_results_") and not hasattr(self, "best_estimator_"):
            raise NotFittedError(
                f"{method} needs the best candidate trained on all rows: this LambdaSearchCV was "
                "fitted with refit=False, or interrupted. Use best_params_, or refit=True."
            )
        check_is_fitted(self, "best_estimator_")
        options = {} if out is None else {"out": out}
        found = call_final_step(self.best_estimator_, method, X, domain, **options)
        if method == "predict_proba" and domain == "target" and hasattr(self, "temperature_"):
            apply_in_place(found, self.temperature_)
        return found

    def _exported(self) -> Any:
        check_is_fitted(self, "best_estimator_")
        return final_step(self.best_estimator_)

    @property
    def n_features_in_(self) -> int:
        """Number of columns or channels seen in `fit`."""
        if not hasattr(self, "best_estimator_"):
            raise AttributeError("LambdaSearchCV has no n_features_in_ before fit with refit=True.")
        n_features: int = self.best_estimator_.n_features_in_
        return n_features
