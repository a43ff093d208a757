"""The base class of the transformers that are fitted on two domains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags, check_array, get_tags
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted, validate_data
from torch.utils.data import Dataset

from .._docstrings import shared_docs
from .._inputs.columns import match_columns, reorder_columns
from .._inputs.datasets import refuse_containers
from .._inputs.host import as_host_array, refuse_dates
from .._inputs.naming import naming
from .._inputs.validation import check_domain, fitted_state_kept, unwrap
from .._typing import Array, Domain, Labels, Rows
from ..io._mixin import SaveMixin

__all__ = ["DomainTransformer", "transformer_docs"]

_DOCS = {
    "features_in": """
n_features_in_ : int
    Number of features seen in `fit`.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Names of the features seen in `fit`, if the columns of `X_source` have string names.
""",
    "fit_rows": """
X_source : array-like of shape (n_source, n_features)
    Rows of the source domain.
y_source : ignored
    Present for scikit-learn's interface.
X_target : array-like of shape (n_target, n_features)
    Rows of the target domain; `n_target` may differ from `n_source`. A tuple of one array stands
    for that array: a cross-validation of scikit-learn passes a tuple unchanged, but splits an array
    of `n_source` rows into folds. The columns of a frame are reordered by name, to the order of the
    frame `X_source`.
