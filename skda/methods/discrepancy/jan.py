"""JAN: one MMD of features and predictions together (Long 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor, nn

from ...base import AdaptingClassifier
from ...losses import JAN_SOFTMAX_BANDWIDTH, jmmd2
from ...training import AdaptationTerm, DomainOutput

__all__ = ["JANClassifier", "JointDiscrepancy"]


class JointDiscrepancy(AdaptationTerm):
    r"""JMMD over the adapted layers and the softmax of the logits.

    .. math:: \lambda \, \mathrm{JMMD}^2((f_1, .., f_L, \mathrm{softmax}(g))_s, (..)_t)

    Parameters
    ----------
    n_layers : int
        Number of adapted layers.
    n_kernels : int
        Gaussian kernels on each adapted layer; the softmax has one.
    softmax_bandwidth : float
        gamma of the kernel on the softmax.
    **estimate
        Options of `skda.losses.jmmd2`.
    """

    def __init__(
        self, n_layers: int, n_kernels: int, softmax_bandwidth: float, **estimate: Any
    ) -> None:
        super().__init__()
        self.options: dict[str, Any] = {
            "n_kernels": [n_kernels] * n_layers + [1],
            "bandwidths": [None] * n_layers + [softmax_bandwidth],
            **estimate,
        }

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the weighted loss."""
        layers_s, layers_t = (
            [*output.features, output.logits.softmax(-1)] for output in (source, target)
        )
        return lam * jmmd2(layers_s, layers_t, **self.options)


class JANClassifier(AdaptingClassifier):
    r"""Joint adaptation network (JAN): one MMD of features and predictions together.

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \, \mathrm{MMD}^2_k, \quad
        k(x, x') = k_f(f(x), f(x')) \; k_g(\sigma(g(x)), \sigma(g(x')))

    with f the adapted features (a product over the layers where there are several), g the logits
    and sigma the softmax.

    Parameters
    ----------
    n_kernels : int, default=5
        Gaussian kernels on each adapted layer, around the median of the squared distances.
    softmax_bandwidth : float, default=1.6928
        gamma of the one kernel exp(-d^2 / gamma) on the softmax: 2 times .92 squared.
    estimator : {"quadratic", "linear"}, default="quadratic"
        Estimate in a batch: all pairs, or in linear time.
    **params
        Parameters of `DomainClassifier`.

    References
    ----------
    .. [1] Long, M., Zhu, H., Wang, J. and Jordan, M. (2017). Deep transfer learning with joint
       adaptation networks. ICML.

    Examples
    --------
    >>> from skda import JANClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = JANClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_kernels": [Interval(Integral, 1, None, closed="left")],
        "softmax_bandwidth": [Interval(Real, 0, None, closed="neither")],
        "estimator": [StrOptions({"quadratic", "linear"})],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 1.0,
        n_kernels: int = 5,
        softmax_bandwidth: float = JAN_SOFTMAX_BANDWIDTH,
        estimator: str = "quadratic",
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, **params)
        self.n_kernels = n_kernels
        self.softmax_bandwidth = softmax_bandwidth
        self.estimator = estimator

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return JointDiscrepancy(
            len(widths), self.n_kernels, self.softmax_bandwidth, estimator=self.estimator
        )
