"""Correlation alignment."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils._param_validation import Interval

from .._typing import Array, Domain, Matrix
from ..preprocessing._base import DomainTransformer, transformer_docs
from ._linalg import symmetric_power

__all__ = ["CORAL"]


@transformer_docs
class CORAL(OneToOneFeatureMixin, DomainTransformer):
    r"""Correlation alignment: give the source rows the target's covariance.

    Source rows are whitened and recoloured; target rows are not changed. A classifier is trained
    on transformed source rows and applied to original target rows.

    Parameters
    ----------
    reg : float, default=1.0
        Added to every feature's variance in both covariances; positive. The paper uses 1, for
        standardised features. A smaller value brings the covariances closer, and amplifies the
        noise of directions with little variance.

    Attributes
    ----------
    source_map_ : ndarray of shape (n_features_in_, n_features_in_), float64
        The matrix :math:`A` that source rows are multiplied with.
    <features_in>

    See Also
    --------
    skda.DomainStandardScaler : Aligns mean and variance of single features.

    Notes
    -----
    With the covariances :math:`C_s, C_t` (divided by n - 1), a source row becomes :math:`A^\top x`,

    .. math:: A = (C_s + \mathrm{reg}\, I)^{-1/2} (C_t + \mathrm{reg}\, I)^{1/2} .

    Means are not aligned: put a `DomainStandardScaler` before, as the paper does.

    References
    ----------
    B. Sun, J. Feng, K. Saenko, "Return of Frustratingly Easy Domain Adaptation", AAAI 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.subspace import CORAL
    >>> rng = np.random.default_rng(0)
    >>> X_source = rng.normal(size=(60, 2))
    >>> X_target = rng.normal(size=(50, 2)) @ [[1.0, 2.0], [0.0, 1.0]]
    >>> coral = CORAL(reg=1e-6)
    >>> moved = coral.fit_transform(X_source, X_target=X_target)
    >>> bool(np.allclose(np.cov(moved.T), np.cov(X_target.T), atol=1e-4))
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "reg": [Interval(Real, 0, None, closed="neither")]
    }
    _fit_checks: ClassVar[dict[str, Any]] = {"dtype": np.float64, "ensure_min_samples": 2}

    def __init__(self, reg: float = 1.0) -> None:
        self.reg = reg

    def _fit_domains(self, source: Array, target: Array) -> None:
        whiten = symmetric_power(self._covariance(source), -0.5, floor=self.reg)
        recolour = symmetric_power(self._covariance(target), 0.5, floor=self.reg)
        self.source_map_ = whiten @ recolour

    def _covariance(self, X: Array) -> Matrix:
        # np.cov returns a scalar for one feature
        return np.atleast_2d(np.cov(X, rowvar=False)) + self.reg * np.eye(X.shape[1])

    def _map_rows(self, X: Array, domain: Domain, /) -> Array:
        mapped: Array = X @ self.source_map_ if domain == "source" else X.copy()
        return mapped
