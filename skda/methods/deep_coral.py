"""Deep CORAL: the distance of the covariances (Sun 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from ..base import AdaptingClassifier
from ..losses import CORALLoss
from ..training import AdaptationTerm, Discrepancy

__all__ = ["DeepCORALClassifier"]


class DeepCORALClassifier(AdaptingClassifier):
    r"""Deep CORAL: the distance of the covariances of one or several layers.

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \sum_l \frac{1}{4 d_l^2} \lVert C_s - C_t \rVert_F^2

    Parameters
    ----------
    **params
        Parameters of `DomainClassifier`.

    References
    ----------
    .. [1] Sun, B. and Saenko, K. (2016). Deep CORAL: correlation alignment for deep domain
       adaptation. ECCV Workshops.

    Examples
    --------
    >>> from skda import DeepCORALClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DeepCORALClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    def __init__(self, module: Any = None, *, lam: float = 10.0, **params: Any) -> None:
        super().__init__(module, lam=lam, **params)

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return Discrepancy(CORALLoss())
