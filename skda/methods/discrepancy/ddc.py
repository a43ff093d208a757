"""DDC: the distance of the means on a bottleneck (Tzeng 2014), and the choice of its width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, ClassVar

import torch
from sklearn.base import clone
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval
from torch import nn

from ...base import AdaptingClassifier, AdaptingEstimator, AdaptingRegressor
from ...losses import LinearMMDLoss, linear_mmd2
from ...nn import insert_bottleneck
from ...training import AdaptationTerm, Discrepancy

__all__ = ["DDCClassifier", "DDCEstimator", "DDCRegressor", "select_bottleneck"]


class DDCEstimator(AdaptingEstimator):
    """DDC for any task.

    Parameters
    ----------
    bottleneck_width : int or None, default=256
        Width of the adaptation layer that is put before the classifier (the ``nn.Linear``
        that computes the logits); None adds no layer. `select_bottleneck` chooses the width by
        least MMD, as in the paper.
    unbiased : bool, default=False
        Subtract the distance that two batches of one distribution have on average (see
        `skda.losses.linear_mmd2`). Without this, smaller features lower the loss. With it the
        loss may be negative, and larger features then lower the loss: in a long training on few
        rows the features may diverge. In benchmarks/all_methods/all_methods.md the accuracy is
        far above that of the default on scanned digits, and below it on gas sensors.
    **params
        Parameters of `AdaptingEstimator`.

    References
    ----------
    .. [1] Tzeng, E. et al. (2014). Deep domain confusion: maximizing for domain invariance.
       arXiv:1412.3474.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "bottleneck_width": [Interval(Integral, 1, None, closed="left"), None],
        "unbiased": ["boolean"],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 0.25,
        bottleneck_width: int | None = 256,
        unbiased: bool = False,
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, **params)
        self.bottleneck_width = bottleneck_width
        self.unbiased = unbiased

    def _make_module(self, rows: torch.Tensor, n_classes: int) -> nn.Module:
        module = super()._make_module(rows, n_classes)
        if self.bottleneck_width is not None:
            insert_bottleneck(module, self.bottleneck_width)
        return module

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return Discrepancy(LinearMMDLoss(unbiased=self.unbiased))


class DDCClassifier(DDCEstimator, AdaptingClassifier):
    r"""Deep domain confusion (DDC): the distance of the means on a bottleneck.

    .. math::

        L = \mathrm{CE}(X_s, y_s)
            + \lambda \, \lVert \overline{f(X_s)} - \overline{f(X_t)} \rVert^2

    Parameters
    ----------
    **params
        Parameters of `DomainClassifier`. In the paper the new layers of a pretrained module learn
        ten times faster: ``optimizer__param_groups=[("*bottleneck*", {"lr": 1e-2}), ...]``.

    Examples
    --------
    >>> from skda import DDCClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DDCClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """


class DDCRegressor(DDCEstimator, AdaptingRegressor):
    r"""Deep domain confusion (DDC) for a regression.

    As `DDCClassifier`, with the squared error for the cross-entropy:

    .. math::

        L = \mathrm{MSE}(X_s, y_s)
            + \lambda \, \lVert \overline{f(X_s)} - \overline{f(X_t)} \rVert^2

    Parameters
    ----------
    **params
        Parameters of `DomainRegressor`.

    Examples
    --------
    >>> from skda import DDCRegressor
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> y = moons.X_source[:, 0] - moons.X_source[:, 1]  # a number for each row
    >>> reg = DDCRegressor(max_epochs=2, random_state=0)
    >>> reg.fit(moons.X_source, y, moons.X_target).predict(moons.X_target).shape
    (300,)
    """


def select_bottleneck(
    estimator: Any,
    X_source: Any,
    y_source: Any,
    X_target: Any,
    *,
    widths: Iterable[int] = (64, 128, 256, 512),
) -> Bunch:
    r"""Choose the width of `DDCClassifier`'s bottleneck by least MMD, without target labels.

    Parameters
    ----------
    estimator : DDCClassifier
        Unfitted; cloned for each width and trained on the source alone (``lam=0``), as in the
        paper before the adaptation.
    X_source : array-like of shape (n_source, ...)
    y_source : array-like of shape (n_source,)
    X_target : array-like of shape (n_target, ...)
    widths : iterable of int, default=(64, 128, 256, 512)
        Candidates.

    Returns
    -------
    Bunch
        width : int
            The width of least MMD.
        mmd : dict from int to float
            The relative distance of the means of each width.
        estimator : DDCClassifier
            The unfitted estimator with the chosen `bottleneck_width`.

    Notes
    -----
    The distance of the means grows with the features and is therefore divided by their mean
    squared length: :math:`\lVert \bar f_s - \bar f_t \rVert^2 / \overline{\lVert f \rVert^2}`.
    To choose the layer as well, compare the results for several values of `adapt_layers`.

    References
    ----------
    .. [1] Tzeng, E. et al. (2014). Deep domain confusion: maximizing for domain invariance.
       arXiv:1412.3474, section 3.

    Examples
    --------
    >>> from skda import DDCClassifier, select_bottleneck
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> choice = select_bottleneck(
    ...     DDCClassifier(max_epochs=5, random_state=0),
    ...     moons.X_source, moons.y_source, moons.X_target, widths=(4, 16),
    ... )
    >>> choice.estimator.bottleneck_width == choice.width == min(choice.mmd, key=choice.mmd.get)
    True
    """
    mmd = {}
    for width in widths:
        source_only = clone(estimator).set_params(lam=0, bottleneck_width=width)
        source_only.fit(X_source, y_source, X_target)
        # source statistics for both: the network has not seen the target yet
        rows = [
            torch.from_numpy(source_only.transform(X, domain="source"))
            for X in (X_source, X_target)
        ]
        length = torch.cat(rows).square().sum(dim=1).mean()
        mmd[width] = (linear_mmd2(*rows) / length).item()
    if not mmd:
        raise ValueError("The 'widths' parameter must hold at least one width. Got none.")
    best = min(mmd, key=lambda width: mmd[width])
    return Bunch(width=best, mmd=mmd, estimator=clone(estimator).set_params(bottleneck_width=best))
