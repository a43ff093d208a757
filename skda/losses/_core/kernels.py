"""Families of Gaussian kernels whose bandwidths are evenly spaced on a log scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .validation import check_int, check_real

__all__ = [
    "as_weights",
    "check_kernel_options",
    "gaussian_kernel_mean",
    "kernel_rates",
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

    A bandwidth that is a tensor is not looked into.
    """
    check_int(caller, "n_kernels", n_kernels, low=1)
    check_real(caller, "spacing", spacing, low=1)
    if bandwidth is not None and not isinstance(bandwidth, Tensor):
        check_real(caller, "bandwidth", bandwidth, low=0)


def _halving_stride(spacing: float) -> int:
    # Number of steps that double the bandwidth: 1 for spacing 2, 2 for sqrt 2; 0 for none.
    steps = round(math.log(2) / math.log(spacing)) if spacing <= 2 else 0
    return steps if steps and math.isclose(spacing**steps, 2, rel_tol=1e-12) else 0


def kernel_rates(
    bandwidth: Tensor | float, like: Tensor, *, n_kernels: int = 5, spacing: float = 2.0
) -> Tensor:
    """Inverse bandwidths of a family of Gaussian kernels, of shape (n_kernels,), detached.

    They are 1 / gamma_u with gamma_u = gamma r^(u − ⌊U/2⌋), u = 0 .. U − 1, narrowest kernel first,
    for U kernels, the spacing r and the bandwidth gamma in the units of the squared distances. A
    gamma of zero, as when all rows are equal, gives rates of zero: kernels that are one everywhere
    and have no gradient. `like` gives the dtype and the device.

    >>> kernel_rates(2.0, torch.tensor(0.0), n_kernels=3)
    tensor([1.0000, 0.5000, 0.2500])
    """
    bandwidth = torch.as_tensor(bandwidth, dtype=like.dtype, device=like.device).detach()
    # A bandwidth next to the least float would have an infinite inverse.
    usable = bandwidth > 1e9 * torch.finfo(like.dtype).tiny
    powers = [spacing ** (n_kernels // 2 - u) for u in range(n_kernels)]
    return torch.where(usable, like.new_tensor(powers) / bandwidth, 0)


def widest_rate(
    bandwidth: Tensor | float, like: Tensor, *, n_kernels: int, spacing: float
) -> Tensor | float:
    """Return the last of :func:`kernel_rates`; of a float bandwidth a float.

    A bandwidth for each model of `like` (..., n, m) gives rates of shape (..., 1, 1).
    """
    factor = spacing ** (n_kernels // 2 + 1 - n_kernels)
    least = 1e9 * torch.finfo(like.dtype).tiny
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
    """Weighted mean of the kernels of a family and its derivative, without a graph.

    Both have the shape of the squared distances: Σ_u beta_u k_u, and its derivative with respect to
    the distances divided by -rate (None unless wanted). The rate is that of :func:`widest_rate`;
    the weights have shape (n_kernels,), or are None for 1 / n_kernels each.
    """
    stride = _halving_stride(spacing)
    wide = spacing ** (n_kernels // 2) > _WIDE
    # Without a floor, subnormal numbers make a wide family take half as long again.
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
    """Adds value and slope up kernel by kernel; autograd would keep every kernel."""

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
            # A graph of the gradient is asked for, and the slope must have its own.
            last = n_kernels - 1
            powers = distances.new_tensor([spacing ** (last - u) for u in range(n_kernels)])
            weights = powers / n_kernels if weights is None else powers * weights
            slope = _GaussianKernelMean.apply(distances, rate, weights, n_kernels, spacing)
        return grad_outputs[0] * (slope * -rate), None, None, None, None


def as_weights(
    weights: Tensor | Sequence[float] | None, n_kernels: int, like: Tensor
) -> Tensor | None:
    """Weights of the kernels as a detached tensor of the dtype and on the device of `like`.

    None stays None; what is not n_kernels numbers is a ValueError.
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
    rate = widest_rate(bandwidth, distances, n_kernels=n_kernels, spacing=spacing)
    weights = as_weights(weights, n_kernels, distances)
    mean: Tensor = _GaussianKernelMean.apply(distances, rate, weights, n_kernels, spacing)
    return mean
