"""DAN: multi-kernel MMD on one or several layers (Long 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor, nn

from ...base import AdaptingClassifier, AdaptingEstimator, AdaptingRegressor
from ...losses import MKMMDLoss, kernel_weights, mk_mmd2
from ...training import AdaptationTerm, Discrepancy, DomainOutput
from ...training.term import Features

__all__ = ["DANClassifier", "DANEstimator", "DANRegressor", "WeightedKernels"]


class WeightedKernels(AdaptationTerm):
    r"""Multi-kernel MMD with kernel weights beta that are chosen anew in each epoch, as in DAN.

    Parameters
    ----------
    n_layers : int
        Number of adapted layers; each has its own weights.
    n_kernels, spacing
        The family of kernels, see `skda.losses.kernel_weights`.
    **estimate
        Options of `skda.losses.mk_mmd2`.
    """

    stackable: ClassVar = False  # kernel_weights solves one quadratic programme at a time
    epoch_sample: ClassVar = 1024

    beta: Tensor

    def __init__(self, n_layers: int, n_kernels: int, spacing: float, **estimate: Any) -> None:
        super().__init__()
        self.kernels: dict[str, Any] = {"n_kernels": n_kernels, "spacing": spacing}
        self.estimate = estimate
        self.register_buffer("beta", torch.full((n_layers, n_kernels), 1 / n_kernels))

    def start_epoch(self, source: Features, target: Features) -> None:
        """Choose the weights on a sample of both domains' features."""
        layers = zip(source, target, strict=True)
        weights = [kernel_weights(fs, ft, **self.kernels) for fs, ft in layers]
        self.beta.copy_(torch.stack(weights))

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the weighted loss."""
        layers = zip(source.features, target.features, self.beta, strict=True)
        first, *others = (
            mk_mmd2(f_source, f_target, weights=beta, **self.kernels, **self.estimate)
            for f_source, f_target, beta in layers
        )
        return lam * sum(others, start=first)


class DANEstimator(AdaptingEstimator):
    """DAN for any task.

    Parameters
    ----------
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
        Parameters of `AdaptingEstimator`.

    References
    ----------
    .. [1] Long, M., Cao, Y., Wang, J. and Jordan, M. (2015). Learning transferable features with
       deep adaptation networks. ICML.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
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
    ) -> AdaptationTerm:
        if self.estimator == "linear" and self.multi_source == "union" and self._n_sources > 1:
            raise ValueError(
                "The 'estimator' parameter cannot be 'linear' where multi_source='union': it pairs "
                "successive rows, which are of one source. Pass multi_source='pairwise' or "
                "estimator='quadratic'."
            )
        kernels: dict[str, Any] = {"n_kernels": self.n_kernels, "spacing": self.spacing}
        estimate: dict[str, Any] = {"estimator": self.estimator, "unbiased": self.unbiased}
        if self.kernel_weights == "optimal":
            return WeightedKernels(len(widths), **kernels, **estimate)
        return Discrepancy(MKMMDLoss(**kernels, **estimate))


class DANClassifier(DANEstimator, AdaptingClassifier):
    r"""Deep adaptation network (DAN): multi-kernel MMD on one or several layers.

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \sum_{l} \mathrm{MMD}^2_k(f_l(X_s), f_l(X_t)), \quad
        k = \sum_u \beta_u \exp(-\lVert \cdot \rVert^2 / \gamma_u)

    Parameters
    ----------
    **params
        Parameters of `DomainClassifier`. Several `adapt_layers` add their losses, as in the
        paper, which adapts the last three layers of AlexNet.

    Examples
    --------
    >>> from skda import DANClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DANClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """


class DANRegressor(DANEstimator, AdaptingRegressor):
    r"""Deep adaptation network (DAN) for a regression.

    As `DANClassifier`, with the squared error for the cross-entropy:

    .. math::

        L = \mathrm{MSE}(X_s, y_s) + \lambda \sum_{l} \mathrm{MMD}^2_k(f_l(X_s), f_l(X_t))

    Parameters
    ----------
    **params
        Parameters of `DomainRegressor`.

    Examples
    --------
    >>> from skda import DANRegressor
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> y = moons.X_source[:, 0] - moons.X_source[:, 1]  # a number for each row
    >>> reg = DANRegressor(max_epochs=2, random_state=0)
    >>> reg.fit(moons.X_source, y, moons.X_target).predict(moons.X_target).shape
    (300,)
    """
