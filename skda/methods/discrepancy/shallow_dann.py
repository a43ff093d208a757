"""DaNN: MMD on the one hidden layer of a shallow network (Ghifary 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from ...base import AdaptingClassifier, AdaptingEstimator, AdaptingRegressor
from ...losses import GaussianMMDLoss
from ...nn import ShallowNet
from ...training import AdaptationTerm, Discrepancy

__all__ = ["DaNNClassifier", "DaNNEstimator", "DaNNRegressor"]


class DaNNEstimator(AdaptingEstimator):
    """DaNN for any task.

    Parameters
    ----------
    module : nn.Module class or instance, callable, or None, default=None
        Network that returns logits, or the numbers of a regression. None is
        `skda.nn.ShallowNet`, shallow by design: 256 hidden units, ReLU, dropout .5.
    **params
        Parameters of `AdaptingEstimator`.

    References
    ----------
    .. [1] Ghifary, M., Kleijn, W. B. and Zhang, M. (2014). Domain adaptive neural networks for
       object recognition. PRICAI.
    """

    default_module = ShallowNet

    def __init__(self, module: Any = None, *, lam: float = 3.0, **params: Any) -> None:
        super().__init__(module, lam=lam, **params)

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return Discrepancy(GaussianMMDLoss())


class DaNNClassifier(DaNNEstimator, AdaptingClassifier):
    r"""Domain adaptive neural network (DaNN): MMD on the one hidden layer, before its activation.

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \, \mathrm{MMD}^2_k(h(X_s), h(X_t)), \quad
        k = \exp(-\lVert \cdot \rVert^2 / \gamma)

    with the biased estimate and gamma the median of the squared distances in a batch.

    Parameters
    ----------
    **params
        Parameters of `DomainClassifier`.

    Examples
    --------
    >>> from skda import DaNNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DaNNClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """


class DaNNRegressor(DaNNEstimator, AdaptingRegressor):
    r"""Domain adaptive neural network (DaNN) for a regression.

    As `DaNNClassifier`, with the squared error for the cross-entropy:

    .. math::

        L = \mathrm{MSE}(X_s, y_s) + \lambda \, \mathrm{MMD}^2_k(h(X_s), h(X_t))

    Parameters
    ----------
    **params
        Parameters of `DomainRegressor`.

    Examples
    --------
    >>> from skda import DaNNRegressor
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> y = moons.X_source[:, 0] - moons.X_source[:, 1]  # a number for each row
    >>> reg = DaNNRegressor(max_epochs=2, random_state=0)
    >>> reg.fit(moons.X_source, y, moons.X_target).predict(moons.X_target).shape
    (300,)
    """
