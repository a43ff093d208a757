"""M3SDA: the moments of several sources and the target (Peng 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ...base import AdaptingClassifier
from ...losses import MomentDistanceLoss
from ...training import AdaptationTerm, DomainOutput

__all__ = ["M3SDAClassifier", "MomentMatching"]


class MomentMatching(AdaptationTerm):
    """A distance between the samples of several sources and the target, summed over the layers.

    Parameters
    ----------
    distance : callable (list of source_features, target_features) -> Tensor
    """

    takes_sources: ClassVar = True

    def __init__(self, distance: Callable[[Sequence[Tensor], Tensor], Tensor]) -> None:
        super().__init__()
        self.distance = distance

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the weighted sum of the distances."""
        sources = [part.features for part in source.by_source() if part.n_rows]
        layers = zip(*sources, target.features, strict=True)
        first, *others = (self.distance(of_sources, f_t) for *of_sources, f_t in layers)
        return lam * sum(others, start=first)


class M3SDAClassifier(AdaptingClassifier):
    r"""Moment matching for multi-source domain adaptation (M3SDA).

    The moments of the features of each source and of the target are drawn together:

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \sum_{m=1}^{M} \left(
            \frac{1}{K} \sum_{k} \lVert E_k^m - E_t^m \rVert
            + \frac{2}{K (K - 1)} \sum_{j<k} \lVert E_j^m - E_k^m \rVert \right)

    with the means :math:`E^m` of the m-th powers of the features of a batch.

    Parameters
    ----------
    lam : float, default=0.1
        Weight of the distance.
    n_moments : int, default=2
        M, the number of moments.
    **params
        Parameters of `DomainClassifier`. `multi_source` changes nothing.

    Notes
    -----
    All sources share one classifier. The paper has a classifier for each source, weighted by
    accuracy, and in its variant M3SDA-beta two, as in `MCDClassifier`. With one source the method
    matches means and second moments.

    References
    ----------
    .. [1] Peng, X., Bai, Q., Xia, X., Huang, Z., Saenko, K. and Wang, B. (2019). Moment matching
       for multi-source domain adaptation. ICCV.

    Examples
    --------
    >>> from skda import M3SDAClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> near, far = (make_rotated_moons(angle, random_state=0) for angle in (15, 30))
    >>> clf = M3SDAClassifier(max_epochs=2, random_state=0)
    >>> X_source, y_source = [near.X_source, near.X_target], [near.y_source, near.y_target]
    >>> clf.fit(X_source, y_source, far.X_target).predict(far.X_target).shape
    (300,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_moments": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self, module: Any = None, *, lam: float = 0.1, n_moments: int = 2, **params: Any
    ) -> None:
        super().__init__(module, lam=lam, **params)
        self.n_moments = n_moments

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return MomentMatching(MomentDistanceLoss(self.n_moments))
