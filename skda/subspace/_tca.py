"""Transfer component analysis."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.linalg
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.extmath import svd_flip

from .._typing import Array, Domain
from ..preprocessing._base import DomainTransformer, transformer_docs
from ._linalg import settle_n_components

__all__ = ["TCA"]


@transformer_docs
class TCA(ClassNamePrefixFeaturesOutMixin, DomainTransformer):
    r"""Transfer component analysis: directions of large variance along which the domains agree.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of transfer components; None keeps all that the data have.
    mu : float, default=1.0
        Weight of the complexity of the map relative to the distance of the domains; positive. The
        larger the weight, the less the distance counts: on centred rows and with the linear kernel
        the directions approach those of a PCA of both domains together.
    kernel : {"linear", "rbf", "laplacian"}, default="linear"
        Kernel :math:`k`, as in :func:`sklearn.metrics.pairwise.pairwise_kernels`.
    gamma : float or None, default=None
        Coefficient of the "rbf" and "laplacian" kernels, positive; None stands for
        ``1 / n_features``, which suits standardised features.

    Attributes
    ----------
    components_ : ndarray of shape (n_source + n_target, n_components), float64
        The coefficients :math:`W`, one transfer component a column.
    eigenvalues_ : ndarray of shape (n_components,), float64
        Ratio of variance to cost of each component, in descending order.
    X_fit_ : ndarray of shape (n_source + n_target, n_features), float64
        The rows seen in `fit`, source first. New rows are mapped by their kernel with these rows.
    <features_in>

    See Also
    --------
    GFK : All subspaces between the two domains' principal subspaces.
    sklearn.decomposition.KernelPCA : Directions of large variance, without regard to the domains.

    Notes
    -----
    With the kernel matrix :math:`K` of all :math:`n = n_s + n_t` rows, the centring matrix
    :math:`H = I - \frac{1}{n} 1 1^\top` and :math:`L = e e^\top`, where :math:`e_i = 1 / n_s` for
    source rows and :math:`-1 / n_t` for target rows, so that
    :math:`\operatorname{tr}(W^\top K L K W)` is the squared MMD of the mapped domains, the columns
    of :math:`W` are the leading eigenvectors of

    .. math:: (K L K + \mu I)^{-1} K H K .

    They solve the symmetric problem :math:`K H K w = \lambda (K L K + \mu I) w` and are scaled to
    :math:`w^\top (K L K + \mu I) w = 1`, so that components with large eigenvalues have coordinates
    of large variance. A row :math:`x` of either domain is mapped to :math:`W^\top k(X_{fit}, x)`.

    Some published code divides :math:`L` by its Frobenius norm, :math:`1 / n_s + 1 / n_t`. The mu
    of that code is the mu here divided by this norm.

    `fit` takes :math:`O(n^3)` time and :math:`O(n^2)` memory.

    References
    ----------
    S. J. Pan, I. W. Tsang, J. T. Kwok, Q. Yang, "Domain Adaptation via Transfer Component
    Analysis", IEEE Transactions on Neural Networks 22(2), 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.subspace import TCA
    >>> rng = np.random.default_rng(0)
    >>> X_source = rng.normal(size=(50, 3))
    >>> X_target = rng.normal(size=(40, 3)) + [5, 0, 0]
    >>> tca = TCA(n_components=2, mu=0.01).fit(X_source, X_target=X_target)
    >>> Z_source, Z_target = tca.transform(X_source, domain="source"), tca.transform(X_target)
    >>> gap = Z_source.mean(axis=0) - Z_target.mean(axis=0)
    >>> bool(np.all(abs(gap) < 0.01 * Z_target.std(axis=0)))
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "mu": [Interval(Real, 0, None, closed="neither")],
        "kernel": [StrOptions({"linear", "rbf", "laplacian"})],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
    }
    _fit_checks: ClassVar[dict[str, Any]] = {"dtype": np.float64, "ensure_min_samples": 2}

    def __init__(
        self,
        n_components: int | None = None,
        *,
        mu: float = 1.0,
        kernel: Literal["linear", "rbf", "laplacian"] = "linear",
        gamma: float | None = None,
    ) -> None:
        self.n_components = n_components
        self.mu = mu
        self.kernel = kernel
        self.gamma = gamma

    def _fit_domains(self, source: Array, target: Array) -> None:
        self.X_fit_ = np.vstack([source, target])
        n = len(self.X_fit_)
        signs = np.r_[np.full(len(source), 1 / len(source)), np.full(len(target), -1 / len(target))]

        K = self._kernel_with_fit_rows(self.X_fit_)
        centred = K - K.mean(axis=0)
        # K L K = u u' has rank one, so (K L K + mu I)^{-1/2} = (I - shrink u u') / sqrt(mu). This
        # turns the generalised problem into a standard one, however small mu is beside u u'.
        u = K @ signs
        total = self.mu + u @ u
        shrink = 1 / (total + np.sqrt(self.mu * total))
        scaled = (centred - shrink * np.outer(centred @ u, u)) / np.sqrt(self.mu)

        kept = None if self.n_components is None else [max(n - self.n_components, 0), n - 1]
        values, vectors = scipy.linalg.eigh(scaled.T @ scaled, subset_by_index=kept)
        values, vectors = values[::-1], vectors[:, ::-1]

        eps = n * np.finfo(np.float64).eps
        noise = eps * np.linalg.norm(scaled) ** 2 + (eps * np.linalg.norm(K)) ** 2 / self.mu
        rank = int((values > noise).sum())
        taken = settle_n_components(
            self, self.n_components, rank, "they vary in no more directions under this kernel"
        )
        self.eigenvalues_ = values[:taken]
        vectors = vectors[:, :taken]
        components = (vectors - shrink * np.outer(u, u @ vectors)) / np.sqrt(self.mu)
        # the sign of a component is arbitrary: make it independent of LAPACK
        self.components_ = svd_flip(components, None)[0]

    def _map_rows(self, X: Array, _domain: Domain, /) -> Array:
        mapped: Array = self._kernel_with_fit_rows(X) @ self.components_
        return mapped

    def _kernel_with_fit_rows(self, X: Array) -> Array:
        kernel: Array = pairwise_kernels(
            X, self.X_fit_, metric=self.kernel, filter_params=True, gamma=self.gamma
        )
        return kernel

    @property
    def _n_features_out(self) -> int:
        return int(self.components_.shape[1])
