"""RSD: the angles between the spaces that the features of two batches span (Chen 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import nn

from ...base import AdaptingRegressor
from ...losses import RSDLoss
from ...training import AdaptationTerm, Discrepancy

__all__ = ["RSDRegressor"]


class RSDRegressor(AdaptingRegressor):
    r"""Representation subspace distance (RSD): made for regression.

    The labels of a regression depend on the length of the features, which a matching of means,
    variances or distributions changes. RSD matches the spaces that the features span:

    .. math::

        L = \mathrm{MSE}(X_s, y_s) + \lambda \left( \sum_i \sin \theta_i
            + \beta \lVert |P_s| - |P_t| \rVert_F^2 \right)

    with the principal angles of the bases of a batch of each domain (see `skda.losses.rsd`).

    Parameters
    ----------
    lam : float, default=0.01
        Weight of the distance. The paper's code has 0.001 for labels between 0 and 1, whose
        squared error is 12 times as small as that of standardised labels.
    mismatch : float, default=0.1
        beta, the weight of the mismatch of the bases.
    **params
        Parameters of `DomainRegressor`. In the paper a batch has fewer rows than half of the
        features; in larger batches the leading bases are compared.

    References
    ----------
    .. [1] Chen, X., Wang, S., Wang, J. and Long, M. (2021). Representation subspace distance for
       domain adaptation regression. ICML.

    Examples
    --------
    >>> from skda import RSDRegressor
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> y = moons.X_source[:, 0] - moons.X_source[:, 1]  # a number for each row
    >>> reg = RSDRegressor(max_epochs=2, random_state=0)
    >>> reg.fit(moons.X_source, y, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "mismatch": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, module: Any = None, *, lam: float = 0.01, mismatch: float = 0.1, **params: Any
    ) -> None:
        super().__init__(module, lam=lam, **params)
        self.mismatch = mismatch

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return Discrepancy(RSDLoss(self.mismatch), waits=True)
