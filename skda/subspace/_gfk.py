"""Geodesic flow kernel."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
import scipy.linalg
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils._param_validation import Interval, StrOptions

from .._typing import Array, Domain, Matrix
from ..preprocessing._base import DomainTransformer, transformer_docs
from ._linalg import principal_axes, settle_n_components, symmetric_power

__all__ = ["GFK"]

# The paper uses a disagreement of 1. Real samples come close to 1 and seldom reach it.
FULL_DISAGREEMENT = 0.99


@transformer_docs
class GFK(ClassNamePrefixFeaturesOutMixin, DomainTransformer):
    r"""Geodesic flow kernel: all subspaces on the geodesic from the source's to the target's.

    Parameters
    ----------
    n_components : int or "disagreement", default="disagreement"
        Dimension of the two principal subspaces, at most half the number of features.
        "disagreement" takes the subspace disagreement measure (see Notes).

    Attributes
    ----------
    n_components_ : int
        Dimension of the subspaces.
    principal_angles_ : ndarray of shape (n_components_,), float64
        Angles between the two subspaces in radians, rising from 0 to at most pi / 2.
    basis_ : ndarray of shape (n_features_in_, 2 * n_components_), float64
        Directions of the flow: principal vectors of the source, then vectors orthogonal to the
        source that lead to the target (0 where a principal angle is 0).
    flow_root_ : ndarray of shape (2 * n_components_, 2 * n_components_), float64
        Square root of the kernel in these directions.
    <features_in>

    See Also
    --------
    SubspaceAlignment : Maps one subspace onto the other, without subspaces in between.

    Notes
    -----
    Let :math:`P_s, P_t` be the domains' leading principal axes and :math:`\Phi(t)` the geodesic
    between the two subspaces, :math:`\Phi(0) = P_s` and :math:`\Phi(1) = P_t` up to a rotation
    within the subspace. The kernel is the inner product of rows projected onto all of them,

    .. math:: G = \int_0^1 \Phi(t) \Phi(t)^\top dt,

    in closed form by the singular value decomposition :math:`P_s^\top P_t = U \cos(\theta) V^\top`.
    A row :math:`x` is mapped to :math:`z = G^{1/2} x`, so that :math:`z_i^\top z_j` is the kernel
    :math:`x_i^\top G x_j`, whichever domain the rows come from.

    Rows are not centred: put a `DomainStandardScaler` before, as the paper does.

    **Subspace disagreement.** The third subspace has the :math:`d` leading principal axes of the
    rows of both domains together. Let :math:`\alpha_d` and :math:`\beta_d` be its largest angles to
    the :math:`d`-dimensional subspaces of the source and of the target, and
    :math:`D(d) = (\sin \alpha_d + \sin \beta_d) / 2`. The dimension is the smallest :math:`d` with
    :math:`D(d) \ge 0.99`: then a domain has a direction that is orthogonal to the common subspace.
    If no :math:`d` reaches .99, it is the largest allowed one.

    References
    ----------
    B. Gong, Y. Shi, F. Sha, K. Grauman, "Geodesic Flow Kernel for Unsupervised Domain Adaptation",
    CVPR 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.subspace import GFK
    >>> rng = np.random.default_rng(0)
    >>> X_source = rng.normal(size=(50, 4)) * [3, 1, 0.1, 0.1]
    >>> X_target = rng.normal(size=(40, 4)) * [3, 0.1, 1, 0.1]
    >>> gfk = GFK(n_components=2).fit(X_source, X_target=X_target)
    >>> gfk.transform(X_target).shape
    (40, 4)
    >>> gfk.principal_angles_.round(1)
    array([0. , 1.6])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), StrOptions({"disagreement"})]
    }
    _fit_checks: ClassVar[dict[str, Any]] = {
        "dtype": np.float64,
        "ensure_min_samples": 2,
        "ensure_min_features": 2,
    }

    def __init__(self, n_components: int | Literal["disagreement"] = "disagreement") -> None:
        self.n_components = n_components

    def _fit_domains(self, source: Array, target: Array) -> None:
        source_axes, target_axes = principal_axes(source), principal_axes(target)
        largest = min(source.shape[1] // 2, source_axes.shape[1], target_axes.shape[1])
        asked = None if isinstance(self.n_components, str) else self.n_components
        d = settle_n_components(
            self,
            asked,
            largest,
            "half their number of features, or the directions in which a domain varies",
        )
        if asked is None:
            both_axes = principal_axes(np.vstack([source, target]))
            d = agreeing_dimensions(source_axes[:, :d], target_axes[:, :d], both_axes[:, :d])
        self.n_components_ = d
        self._fit_flow(source_axes[:, :d], target_axes[:, :d])

    def _fit_flow(self, source_axes: Matrix, target_axes: Matrix) -> None:
        U, cosines, Vt = scipy.linalg.svd(source_axes.T @ target_axes)
        towards_target = target_axes @ Vt.T
        across = towards_target - source_axes @ (source_axes.T @ towards_target)
        sines = np.linalg.norm(across, axis=0)
        # the arccos of a cosine near 1 would lose half the digits
        angles = np.arctan2(sines, cosines)
        # at angle 0 there is no direction across, and its weight in the kernel is 0
        across = np.divide(across, sines, out=np.zeros_like(across), where=sines > 0)

        # the integrals of cos², sin² and cos sin over t, at angle t * theta
        double = np.sinc(2 * angles / np.pi)
        along, beyond = np.diag((1 + double) / 2), np.diag((1 - double) / 2)
        mixed = np.diag(np.sin(angles) * np.sinc(angles / np.pi) / 2)
        flow = np.block([[along, mixed], [mixed, beyond]])

        self.principal_angles_ = angles
        self.basis_ = np.hstack([source_axes @ U, across])
        self.flow_root_ = symmetric_power(flow, 0.5)

    def _map_rows(self, X: Array, _domain: Domain, /) -> Array:
        # the basis is orthonormal, so this is G^{1/2} x without a matrix of features by features
        mapped: Array = ((X @ self.basis_) @ self.flow_root_) @ self.basis_.T
        return mapped

    @property
    def kernel_(self) -> Matrix:
        """The kernel :math:`G`, ndarray of shape (n_features_in_, n_features_in_), float64."""
        root = self.basis_ @ self.flow_root_
        return root @ root.T

    @property
    def _n_features_out(self) -> int:
        return len(self.basis_)


def agreeing_dimensions(source_axes: Matrix, target_axes: Matrix, both_axes: Matrix) -> int:
    """Return the smallest dimension at which both domains disagree with their union.

    See :class:`GFK`. Each set of axes has shape (n_features, n_dimensions), one axis a column.
    n_dimensions is returned if the disagreement stays small.
    """
    overlaps = [source_axes.T @ both_axes, target_axes.T @ both_axes]
    largest = int(source_axes.shape[1])
    for d in range(1, largest):
        # the smallest cosine belongs to the largest angle
        cosines = [scipy.linalg.svdvals(overlap[:d, :d])[-1] for overlap in overlaps]
        if np.mean(np.sqrt(np.clip(1 - np.square(cosines), 0, 1))) >= FULL_DISAGREEMENT:
            return d
    return largest
