"""Maximum mean discrepancy: of the means, of one Gaussian kernel, of several."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ._core.estimators import quad_tuple_mmd2
from ._core.kernels import KernelFamily, check_kernel_options
from ._core.pooled import pooled_mmd2
from ._core.precision import full_precision
from ._core.validation import check_estimator, check_samples

__all__ = [
    "GaussianMMDLoss",
    "LinearMMDLoss",
    "MKMMDLoss",
    "gaussian_mmd2",
    "linear_mmd2",
    "mk_mmd2",
]


@full_precision
def mk_mmd2(
    source: Tensor,
    target: Tensor,
    *,
    n_kernels: int = 5,
    spacing: float = 2.0,
    weights: Tensor | Sequence[float] | None = None,
    bandwidth: float | Tensor | None = None,
    estimator: str = "quadratic",
    unbiased: bool = False,
) -> Tensor:
    """Squared multi-kernel MMD, the adaptation loss of DAN.

    Parameters
    ----------
    source, target : Tensor of shape (..., n_s, d) and (..., n_t, d), float
        Features of the rows of each domain; the leading axes are models.
    n_kernels : int, default=5
        Number of Gaussian kernels. The paper's 33 are ``n_kernels=33, spacing=2**0.5``.
    spacing : float, default=2.0
        Ratio of successive bandwidths, above 1.
    weights : Tensor or sequence of n_kernels floats, default=None
        Weights beta >= 0 of the kernels, narrowest first; None for 1 / n_kernels each.
        :func:`kernel_weights` gives those of the paper.
    bandwidth : float or Tensor of shape () or (...), default=None
        gamma in the middle of the family, in squared units of the features. None takes the
        median of the squared distances in this batch (see :func:`median_bandwidth`), of the
        pairs within the quad-tuples for the linear estimator. No gradient flows through it.
    estimator : {"quadratic", "linear"}, default="quadratic"
        All pairs, or disjoint quad-tuples: linear in time and memory, unbiased, of larger
        variance. They leave out the rows after the last full pair of the smaller domain.
    unbiased : bool, default=False
        For the quadratic estimator: leave k(z, z) out of the terms within a domain. A domain of
        one row keeps its biased term.

    Returns
    -------
    Tensor of shape (...)
        The estimate, float32 or wider. The biased one is >= 0 up to rounding, the others may be
        negative. With a domain of one row the linear estimate is zero.

    Raises
    ------
    ValueError
        If an option is out of range, or the samples cannot be compared.

    Notes
    -----
    MMD²_k = E k(x, x') + E k(y, y') − 2 E k(x, y) with k = Σ_u beta_u exp(−‖·‖² / gamma_u) and
    gamma_u = gamma spacing^(u − ⌊U/2⌋), u = 0 .. U − 1 [1]_. The linear-time estimate is the
    mean of h_i = k(x_2i, x_2i+1) + k(y_2i, y_2i+1) − k(x_2i, y_2i+1) − k(x_2i+1, y_2i) over
    i < min(n_s, n_t) / 2 [2]_.

    References
    ----------
    .. [1] Long, M., Cao, Y., Wang, J., Jordan, M. (2015). Learning transferable features with
       deep adaptation networks. ICML.
    .. [2] Gretton, A. et al. (2012). Optimal kernel choice for large-scale two-sample tests.
       NIPS.

    Examples
    --------
    >>> source, target = torch.tensor([[0.0], [1.0]]), torch.tensor([[4.0], [5.0]])
    >>> round(mk_mmd2(source, target).item(), 3), mk_mmd2(source, source).item()
    (1.329, 0.0)
    """
    check_samples("mk_mmd2", source, target)
    check_kernel_options("mk_mmd2", n_kernels=n_kernels, spacing=spacing, bandwidth=bandwidth)
    check_estimator("mk_mmd2", estimator)
    family = KernelFamily(n_kernels, spacing, bandwidth, weights)
    if estimator == "quadratic":
        return pooled_mmd2([family], [source], [target], unbiased=unbiased)
    return quad_tuple_mmd2([family], [source], [target])


def gaussian_mmd2(
    source: Tensor,
    target: Tensor,
    *,
    bandwidth: float | Tensor | None = None,
    unbiased: bool = False,
) -> Tensor:
    """Squared MMD with one Gaussian kernel, the adaptation loss of DaNN.

    Parameters
    ----------
    source, target : Tensor of shape (..., n_s, d) and (..., n_t, d), float
        Features of the rows of each domain; the leading axes are models.
    bandwidth : float or Tensor of shape () or (...), default=None
        gamma of k(x, y) = exp(−‖x − y‖² / gamma), in squared units of the features; None for
        the median of the squared distances in this batch.
    unbiased : bool, default=False
        Leave k(z, z) out of the terms within a domain.

    Returns
    -------
    Tensor of shape (...)
        The estimate; the biased one is >= 0 up to rounding.

    Raises
    ------
    ValueError
        If bandwidth is not above 0, or the samples cannot be compared.

    References
    ----------
    .. [1] Ghifary, M., Kleijn, W. B., Zhang, M. (2014). Domain adaptive neural networks for
       object recognition. PRICAI.

    Examples
    --------
    >>> gaussian_mmd2(torch.tensor([[0.0]]), torch.tensor([[2.0]]))  # 2 - 2 exp(-4 / 4)
    tensor(1.2642)
    """
    return mk_mmd2(source, target, n_kernels=1, bandwidth=bandwidth, unbiased=unbiased)


@full_precision
def linear_mmd2(source: Tensor, target: Tensor, *, unbiased: bool = False) -> Tensor:
    """Squared distance between the means, the adaptation loss of DDC.

    Parameters
    ----------
    source, target : Tensor of shape (..., n_s, d) and (..., n_t, d), float
        Features of the rows of each domain; the leading axes are models.
    unbiased : bool, default=False
        Subtract the expected distance of the means of two equal distributions,
        tr(C_s) / n_s + tr(C_t) / n_t, with C the covariances with n - 1. The term of a domain of
        one row, which has no covariance, is 0.

    Returns
    -------
    Tensor of shape (...)
        ‖mean(source) − mean(target)‖², the squared MMD with a linear kernel. It is >= 0; the
        unbiased estimate may be negative.

    Raises
    ------
    ValueError
        If the samples cannot be compared.

    References
    ----------
    .. [1] Tzeng, E. et al. (2014). Deep domain confusion: maximizing for domain invariance.
       arXiv:1412.3474.
    .. [2] Gretton, A. et al. (2012). A kernel two-sample test. JMLR 13, lemma 6 (unbiased).

    Examples
    --------
    >>> source, target = torch.tensor([[0.0, 0.0], [2.0, 0.0]]), torch.tensor([[1.0, 3.0]])
    >>> linear_mmd2(source, target), linear_mmd2(source, target, unbiased=True)
    (tensor(9.), tensor(8.))
    """
    check_samples("linear_mmd2", source, target)
    # Far from the origin, the differences from one of the rows keep more digits than the rows.
    origin = source[..., :1, :].detach()
    source, target = source - origin, target - origin
    distance = (source.mean(-2) - target.mean(-2)).square().sum(-1)
    if unbiased:
        for sample in (source, target):
            n_rows = sample.shape[-2]
            if n_rows > 1:
                distance = distance - sample.var(-2).sum(-1) / n_rows
    return distance


class MKMMDLoss(nn.Module):
    """The loss :func:`mk_mmd2` as a module, with the same parameters."""

    weights: Tensor | None

    def __init__(
        self,
        *,
        n_kernels: int = 5,
        spacing: float = 2.0,
        weights: Tensor | Sequence[float] | None = None,
        bandwidth: float | None = None,
        estimator: str = "quadratic",
        unbiased: bool = False,
    ) -> None:
        super().__init__()
        self.n_kernels = n_kernels
        self.spacing = spacing
        self.bandwidth = bandwidth
        self.estimator = estimator
        self.unbiased = unbiased
        self.register_buffer("weights", None if weights is None else torch.as_tensor(weights))

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the squared MMD of source (..., n_s, d) and target (..., n_t, d)."""
        return mk_mmd2(
            source,
            target,
            n_kernels=self.n_kernels,
            spacing=self.spacing,
            weights=self.weights,
            bandwidth=self.bandwidth,
            estimator=self.estimator,
            unbiased=self.unbiased,
        )


class GaussianMMDLoss(nn.Module):
    """The loss :func:`gaussian_mmd2` as a module, with the same parameters."""

    def __init__(self, *, bandwidth: float | None = None, unbiased: bool = False) -> None:
        super().__init__()
        self.bandwidth = bandwidth
        self.unbiased = unbiased

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the squared MMD of source (..., n_s, d) and target (..., n_t, d)."""
        return gaussian_mmd2(source, target, bandwidth=self.bandwidth, unbiased=self.unbiased)


class LinearMMDLoss(nn.Module):
    """The loss :func:`linear_mmd2` as a module, with the same parameters."""

    def __init__(self, *, unbiased: bool = False) -> None:
        super().__init__()
        self.unbiased = unbiased

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the distance of the means of source (..., n_s, d) and target (..., n_t, d)."""
        return linear_mmd2(source, target, unbiased=self.unbiased)
