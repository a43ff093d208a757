"""From rows to labels, probabilities, logits and features."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from scipy.special import softmax
from sklearn.base import ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from .validation import check_domain, check_rows

__all__ = ["DomainScoreMixin", "PredictionMixin"]

Domain = Literal["source", "target"]


class DomainScoreMixin:
    """A `score` that tells `predict` the domain of the rows."""

    predict: Any

    def score(self, X: Any, y: Any, sample_weight: Any = None, domain: Domain = "target") -> float:
        """Return the accuracy on rows with known labels.

        Parameters
        ----------
        X, domain
            As in `predict`.
        y : array-like of shape (n_rows,)
        sample_weight : array-like of shape (n_rows,), default=None

        Returns
        -------
        float in [0, 1]
        """
        return float(accuracy_score(y, self.predict(X, domain), sample_weight=sample_weight))


class PredictionMixin(
    DomainScoreMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin
):
    """Everything that a fitted estimator says of rows of a domain.

    Each method takes ``domain="target"`` (the default: that is what users predict) or
    ``"source"``, which selects the domain's batch statistics. A Pipeline routes it here.
    """

    __metadata_request__predict: ClassVar = {"domain": True}
    __metadata_request__predict_proba: ClassVar = {"domain": True}
    __metadata_request__decision_function: ClassVar = {"domain": True}
    __metadata_request__transform: ClassVar = {"domain": True}
    __metadata_request__score: ClassVar = {"domain": True}

    def __sklearn_tags__(self) -> Tags:
        """Say what scikit-learn should know: sparse input, float32 output."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _rows_of(self, X: Any, domain: str) -> Any:
        check_is_fitted(self, "net_")
        check_domain(domain)
        return self._rows(check_rows(self, X, "X"), "iterator_valid")

    def _net_of(self, domain: str) -> Any:
        return self.net_

    def _logits(self, X: Any, domain: str) -> np.ndarray:
        rows = self._rows_of(X, domain)
        return self._net_of(domain).logits(rows, domain)

    def predict(self, X: Any, domain: Domain = "target") -> np.ndarray:
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
        indices = self._logits(X, domain).argmax(axis=1)
        return self.classes_[indices]

    def predict_proba(self, X: Any, domain: Domain = "target") -> np.ndarray:
        """Return the probability of each class: the softmax of the logits.

        Parameters
        ----------
        X, domain
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes), float32
            Columns in the order of `classes_`; rows sum to 1.
        """
        return softmax(self._logits(X, domain), axis=1)

    def decision_function(self, X: Any, domain: Domain = "target") -> np.ndarray:
        """Return the logits.

        Parameters
        ----------
        X, domain
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes) or, for two classes, (n_rows,), float32
            For two classes the second logit minus the first: positive means ``classes_[1]``.
        """
        logits = self._logits(X, domain)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def transform(self, X: Any, domain: Domain = "target") -> np.ndarray:
        """Return the adapted features: the activations of `adapt_layers`, side by side.

        Parameters
        ----------
        X, domain
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_deep_features), float32, or what `set_output` asks for
        """
        rows = self._rows_of(X, domain)
        return self._net_of(domain).features(rows, domain)

    def fit_transform(
        self, X: Any, y: Any = None, X_target: Any = None, *, y_target: Any = None
    ) -> np.ndarray:
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
        self.fit(X, y, X_target, y_target=y_target)
        return self.transform(X, domain="source")

    @property
    def _n_features_out(self) -> int:
        return int(sum(self.net_.widths))

    @property
    def module_(self) -> Any:
        """The trained module, an nn.Module; its buffers hold the source's batch statistics."""
        return self.net_.module_

    @property
    def history_(self) -> Any:
        """Skorch's history of the training, one row an epoch."""
        return self.net_.history
