"""Subspace alignment."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils._param_validation import Interval

from .._typing import Array, Domain
from ..preprocessing._base import DomainTransformer, transformer_docs
from ._linalg import principal_axes, settle_n_components

__all__ = ["SubspaceAlignment"]


@transformer_docs
class SubspaceAlignment(ClassNamePrefixFeaturesOutMixin, DomainTransformer):
    r"""Subspace alignment: map the source's principal subspace onto the target's.

    Parameters
    ----------
    n_components : int or None, default=None
        Dimension of both principal subspaces; None takes the largest that both domains allow.

    Attributes
    ----------
    source_components_ : ndarray of shape (n_features_in_, n_components_), float64
        :math:`P_s P_s^\top P_t`: the source's principal axes, aligned with the target's.
    target_components_ : ndarray of shape (n_features_in_, n_components_), float64
        :math:`P_t`, the target's principal axes.
    n_components_ : int
        Dimension of the subspaces.
    <features_in>

    See Also
    --------
    GFK : All subspaces between the two.

    Notes
    -----
    With the leading principal axes :math:`P_s, P_t`, one a column, the matrix
    :math:`M = P_s^\top P_t` minimises :math:`\lVert P_s M - P_t \rVert_F`. A source row is mapped
    to :math:`(P_s M)^\top x`, a target row to :math:`P_t^\top x`.

    Rows are not centred: put a `DomainStandardScaler` before, as the paper does.

    References
    ----------
    B. Fernando, A. Habrard, M. Sebban, T. Tuytelaars, "Unsupervised Visual Domain Adaptation Using
    Subspace Alignment", ICCV 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.subspace import SubspaceAlignment
    >>> rng = np.random.default_rng(0)
    >>> X_source = rng.normal(size=(50, 4)) * [3, 1, 0.1, 0.1]
    >>> X_target = rng.normal(size=(40, 4)) * [1, 3, 0.1, 0.1]
    >>> aligned = SubspaceAlignment(n_components=2).fit(X_source, X_target=X_target)
    >>> aligned.transform(X_source, domain="source").std(axis=0).round().astype(int)
    array([1, 3])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None]
    }
    _fit_checks: ClassVar[dict[str, Any]] = {"dtype": np.float64, "ensure_min_samples": 2}

    def __init__(self, n_components: int | None = None) -> None:
        self.n_components = n_components

    def _fit_domains(self, source: Array, target: Array) -> None:
        source_axes, target_axes = principal_axes(source), principal_axes(target)
        largest = min(source_axes.shape[1], target_axes.shape[1])
        d = settle_n_components(
            self, self.n_components, largest, "one of the domains varies in no more directions"
        )
        self.n_components_ = d
        P_s, self.target_components_ = source_axes[:, :d], target_axes[:, :d]
        self.source_components_ = P_s @ (P_s.T @ self.target_components_)

    def _map_rows(self, X: Array, domain: Domain, /) -> Array:
        mapped: Array = X @ (
            self.source_components_ if domain == "source" else self.target_components_
        )
        return mapped

    @property
    def _n_features_out(self) -> int:
        return self.n_components_
