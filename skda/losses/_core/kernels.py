"""Families of Gaussian kernels whose bandwidths are evenly spaced on a log scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .validation import check_floats, check_int, check_real

__all__ = [
    "KernelFamily",
    "as_weights",
    "check_kernel_options",
    "gaussian_kernel_mean",
    "kernel_value_and_slope",
    "widest_rate",
]

_WIDE = 8
# Each squaring doubles the relative error: four of them keep float32 within 3e-6.
_MAX_SQUARINGS = 4


def check_kernel_options(
    caller: str, *, n_kernels: int, spacing: float, bandwidth: float | Tensor | None
) -> None:
    """Raise ValueError unless n_kernels >= 1, spacing > 1 and a float bandwidth is above 0.

    The values of a bandwidth that is a tensor are not checked.
    """
    check_int(caller, "n_kernels", n_kernels, low=1)
    check_real(caller, "spacing", spacing, low=1)
    if bandwidth is not None and not isinstance(bandwidth, Tensor):
        check_real(caller, "bandwidth", bandwidth, low=0)


def _halving_stride(spacing: float) -> int:
    # Number of kernels from one bandwidth to its double: 1 for spacing 2, 2 for sqrt 2; 0 for none.
    steps = round(math.log(2) / math.log(spacing)) if spacing <= 2 else 0
    return steps if steps and math.isclose(spacing**steps, 2, rel_tol=1e-12) else 0


def widest_rate(
    bandwidth: Tensor | float, like: Tensor, *, n_kernels: int, spacing: float
) -> Tensor | float:
    """Return the inverse bandwidth of the widest kernel of a family, without a graph.

    The kernels have the bandwidths gamma r^(u − ⌊U/2⌋), u = 0 .. U − 1, for U kernels, the spacing
    r and the bandwidth gamma in the units of the squared distances. A gamma of zero, as when all
    rows are equal, gives a rate of zero: kernels that are one everywhere and have no gradient. The
    rate of a float is a float. A bandwidth for each model of `like` (..., n, m) gives rates of
    shape (..., 1, 1).

    >>> widest_rate(2.0, torch.tensor(0.0), n_kernels=3, spacing=2.0)
    0.25
    """
    factor = spacing ** (n_kernels // 2 + 1 - n_kernels)
    least = 1e9 * torch.finfo(like.dtype).tiny  # the inverse of a smaller one may be infinite
    if not isinstance(bandwidth, Tensor):
        return factor / bandwidth if bandwidth > least else 0.0
    bandwidth = bandwidth.detach().to(like)
    if bandwidth.ndim:
        bandwidth = bandwidth.reshape(bandwidth.shape + (1,) * (like.ndim - bandwidth.ndim))
    return torch.where(bandwidth > least, factor / bandwidth, 0)


def _add_up(total: Tensor | None, kernel: Tensor, weight: Tensor | float) -> Tensor:
    if total is None:
        return kernel * weight
    if isinstance(weight, Tensor):
        return total.addcmul_(kernel, weight)
    return total.add_(kernel, alpha=weight)  # a third faster


def kernel_value_and_slope(
    distances: Tensor,
    rate: Tensor | float,
    weights: Tensor | None,
    *,
    n_kernels: int,
    spacing: float,
    with_slope: bool = True,
) -> tuple[Tensor, Any]:
    """Weighted mean Σ_u beta_u k_u of the kernels of a family and its slope, without a graph.

    Both have the shape of the squared distances. The slope is the derivative with respect to the
    distances over -rate (None without `with_slope`). The rate is that of :func:`widest_rate`; the
    weights beta have shape (n_kernels,), or are None for 1 / n_kernels each.
    """
    stride = _halving_stride(spacing)
    wide = spacing ** (n_kernels // 2) > _WIDE
    # Without a floor, subnormal numbers make a wide family take 1.5 times as long.
    floor = 1e9 * torch.finfo(distances.dtype).tiny
    factors = [spacing ** (n_kernels - 1 - u) for u in range(n_kernels)]
    shares: Any = [1 / n_kernels] * n_kernels if weights is None else weights.unbind()
    exponent_rate = rate * -math.log2(math.e)  # exp2 is twice as fast as exp
    value: Any = None
    slope: Any = None
    chains: dict[int, tuple[Tensor, int]] = {}
    for u in range(n_kernels - 1, -1, -1):
        chain = u % stride if stride else u
        kernel, squarings = chains.get(chain, (distances, _MAX_SQUARINGS))
        if squarings < _MAX_SQUARINGS:
            kernel = kernel.clamp_min_(floor**0.5) if wide else kernel
            kernel.mul_(kernel)
            chains[chain] = (kernel, squarings + 1)
        else:
            exponent = torch.mul(distances, exponent_rate * factors[u])
            kernel = (exponent.clamp_min_(math.log2(floor)) if wide else exponent).exp2_()
            chains[chain] = (kernel, 0)
        value = _add_up(value, kernel, shares[u])
        if with_slope:
            slope = _add_up(slope, kernel, shares[u] * factors[u])
    return value, slope


class _GaussianKernelMean(torch.autograd.Function):
    """Add up value and slope kernel by kernel; autograd would keep every kernel."""

    @staticmethod
    def forward(
        ctx: Any,
        distances: Tensor,
        rate: Tensor | float,
        weights: Tensor | None,
        n_kernels: int,
        spacing: float,
    ) -> Tensor:
        value, slope = kernel_value_and_slope(
            distances,
            rate,
            weights,
            n_kernels=n_kernels,
            spacing=spacing,
            with_slope=ctx.needs_input_grad[0],
        )
        ctx.save_for_backward(distances, weights, slope)
        ctx.family = rate, n_kernels, spacing
        return value

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        distances, weights, slope = ctx.saved_tensors
        rate, n_kernels, spacing = ctx.family
        if torch.is_grad_enabled():
            # The gradient needs a graph of its own, and so does the slope.
            last = n_kernels - 1
            powers = distances.new_tensor([spacing ** (last - u) for u in range(n_kernels)])
            weights = powers / n_kernels if weights is None else powers * weights
            slope = _GaussianKernelMean.apply(distances, rate, weights, n_kernels, spacing)
        return grad_outputs[0] * (slope * -rate), None, None, None, None


def as_weights(
    weights: Tensor | Sequence[float] | None, n_kernels: int, like: Tensor
) -> Tensor | None:
    """Return kernel weights as a detached tensor like `like`; None stays None.

    Raises ValueError unless they are n_kernels numbers.
    """
    if weights is None:
        return None
    weights = torch.as_tensor(weights, dtype=like.dtype, device=like.device).detach()
    if weights.shape != (n_kernels,):
        raise ValueError(
            f"The 'weights' of the kernels must be n_kernels={n_kernels} numbers, one a kernel. "
            f"Got shape {tuple(weights.shape)} instead."
        )
    return weights


def gaussian_kernel_mean(
    distances: Tensor,
    bandwidth: Tensor | float,
    *,
    n_kernels: int = 5,
    spacing: float = 2.0,
    weights: Tensor | Sequence[float] | None = None,
) -> Tensor:
    """Weighted mean of Gaussian kernels of several bandwidths.

    Parameters
    ----------
    distances : Tensor of any shape
        Squared distances.
    bandwidth : Tensor or float
        Bandwidth in the middle of the family; a tensor of the shape of the first axes of the
        distances gives each model its own.
    n_kernels : int, default=5
        Number of kernels.
    spacing : float, default=2.0
        Ratio of successive bandwidths.
    weights : Tensor or sequence of n_kernels floats, default=None
        Weights beta of the kernels, narrowest first; None for 1 / n_kernels each.

    Returns
    -------
    Tensor of the shape of distances
        Σ_u beta_u k_u. Bandwidth and weights are constants for autograd.

    Raises
    ------
    ValueError
        If weights are not n_kernels numbers.

    Notes
    -----
    k_u = exp(−d² / gamma_u) with gamma_u = gamma r^(u − ⌊U/2⌋), u = 0 .. U − 1. Where bandwidths
    are a factor of two apart (r = 2, √2, 2^(1/3) ...), the narrower kernel is the square of the
    wider one, and one exponential serves up to five kernels.

    Examples
    --------
    >>> gaussian_kernel_mean(torch.zeros(2), 1.0)
    tensor([1., 1.])
    """
    check_floats("gaussian_kernel_mean", "distances", distances)
    rate = widest_rate(bandwidth, distances, n_kernels=n_kernels, spacing=spacing)
    weights = as_weights(weights, n_kernels, distances)
    mean: Tensor = _GaussianKernelMean.apply(distances, rate, weights, n_kernels, spacing)
    return mean


class KernelFamily(NamedTuple):
    """The Gaussian kernels on one layer, with the options of :func:`gaussian_kernel_mean`."""

    n_kernels: int
    spacing: float
    bandwidth: float | Tensor | None = None
    weights: Tensor | Sequence[float] | None = None

    def mean(self, distances: Tensor, median: Callable[[Tensor], Tensor]) -> Tensor:
        """Return their mean for these distances, whose median replaces a bandwidth of None."""
        n_kernels, spacing, bandwidth, weights = self
        gamma = median(distances) if bandwidth is None else bandwidth
        return gaussian_kernel_mean(
            distances, gamma, n_kernels=n_kernels, spacing=spacing, weights=weights
        )
