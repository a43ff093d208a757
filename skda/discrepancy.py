"""Methods that lower a distance between the two domains' features."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from .base import AdaptingClassifier
from .losses import MKMMDLoss
from .training import Discrepancy, WeightedKernels

__all__ = ["DANClassifier"]


class DANClassifier(AdaptingClassifier):
    r"""Deep adaptation network (DAN): multi-kernel MMD on one or several layers.

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \sum_{l} \mathrm{MMD}^2_k(f_l(X_s), f_l(X_t)), \quad
        k = \sum_u \beta_u \exp(-\lVert \cdot \rVert^2 / \gamma_u)

    Parameters
    ----------
    module : nn.Module class or instance, callable, or None, default=None
        Network that returns logits, as in `DomainClassifier`.
    lam : float, default=1.0
        Weight of the adaptation loss. 0 trains exactly the source-only network.
    n_kernels : int, default=5
        Number of Gaussian kernels; their bandwidths are geometric around the median of the
        squared distances in a batch. The paper has ``n_kernels=33, spacing=2**0.5``.
    spacing : float, default=2.0
        Ratio between successive bandwidths.
    kernel_weights : {"uniform", "optimal"}, default="uniform"
        "optimal" is the paper's quadratic programme for beta, solved anew in each epoch on a
        sample of the features.
    estimator : {"quadratic", "linear"}, default="quadratic"
        Estimate of the MMD in a batch: all pairs, or the paper's in linear time.
    unbiased : bool, default=False
        For "quadratic": leave out the pairs of a row with itself.
    **params
        Parameters of `DomainClassifier`. Several `adapt_layers` add their losses, as in the
        paper, which adapts the last three layers of AlexNet.

    Attributes
    ----------
    net_ : AdaptationNet
        The skorch net.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of columns (tables) or channels (images) seen in `fit`.

    References
    ----------
    .. [1] Long, M., Cao, Y., Wang, J. and Jordan, M. (2015). Learning transferable features with
       deep adaptation networks. ICML.

    Examples
    --------
    >>> from skda import DANClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DANClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AdaptingClassifier._parameter_constraints,
        "n_kernels": [Interval(Integral, 1, None, closed="left")],
        "spacing": [Interval(Real, 1, None, closed="neither")],
        "kernel_weights": [StrOptions({"uniform", "optimal"})],
        "estimator": [StrOptions({"quadratic", "linear"})],
        "unbiased": ["boolean"],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 1.0,
        n_kernels: int = 5,
        spacing: float = 2.0,
        kernel_weights: str = "uniform",
        estimator: str = "quadratic",
        unbiased: bool = False,
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, **params)
        self.n_kernels = n_kernels
        self.spacing = spacing
        self.kernel_weights = kernel_weights
        self.estimator = estimator
        self.unbiased = unbiased

    def _make_adaptation(self, widths: Sequence[int], n_classes: int) -> nn.Module:
        kernels: dict[str, Any] = {"n_kernels": self.n_kernels, "spacing": self.spacing}
        estimate: dict[str, Any] = {"estimator": self.estimator, "unbiased": self.unbiased}
        if self.kernel_weights == "optimal":
            return WeightedKernels(len(widths), **kernels, **estimate)
        return Discrepancy(MKMMDLoss(**kernels, **estimate))
