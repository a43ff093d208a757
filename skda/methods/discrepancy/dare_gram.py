"""DARE-GRAM: the angles and the scale of the inverse Gram matrices (Nejjar 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import nn

from ...base import AdaptingRegressor
from ...losses import DAREGRAMLoss
from ...training import AdaptationTerm, Discrepancy

__all__ = ["DAREGRAMRegressor"]


class DAREGRAMRegressor(AdaptingRegressor):
    r"""DARE-GRAM: the inverse Gram matrices of the features, made for regression.

    The last layer of a regressor is least squares on the features Z, whose solution is
    :math:`(Z'Z)^{-1} Z'y`. The inverses of the two domains are aligned, and not the features:

    .. math::

        L = \mathrm{MSE}(X_s, y_s) + \lambda \left( \overline{1 - \cos(G_s^+, G_t^+)}
            + \frac{\alpha}{k} \lVert \lambda_s - \lambda_t \rVert_2 \right)

    with the cosines of their columns and their first k eigenvalues (see `skda.losses.dare_gram`).

    Parameters
    ----------
    lam : float, default=0.5
        Weight of the distance. The paper's code has 0.05 for labels between 0 and 1, whose squared
        error is 12 times as small as that of standardised labels.
    threshold : float, default=0.99
        Share of the sum of the eigenvalues that the inverses keep.
    scale : float, default=0.7
        alpha, the weight of the eigenvalues; that of the paper's code.
    **params
        Parameters of `DomainRegressor`.

    References
    ----------
    .. [1] Nejjar, I., Wang, Q. and Fink, O. (2023). DARE-GRAM: unsupervised domain adaptation
       regression by aligning inverse Gram matrices. CVPR.

    Examples
    --------
    >>> from skda import DAREGRAMRegressor
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> y = moons.X_source[:, 0] - moons.X_source[:, 1]  # a number for each row
    >>> reg = DAREGRAMRegressor(max_epochs=2, random_state=0)
    >>> reg.fit(moons.X_source, y, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "threshold": [Interval(Real, 0, 1, closed="right")],
        "scale": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 0.5,
        threshold: float = 0.99,
        scale: float = 0.7,
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, **params)
        self.threshold = threshold
        self.scale = scale

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return Discrepancy(DAREGRAMLoss(self.threshold, self.scale), waits=True)
