"""Families of Gaussian kernels whose bandwidths are evenly spaced on a log scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .validation import check_int, check_real

__all__ = ["check_kernel_options", "gaussian_kernel_mean", "kernel_rates"]

# Only a family wider than that meets many distances whose kernels are subnormal numbers.
_WIDE = 8
# Each squaring doubles the relative error: four of them keep float32 within 3e-6.
_MAX_SQUARINGS = 4


def check_kernel_options(
    caller: str, *, n_kernels: int, spacing: float, bandwidth: float | Tensor | None
) -> None:
    """Raise ValueError unless the options describe a family of kernels.

    Parameters
    ----------
    caller : str
        Name of the loss, for the message.
    n_kernels : int
        Number of kernels, at least 1.
    spacing : float
        Ratio of successive bandwidths, above 1.
    bandwidth : float, Tensor of shape () or None
        A float must be above 0; a tensor is not looked into.
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
    """Inverse bandwidths of a family of Gaussian kernels.

    Parameters
    ----------
    bandwidth : Tensor of shape () or float
        gamma, in the units of the squared distances. Zero, as when all rows are equal, gives
        rates of zero: kernels that are one everywhere and have no gradient.
    like : Tensor
        Gives the dtype and the device.
    n_kernels : int, default=5
        Number of kernels U.
    spacing : float, default=2.0
        Ratio r of successive bandwidths.

    Returns
    -------
    Tensor of shape (n_kernels,)
        1 / gamma_u with gamma_u = gamma r^(u − ⌊U/2⌋), u = 0 .. U − 1: narrowest kernel first;
        detached.

    Examples
    --------
    >>> kernel_rates(2.0, torch.tensor(0.0), n_kernels=3)
    tensor([1.0000, 0.5000, 0.2500])
    """
    bandwidth = torch.as_tensor(bandwidth, dtype=like.dtype, device=like.device).detach()
    powers = [spacing ** (n_kernels // 2 - u) for u in range(n_kernels)]
    # A bandwidth next to the least float would have an infinite inverse.
    usable = bandwidth > 1e9 * torch.finfo(like.dtype).tiny
    return torch.where(usable, like.new_tensor(powers) / bandwidth, 0)


def _add_up(total: Tensor | None, kernel: Tensor, weight: Tensor) -> Tensor:
    return kernel * weight if total is None else total.addcmul_(kernel, weight)


class _GaussianKernelMean(torch.autograd.Function):
    """Adds value and slope up kernel by kernel; autograd would keep every kernel."""

    @staticmethod
    def forward(
        ctx: Any, distances: Tensor, rates: Tensor, weights: Tensor, stride: int, wide: bool
    ) -> Tensor:
        value: Any = None
        slope: Any = None
        chains: dict[int, tuple[Tensor, int]] = {}
        slopes = -weights * rates
        # Without a floor, subnormal numbers make a wide family take half as long again.
        floor = 1e9 * torch.finfo(distances.dtype).tiny
        steps = list(zip((-rates).unbind(), weights.unbind(), slopes.unbind(), strict=True))
        for u, (rate, weight, weighted_rate) in reversed(list(enumerate(steps))):
            chain = u % stride if stride else u
            kernel, squarings = chains.get(chain, (distances, _MAX_SQUARINGS))
            if squarings < _MAX_SQUARINGS:
                kernel = kernel.clamp_min_(floor**0.5) if wide else kernel
                kernel.mul_(kernel)
                chains[chain] = (kernel, squarings + 1)
            else:
                exponent = torch.mul(distances, rate)
                kernel = (exponent.clamp_min_(math.log(floor)) if wide else exponent).exp_()
                chains[chain] = (kernel, 0)
            value = _add_up(value, kernel, weight)
            if ctx.needs_input_grad[0]:
                slope = _add_up(slope, kernel, weighted_rate)
        ctx.save_for_backward(distances, rates, slopes, slope)
        ctx.family = stride, wide
        return value

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None, None, None]:
        distances, rates, slopes, slope = ctx.saved_tensors
        if torch.is_grad_enabled():
            # A graph of the gradient is asked for, and the slope must have its own.
            slope = _GaussianKernelMean.apply(distances, rates, slopes, *ctx.family)
        return grad_outputs[0] * slope, None, None, None, None


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
    bandwidth : Tensor of shape () or float
        Bandwidth in the middle of the family.
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
    rates = kernel_rates(bandwidth, distances, n_kernels=n_kernels, spacing=spacing)
    if weights is None:
        weights = torch.full_like(rates, 1 / n_kernels)
    weights = torch.as_tensor(weights, dtype=rates.dtype, device=rates.device).detach()
    if weights.shape != (n_kernels,):
        raise ValueError(
            f"The 'weights' of the kernels must be n_kernels={n_kernels} numbers, one a kernel. "
            f"Got shape {tuple(weights.shape)} instead."
        )
    family = _halving_stride(spacing), spacing ** (n_kernels // 2) > _WIDE
    mean: Tensor = _GaussianKernelMean.apply(distances, rates, weights, *family)
    return mean
