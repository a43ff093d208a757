"""Methods that lower a distance between the two domains' features."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

from .base import AdaptingClassifier
from .losses import (
    JAN_SOFTMAX_BANDWIDTH,
    CORALLoss,
    GaussianMMDLoss,
    LinearMMDLoss,
    MKMMDLoss,
)
from .nn import ShallowNet, insert_bottleneck
from .training import Discrepancy, JointDiscrepancy, WeightedKernels

__all__ = [
    "DANClassifier",
    "DDCClassifier",
    "DaNNClassifier",
    "DeepCORALClassifier",
    "JANClassifier",
]


class DaNNClassifier(AdaptingClassifier):
    r"""Domain adaptive neural network (DaNN): MMD on the one hidden layer, before its activation.

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \, \mathrm{MMD}^2_k(h(X_s), h(X_t)), \quad
        k = \exp(-\lVert \cdot \rVert^2 / \gamma)

    with the biased estimate and gamma the median of the squared distances in a batch.

    Parameters
    ----------
    module : nn.Module class or instance, callable, or None, default=None
        Network that returns logits, as in `DomainClassifier`. None is
        `skda.nn.ShallowNet`, shallow by design: 256 hidden units, ReLU, dropout .5.
    lam : float, default=3.0
        Weight of the adaptation loss. 0 trains exactly the source-only network.
    **params
        Parameters of `DomainClassifier`.

    References
    ----------
    .. [1] Ghifary, M., Kleijn, W. B. and Zhang, M. (2014). Domain adaptive neural networks for
       object recognition. PRICAI.

    Examples
    --------
    >>> from skda import DaNNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DaNNClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    default_module = ShallowNet

    def __init__(self, module: Any = None, *, lam: float = 3.0, **params: Any) -> None:
        super().__init__(module, lam=lam, **params)

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> nn.Module:
        return Discrepancy(GaussianMMDLoss())


class DDCClassifier(AdaptingClassifier):
    r"""Deep domain confusion (DDC): the distance of the means on a bottleneck.

    .. math::

        L = \mathrm{CE}(X_s, y_s)
            + \lambda \, \lVert \overline{f(X_s)} - \overline{f(X_t)} \rVert^2

    Parameters
    ----------
    lam : float, default=0.25
        Weight of the adaptation loss. 0 trains exactly the source-only network.
    bottleneck_width : int or None, default=256
        Width of the adaptation layer that is put before the classifier (the last ``nn.Linear``);
        None puts none. `select_bottleneck` chooses it by least MMD, as in the paper.
    unbiased : bool, default=False
        Subtract from the distance what chance alone makes of it in a batch (see
        `skda.losses.linear_mmd2`). Otherwise smaller features lower it, too. The estimate may be
        negative, so that larger features lower it: in a long training on few rows they may
        diverge. In benchmarks/all_methods/all_methods.md it is far above the default on scanned
        digits, and below it on gas sensors.
    **params
        Parameters of `DomainClassifier`. For a pretrained module, the paper's ten times faster
        new layers are ``optimizer__param_groups=[("*bottleneck*", {"lr": 1e-2}), ...]``.

    References
    ----------
    .. [1] Tzeng, E. et al. (2014). Deep domain confusion: maximizing for domain invariance.
       arXiv:1412.3474.

    Examples
    --------
    >>> from skda import DDCClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DDCClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AdaptingClassifier._parameter_constraints,
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

    def _make_module(self, input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        module = super()._make_module(input_shape, n_classes)
        if self.bottleneck_width is not None:
            insert_bottleneck(module, self.bottleneck_width)
        return module

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> nn.Module:
        return Discrepancy(LinearMMDLoss(unbiased=self.unbiased))


class DeepCORALClassifier(AdaptingClassifier):
    r"""Deep CORAL: the distance of the covariances of one or several layers.

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \sum_l \frac{1}{4 d_l^2} \lVert C_s - C_t \rVert_F^2

    Parameters
    ----------
    lam : float, default=10.0
        Weight of the adaptation loss. 0 trains exactly the source-only network.
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
    ) -> nn.Module:
        return Discrepancy(CORALLoss())


class JANClassifier(AdaptingClassifier):
    r"""Joint adaptation network (JAN): one MMD of features and predictions together.

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \, \mathrm{MMD}^2_k, \quad
        k(x, x') = k_f(f(x), f(x')) \; k_g(\sigma(g(x)), \sigma(g(x')))

    with f the adapted features (a product over the layers where there are several), g the logits
    and sigma the softmax.

    Parameters
    ----------
    lam : float, default=1.0
        Weight of the adaptation loss. 0 trains exactly the source-only network.
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
        **AdaptingClassifier._parameter_constraints,
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
    ) -> nn.Module:
        return JointDiscrepancy(
            len(widths), self.n_kernels, self.softmax_bandwidth, estimator=self.estimator
        )


class DANClassifier(AdaptingClassifier):
    r"""Deep adaptation network (DAN): multi-kernel MMD on one or several layers.

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \sum_{l} \mathrm{MMD}^2_k(f_l(X_s), f_l(X_t)), \quad
        k = \sum_u \beta_u \exp(-\lVert \cdot \rVert^2 / \gamma_u)

    Parameters
    ----------
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

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> nn.Module:
        kernels: dict[str, Any] = {"n_kernels": self.n_kernels, "spacing": self.spacing}
        estimate: dict[str, Any] = {"estimator": self.estimator, "unbiased": self.unbiased}
        if self.kernel_weights == "optimal":
            return WeightedKernels(len(widths), **kernels, **estimate)
        return Discrepancy(MKMMDLoss(**kernels, **estimate))
