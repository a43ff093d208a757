"""Deep CORAL: the distance of the covariances (Sun 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from ...base import AdaptingClassifier, AdaptingEstimator, AdaptingRegressor
from ...losses import CORALLoss
from ...training import AdaptationTerm, Discrepancy

__all__ = ["DeepCORALClassifier", "DeepCORALEstimator", "DeepCORALRegressor"]


class DeepCORALEstimator(AdaptingEstimator):
    """DeepCORAL for any task.

    Parameters
    ----------
    **params
        Parameters of `AdaptingEstimator`.

    References
    ----------
    .. [1] Sun, B. and Saenko, K. (2016). Deep CORAL: correlation alignment for deep domain
       adaptation. ECCV Workshops.
    """

    def __init__(self, module: Any = None, *, lam: float = 10.0, **params: Any) -> None:
        super().__init__(module, lam=lam, **params)

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return Discrepancy(CORALLoss())


class DeepCORALClassifier(DeepCORALEstimator, AdaptingClassifier):
    r"""Deep CORAL: the distance of the covariances of one or several layers.

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \sum_l \frac{1}{4 d_l^2} \lVert C_s - C_t \rVert_F^2

    Parameters
    ----------
    **params
        Parameters of `DomainClassifier`.

    Examples
    --------
    >>> from skda import DeepCORALClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DeepCORALClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """


class DeepCORALRegressor(DeepCORALEstimator, AdaptingRegressor):
    r"""Deep CORAL for a regression.

    As `DeepCORALClassifier`, with the squared error for the cross-entropy:

    .. math::

        L = \mathrm{MSE}(X_s, y_s) + \lambda \sum_l \frac{1}{4 d_l^2} \lVert C_s - C_t \rVert_F^2

    Parameters
    ----------
    **params
        Parameters of `DomainRegressor`.

    Examples
    --------
    >>> from skda import DeepCORALRegressor
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> y = moons.X_source[:, 0] - moons.X_source[:, 1]  # a number for each row
    >>> reg = DeepCORALRegressor(max_epochs=2, random_state=0)
    >>> reg.fit(moons.X_source, y, moons.X_target).predict(moons.X_target).shape
    (300,)
    """
