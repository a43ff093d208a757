"""The quadratic estimate of a squared (joint) MMD and its gradient, in one piece."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import mul
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .distances import centred_distances, median_of_pairs
from .estimators import domain_weights, mmd2_from_kernel, sample_kernel
from .kernels import as_weights, kernel_value_and_slope, widest_rate

__all__ = ["KernelFamily", "pooled_mmd2"]


class KernelFamily(NamedTuple):
    """Gaussian kernels on one layer; see :func:`gaussian_kernel_mean` and `sample_kernel`."""

    n_kernels: int
    spacing: float
    bandwidth: float | Tensor | None = None
    weights: Tensor | Sequence[float] | None = None


def _kernel_and_slope(
    distances: Tensor, family: KernelFamily, with_slope: bool
) -> tuple[Tensor, Any, Tensor | float]:
    """Return the kernel, its slope up to a factor, and the factor."""
    n_kernels, spacing, bandwidth, weights = family
    gamma = median_of_pairs(distances) if bandwidth is None else bandwidth
    rate = widest_rate(gamma, distances, n_kernels=n_kernels, spacing=spacing)
    kernel, slope = kernel_value_and_slope(
        distances,
        rate,
        as_weights(weights, n_kernels, distances),
        n_kernels=n_kernels,
        spacing=spacing,
        with_slope=with_slope,
    )
    return kernel, slope, -rate


def _laplacian(slope: Tensor, factor: Tensor | float, n_source: int, unbiased: bool) -> Tensor:
    """Return, in place, L of the gradient L Z of the estimate with respect to the rows Z."""
    sizes = n_source, len(slope) - n_source
    weights = domain_weights(*sizes, slope)
    pull = slope.mul_(weights).mul_((-4 * factor * weights)[:, None])
    if unbiased:
        for rows, size in zip((slice(n_source), slice(n_source, None)), sizes, strict=True):
            # The diagonal does not matter: a row's distance from itself has no gradient.
            if size > 1:
                pull[rows, rows].mul_(size / (size - 1))
    pull.diagonal().sub_(pull.sum(1))
    return pull


class _PooledMMD(torch.autograd.Function):
    """Autograd, given the single steps, would pass over the (n, n) matrices twice as often."""

    @staticmethod
    def forward(
        ctx: Any, families: Sequence[KernelFamily], unbiased: bool, *samples: Tensor
    ) -> Tensor:
        sources, targets = samples[: len(families)], samples[len(families) :]
        n_source = len(sources[0])
        needs_grad = any(ctx.needs_input_grad)
        points, made = [], []
        for family, *layer in zip(families, sources, targets, strict=True):
            centred, distances = centred_distances(layer)
            points.append(centred)
            made.append(_kernel_and_slope(distances, family, needs_grad))
        kernels = [kernel for kernel, _, _ in made]
        value = mmd2_from_kernel(reduce(mul, kernels), n_source, unbiased=unbiased)
        if needs_grad:
            for i, (_, slope, _) in enumerate(made):
                for other in kernels[:i] + kernels[i + 1 :]:
                    slope.mul_(other)
            pulls = [_laplacian(slope, by, n_source, unbiased) for _, slope, by in made]
            ctx.save_for_backward(*samples, *points, *pulls)
        ctx.options = families, unbiased
        return value

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Any, ...]:
        families, unbiased = ctx.options
        n_layers = len(families)
        samples = ctx.saved_tensors[: 2 * n_layers]
        points, pulls = ctx.saved_tensors[-2 * n_layers : -n_layers], ctx.saved_tensors[-n_layers:]
        # Someone may call backward() inside autocast, where the products would be halved.
        with torch.autocast(samples[0].device.type, enabled=False):
            if torch.is_grad_enabled():
                # A graph of the gradient is asked for: the single steps have one.
                value = _step_by_step(families, unbiased, samples)
                grads = torch.autograd.grad(value, samples, grad_outputs, create_graph=True)
                return None, None, *grads
            n_source = len(samples[0])
            grads = [
                (pull @ z).mul_(grad_outputs[0]).tensor_split([n_source])
                for pull, z in zip(pulls, points, strict=True)
            ]
        return None, None, *(s for s, _ in grads), *(t for _, t in grads)


def _step_by_step(
    families: Sequence[KernelFamily], unbiased: bool, samples: Sequence[Tensor]
) -> Tensor:
    sources, targets = samples[: len(families)], samples[len(families) :]
    kernels = [
        sample_kernel(source, target, estimator="quadratic", **family._asdict())
        for family, source, target in zip(families, sources, targets, strict=True)
    ]
    return mmd2_from_kernel(reduce(mul, kernels), len(sources[0]), unbiased=unbiased)


def pooled_mmd2(
    families: Sequence[KernelFamily],
    sources: Sequence[Tensor],
    targets: Sequence[Tensor],
    *,
    unbiased: bool,
) -> Tensor:
    """Squared MMD over all pairs with the product of the layers' kernels.

    Parameters
    ----------
    families : sequence of KernelFamily
        Kernels of each layer.
    sources, targets : sequence of Tensor of shape (n_s, d_l) and (n_t, d_l)
        The layers.
    unbiased : bool
        Leave k(z, z) out of the terms within a domain.

    Returns
    -------
    Tensor of shape ()
        The estimate of :func:`mmd2_from_kernel`.

    Examples
    --------
    >>> source, target = torch.zeros(2, 1), torch.full((2, 1), 2.0)  # 2 - 2 exp(-4 / 8)
    >>> pooled_mmd2([KernelFamily(1, 2.0, 8.0)], [source], [target], unbiased=False)
    tensor(0.7869)
    """
    estimate: Tensor = _PooledMMD.apply(families, unbiased, *sources, *targets)
    return estimate