""",
}
transformer_docs = shared_docs(_DOCS)


class SourceFitTransformMixin:
    """`fit_transform` that maps the training rows as source rows.

    A class of its own: `TransformerMixin` would wrap a `fit_transform` of its subclass for
    `set_output`, though `transform` wraps the output already, and the wrapped method would refuse
    ``fit_transform(X_source=...)``.
    """

    @transformer_docs
    def fit_transform(
        self, X_source: Rows, y_source: Labels = None, X_target: Rows | None = None
    ) -> Array:
        """Fit on both domains and return the mapped source rows.

        A Pipeline calls this method in its own `fit`, so that the next step is trained on rows that
        were mapped as source rows.

        Parameters
        ----------
        <fit_rows>

        Returns
        -------
        Z_source : ndarray of shape (n_source, n_features_out)
            ``transform(X_source, domain="source")``.
        """
        fitted = self.fit(X_source, y_source, X_target)  # type: ignore[attr-defined]
        mapped: Array = fitted.transform(X_source, domain="source")
        return mapped


@transformer_docs
class DomainTransformer(SourceFitTransformMixin, SaveMixin, TransformerMixin, BaseEstimator, ABC):
    """Base of the transformers that are fitted on two domains.

    A subclass defines `_fit_domains`, `_map_rows` and, like every transformer of scikit-learn,
    `get_feature_names_out`. This class checks the rows, routes metadata and keeps dtypes.

    With ``sklearn.set_config(enable_metadata_routing=True)`` a
    ``Pipeline(steps, transform_input=["X_target"])`` passes `X_target` to `fit` and `domain` to
    `transform` without further requests.

    Attributes
    ----------
    <features_in>
    """

    __metadata_request__fit: ClassVar = {"X_source": UNUSED, "y_source": UNUSED, "X_target": True}
    __metadata_request__transform: ClassVar = {"domain": True}

    _parameter_constraints: ClassVar[dict[str, Any]] = {}
    # more options of `check_array` in `fit`; `transform` accepts a single row
    _fit_checks: ClassVar[dict[str, Any]] = {}

    @transformer_docs
    def fit(self, X_source: Rows, y_source: Labels = None, X_target: Rows | None = None) -> Self:
        """Fit on the rows of both domains; no labels are used.

        Parameters
        ----------
        <fit_rows>

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If `X_target` is missing, a parameter is not allowed, or the rows are not finite
            numbers in columns of the same number and names.
        """
        del y_source  # no label is used
        self._validate_params()
        if X_target is None:
            raise ValueError(
                f"{type(self).__name__} adapts to the target domain and requires X_target, its "
                "unlabelled rows. Pass fit(X_source, X_target=X_target)."
            )
        X_source = self._on_host(X_source, "X_source")
        X_target = self._on_host(unwrap(X_target, "X_target"), "X_target")
        X_target = reorder_columns(X_target, like=X_source)
        with fitted_state_kept(self):
            source = self._check_fit_rows(X_source, "X_source")
            validate_data(self, X_source, skip_check_array=True)
            target = self._check_fit_rows(X_target, "X_target")
            if target.shape[1] != self.n_features_in_:
                raise ValueError(
                    f"X_target has {target.shape[1]} features, but {type(self).__name__} is "
                    f"expecting {self.n_features_in_} features as input."
                )
            try:
                validate_data(self, X_target, reset=False, skip_check_array=True)
            except ValueError as error:
                raise ValueError(f"X_target: {error}") from error
            self._fit_domains(source, target)
            self._check_largest_row(X_source, "source")
            self._check_largest_row(X_target, "target")
        return self

    def transform(self, X: Rows, domain: Domain = "target") -> Array:
        """Map rows of one domain.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of one domain. The columns of a frame are matched by name.
        domain : {"target", "source"}, default="target"
            The domain that the rows come from.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features_out)
            Mapped rows, float32 for float32 rows and otherwise float64.

        Raises
        ------
        ValueError
            If `domain` has another value, or the rows do not fit those seen in `fit`.
        """
        check_is_fitted(self)
        check_domain(domain)
        X = self._on_host(X, "X")
        with naming("X"):
            X = match_columns(X, self)
            rows: Array = validate_data(self, X, reset=False, **self._row_checks())
        return self._map(rows, domain, "X")

    def _on_host(self, X: Rows, name: str) -> Any:
        """Return rows as an array, frame or matrix; refuse other kinds, and dates."""
        refuse_containers(X, name)
        if isinstance(X, (Dataset, Mapping)) and not issparse(X):  # a dok_matrix is a Mapping
            raise ValueError(
                f"{name} is a {type(X).__name__}, which {type(self).__name__} cannot take. Pass "
                "its rows as an array of shape (n_rows, n_features)."
            )
        refuse_dates(X, name)
        return as_host_array(X, name)

    def _check_largest_row(self, X: Rows, domain: Domain) -> None:
        """Map the row with the largest value as `transform` would, to see an overflow in `fit`."""
        rows: Array = validate_data(self, X, reset=False, **self._row_checks())
        largest = abs(rows).max(axis=1 if issparse(rows) else tuple(range(1, rows.ndim)))
        i = int((largest.toarray() if issparse(largest) else largest).argmax())
        self._map(rows[[i]], domain, f"X_{domain}")

    def _map(self, rows: Array, domain: Domain, name: str) -> Array:
        """Return mapped rows; raise a ValueError that has `name` if they are not finite."""
        with np.errstate(over="ignore", invalid="ignore"):  # the check below raises an error
            mapped = self._map_rows(rows, domain).astype(rows.dtype, copy=False)
        values = mapped.data if issparse(mapped) else np.asarray(mapped)
        lost = np.isinf(values) if get_tags(self).input_tags.allow_nan else ~np.isfinite(values)
        if lost.any():
            self._refuse_undefined(name, values)
            raise ValueError(
                f"{name} has rows that {type(self).__name__} maps to infinite numbers, because "
                "their values are too large. Scale both domains first, for example with "
                "skda.DomainStandardScaler."
            )
        return mapped

    def _refuse_undefined(self, name: str, mapped: Any) -> None:
        """Raise ValueError where a map is not defined for its rows, however small they are."""

    @abstractmethod
    def _fit_domains(self, source: Array, target: Array) -> None:
        """Set the fitted attributes from checked rows."""

    @abstractmethod
    def _map_rows(self, X: Array, domain: Domain, /) -> Array:
        """Return the mapped rows, never `X` itself; `X` is checked."""

    def _row_checks(self) -> dict[str, Any]:
        tags = get_tags(self).input_tags
        return {
            "dtype": (np.float64, np.float32),
            "accept_sparse": ("csr", "csc") if tags.sparse else False,
            "ensure_all_finite": "allow-nan" if tags.allow_nan else True,
        }

    def _check_fit_rows(self, X: Rows, name: str) -> Array:
        checks = self._row_checks() | self._fit_checks
        with naming(name):
            rows: Array = check_array(X, input_name=name, estimator=self, **checks)
        return rows

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
