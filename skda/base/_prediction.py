"""Prediction methods of estimators and searches, with the domain of the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import Tags
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import Dataset

from .._html import net_diagram
from .._inputs.datasets import dataset_labels, refuse_containers
from .._inputs.host import as_host_array
from .._inputs.naming import naming
from .._inputs.out import write_parts
from .._inputs.sources import join_sources
from .._inputs.validation import check_domain, check_rows
from .._typing import Domain
from ..training import AdaptationNet, outputs_by_batch, predict_features, predict_logits

__all__ = ["DomainPredictionMixin", "NetPredictionMixin"]


def _offered(method: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        return bool(self._offers(method))

    return check


class DomainPredictionMixin:
    """Prediction methods, each with the domain of the rows.

    Each method takes ``domain="target"`` (the default, because users predict target rows) or
    ``"source"``, which selects batch statistics. A Pipeline routes the domain to these methods.
    A subclass computes the results in `_respond`, and `_offers` says which methods it has.
    """

    __metadata_request__predict: ClassVar = {"domain": True, "out": True}
    __metadata_request__predict_proba: ClassVar = {"domain": True, "out": True}
    __metadata_request__decision_function: ClassVar = {"domain": True, "out": True}
    # `out` is for the last step of a Pipeline, and not for a transformer before it
    __metadata_request__transform: ClassVar = {"domain": True, "out": UNUSED}
    __metadata_request__score: ClassVar = {"domain": True}

    fit: Any

    def _offers(self, method: str) -> bool:
        raise NotImplementedError

    def _respond(self, method: str, X: Any, domain: Domain, out: Any) -> np.ndarray:
        raise NotImplementedError

    def predict(self, X: Any, domain: Domain = "target", *, out: Any = None) -> np.ndarray:
        """Predict the label of each row.

        Parameters
        ----------
        X : array-like, frame, sparse matrix, tensor or Dataset of shape (n_rows, ...)
        domain : {"target", "source"} or name of a source, default="target"
            Where the rows come from. After a `fit` on several sources, "source" is their mixture,
            and a name is one of them.
        out : ndarray of the result's shape or None, default=None
            The array to write the result to, batch by batch, and to return. With a memory map of
            mode="w+" or "r+" the memory does not grow with the rows.

        Returns
        -------
        ndarray of shape (n_rows,), dtype of `classes_`

        Raises
        ------
        ValueError
            If `out` has another shape or a dtype that cannot hold the result, or is read-only.
        """
        return self._respond("predict", X, domain, out)

    @available_if(_offered("predict_proba"))
    def predict_proba(self, X: Any, domain: Domain = "target", *, out: Any = None) -> np.ndarray:
        """Return the probability of each class: the softmax of the logits.

        Parameters
        ----------
        X, domain, out
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes), float32
            Columns in the order of `classes_`; rows sum to 1.
        """
        return self._respond("predict_proba", X, domain, out)

    @available_if(_offered("decision_function"))
    def decision_function(
        self, X: Any, domain: Domain = "target", *, out: Any = None
    ) -> np.ndarray:
        """Return the logits.

        Parameters
        ----------
        X, domain, out
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes) or, for two classes, (n_rows,), float32
            For two classes the second logit minus the first: positive means ``classes_[1]``.
        """
        return self._respond("decision_function", X, domain, out)

    @available_if(_offered("transform"))
    def transform(self, X: Any, domain: Domain = "target", *, out: Any = None) -> Any:
        """Return the adapted features: the activations of `adapt_layers`, side by side.

        Parameters
        ----------
        X, domain, out
            As in `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_deep_features), float32, or what `set_output` asks for
            With `out`, that array itself, whatever `set_output` asks for.
        """
        return self._respond("transform", X, domain, out)

    @available_if(_offered("transform"))
    def fit_transform(
        self,
        X: Any,
        y: Any = None,
        X_target: Any = None,
        *,
        y_target: Any = None,
        sample_weight: Any = None,
        source_domain: Any = None,
    ) -> Any:
        """Fit, then return the features of the source rows.

        Parameters
        ----------
        X, y, X_target, y_target, sample_weight, source_domain
            As the arguments of `fit`; `X_source` and `y_source` have the names that scikit-learn
            gives them.

        Returns
        -------
        ndarray of shape (n_source, n_deep_features), float32
        """
        source = join_sources(X, y, source_domain, sample_weight)
        self.fit(
            source.X,
            source.y,
            X_target,
            y_target=y_target,
            sample_weight=source.sample_weight,
            source_domain=source.source_domain,
        )
        return self.transform(source.X, domain="source")

    def score(
        self, X: Any, y: Any = None, sample_weight: Any = None, domain: Domain = "target"
    ) -> float:
        """Return the accuracy on rows with known labels.

        Parameters
        ----------
        X, domain
            As in `predict`.
        y : array-like of shape (n_rows,) or None
            None takes the labels of a Dataset of pairs.
        sample_weight : array-like of shape (n_rows,), default=None

        Returns
        -------
        float in [0, 1]
        """
        refuse_containers(X, "X")
        if y is None and isinstance(X, Dataset):
            y = dataset_labels(X, "y", "X", numbers=not is_classifier(self))
        if y is None:
            raise ValueError("y is None: pass the label of each row of X.")
        metric = accuracy_score if is_classifier(self) else r2_score
        y, predicted = as_host_array(y, "y"), self.predict(X, domain)
        for name, values in (("y", y), ("sample_weight", sample_weight)):
            if np.ndim(values) and len(values) != len(predicted):
                raise ValueError(
                    f"{name} has {len(values)} entries, but X has {len(predicted)} rows. Pass one "
                    "for each row."
                )
        with naming("y"):
            kinds = np.asarray(y).dtype.kind, predicted.dtype.kind
            if is_classifier(self) and kinds[0] in "US" and kinds[1] in "biuf":
                unique_labels(y, predicted)  # older metrics of scikit-learn find them different
            return float(metric(y, predicted, sample_weight=sample_weight))


class NetPredictionMixin(DomainPredictionMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Predictions of an estimator with a net; the task turns the outputs into predictions."""

    net_: AdaptationNet
    _rows: Any
    _from_outputs: dict[str, Callable[[Any, np.ndarray], np.ndarray]]

    def __sklearn_tags__(self) -> Tags:
        """Tell scikit-learn of sparse input and float32 output."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _offers(self, method: str) -> bool:
        return method == "transform" or method in self._from_outputs

    def _respond(self, method: str, X: Any, domain: Domain, out: Any) -> Any:
        check_is_fitted(self, "net_")
        net, key = self._net_and_key(domain)
        rows = self._rows(check_rows(self, X, "X"), "iterator_valid")
        if out is not None:
            return self._write(method, net, rows, key, out)
        if method == "transform":
            features = predict_features(net.domain_module_, rows, key)
            # scikit-learn would wrap a transform that is defined here, also what is in `out`
            return _wrap_data_with_container("transform", features, X, self)
        return self._from_outputs[method](self, predict_logits(net.domain_module_, rows, key))

    def _write(self, method: str, net: AdaptationNet, rows: Any, key: str, out: Any) -> np.ndarray:
        """Write the results of `_respond` into a user's array, batch by batch."""
        features = method == "transform"
        parts = outputs_by_batch(net.domain_module_, rows, key, features)
        if not features:
            finish = self._from_outputs[method]
            parts = (finish(self, part) for part in parts)
        labels = vars(self).get("classes_") if method == "predict" else None
        return write_parts(parts, out, len(rows), labels)

    def _net_and_key(self, domain: Domain) -> tuple[AdaptationNet, str]:
        """Return the net of a domain, and the key of its batch statistics."""
        key = check_domain(domain, vars(self).get("source_domains_", np.array([])).tolist())
        return self._net_of("target" if key == "target" else "source"), key

    def _net_of(self, domain: str) -> AdaptationNet:
        return self.net_

    @property
    def _n_features_out(self) -> int:
        return int(sum(self.net_.widths))

    @property
    def module_(self) -> Any:
        """The trained module; its buffers hold the source's batch statistics (see `to_module`)."""
        return self.net_.module_

    @property
    def history_(self) -> Any:
        """Skorch's history of the training, one row an epoch."""
        return self.net_.history

    @property
    def _histories(self) -> list[Any]:
        """The rows of the history of each stage of the training."""
        return [self.net_.history]

    def _fitted_diagram(self) -> Any:
        return net_diagram(self) if hasattr(self, "net_") else None
