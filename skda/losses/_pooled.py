"""The quadratic estimate of a squared (joint) MMD and its gradient, in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import mul
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._distances import centred_distances, median_of_pairs
from ._estimators import domain_weights, mmd2_from_kernel, sample_kernel
from ._kernels import as_weights, kernel_value_and_slope, widest_rate

__all__ = ["KernelFamily", "pooled_mmd2"]


# numbers in a matrix of a chunk of models; several such matrices should fit in the L2 cache
_CHUNK = 2**15


class KernelFamily(NamedTuple):
    """Gaussian kernels on one layer; see :func:`gaussian_kernel_mean` and `sample_kernel`."""

    n_kernels: int
    spacing: float
    bandwidth: float | Tensor | None = None
    weights: Tensor | Sequence[float] | None = None


def _chunks(samples: Sequence[Tensor]) -> Iterator[slice]:
    """Cut the models so that their (n, n) matrices stay in the cache."""
    n_models = len(samples[0])
    n = samples[0].shape[-2] + samples[-1].shape[-2]
    size = max(1, _CHUNK // n**2)
    return (slice(start, start + size) for start in range(0, n_models, size))


def _kernel_and_slope(
    distances: Tensor, family: KernelFamily, chunk: slice, with_slope: bool
) -> tuple[Tensor, Any, Tensor | float]:
    """Return the kernels of a chunk of models, their slopes up to a factor, and the factor."""
    n_kernels, spacing, bandwidth, weights = family
    if bandwidth is None:
        bandwidth = median_of_pairs(distances)
    elif isinstance(bandwidth, Tensor) and bandwidth.ndim:
        bandwidth = bandwidth.flatten()[chunk]
    rate = widest_rate(bandwidth, distances, n_kernels=n_kernels, spacing=spacing)
    kernel, slope = kernel_value_and_slope(
        distances,
        rate,
        as_weights(weights, n_kernels, distances),
        n_kernels=n_kernels,
        spacing=spacing,
        with_slope=with_slope,
    )
    return kernel, slope, -rate


def _gradient(
    slope: Tensor, factor: Tensor | float, points: Tensor, n_source: int, unbiased: bool
) -> Tensor:
    """Return the gradient of the estimates with respect to the rows; overwrites the slopes."""
    sizes = n_source, points.shape[-2] - n_source
    if unbiased:
        for rows, size in zip((slice(n_source), slice(n_source, None)), sizes, strict=True):
            if size > 1:
                slope[:, rows, rows].mul_(size / (size - 1))
    slope.diagonal(dim1=-2, dim2=-1).zero_()  # a row's distance from itself has no gradient
    # Σ_j w_i s_ij w_j (z_i - z_j): a row of ones behind the points gives the sums of the s_ij w_j.
    # The slopes are symmetric, and this order of the factors takes half of the time.
    weights = domain_weights(*sizes, points)
    columns = torch.cat([points, points.new_ones(*points.shape[:-1], 1)], -1).mT * weights
    pulled = columns @ slope
    gradient = (pulled[..., -1:, :] * points.mT).sub_(pulled[..., :-1, :])
    return gradient.mul_(weights * (4 * factor)).mT


def _values_and_gradients(
    families: Sequence[KernelFamily],
    unbiased: bool,
    sources: Sequence[Tensor],
    targets: Sequence[Tensor],
    chunk: slice,
    needs_grad: bool,
) -> tuple[Tensor, list[Tensor]]:
    """Return the estimates of a chunk of models and their gradients for the rows of each layer."""
    n_source = sources[0].shape[-2]
    points, made = [], []
    for family, *layer in zip(families, sources, targets, strict=True):
        centred, distances = centred_distances([rows[chunk] for rows in layer])
        points.append(centred)
        made.append(_kernel_and_slope(distances, family, chunk, needs_grad))
    kernels = [kernel for kernel, _, _ in made]
    values = mmd2_from_kernel(reduce(mul, kernels), n_source, unbiased=unbiased)
    if not needs_grad:
        return values, []
    for i, (_, slope, _) in enumerate(made):
        for other in kernels[:i] + kernels[i + 1 :]:
            slope.mul_(other)
    return values, [
        _gradient(slope, factor, z, n_source, unbiased)
        for (_, slope, factor), z in zip(made, points, strict=True)
    ]


class _PooledMMD(torch.autograd.Function):
    """Autograd, given the single steps, would read the (n, n) matrices twice as often."""

    @staticmethod
    def forward(
        ctx: Any, families: Sequence[KernelFamily], unbiased: bool, *samples: Tensor
    ) -> Tensor:
        n_layers, needs_grad = len(families), any(ctx.needs_input_grad)
        models = samples[0].shape[:-2]
        flat = [sample.reshape(-1, *sample.shape[-2:]) for sample in samples]
        layers = flat[:n_layers], flat[n_layers:]
        parts = [
            _values_and_gradients(families, unbiased, *layers, chunk, needs_grad)
            for chunk in _chunks(flat)
        ]
        gradients = [torch.cat(of_layer) for of_layer in zip(*(g for _, g in parts), strict=True)]
        ctx.save_for_backward(*samples, *gradients)
        ctx.options = families, unbiased
        return torch.cat([values for values, _ in parts]).reshape(models)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Any, ...]:
        families, unbiased = ctx.options
        n_layers = len(families)
        samples, gradients = ctx.saved_tensors[: 2 * n_layers], ctx.saved_tensors[2 * n_layers :]
        if torch.is_grad_enabled():
            # A graph of the gradient is asked for: the single steps have one.
            # Someone may call backward() inside autocast, where the products would be halved.
            with torch.autocast(samples[0].device.type, enabled=False):
                value = _step_by_step(families, unbiased, samples)
                grads = torch.autograd.grad(value, samples, grad_outputs, create_graph=True)
            return None, None, *grads
        *models, n_source, _ = samples[0].shape
        scales = grad_outputs[0].reshape(-1, 1, 1)
        grads = [
            (gradient * scales).unflatten(0, models or (1,)).tensor_split([n_source], -2)
            for gradient in gradients
        ]
        if not models:
            grads = [(s[0], t[0]) for s, t in grads]
        return None, None, *(s for s, _ in grads), *(t for _, t in grads)


def _step_by_step(
    families: Sequence[KernelFamily], unbiased: bool, samples: Sequence[Tensor]
) -> Tensor:
    sources, targets = samples[: len(families)], samples[len(families) :]
    kernels = [
        sample_kernel(source, target, estimator="quadratic", **family._asdict())
        for family, source, target in zip(families, sources, targets, strict=True)
    ]
    return mmd2_from_kernel(reduce(mul, kernels), sources[0].shape[-2], unbiased=unbiased)


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
    sources, targets : sequence of Tensor of shape (..., n_s, d_l) and (..., n_t, d_l)
        The layers; the leading axes are models.
    unbiased : bool
        Leave k(z, z) out of the terms within a domain.

    Returns
    -------
    Tensor of shape (...)
        The estimate of :func:`mmd2_from_kernel`.

    Examples
    --------
    >>> source, target = torch.zeros(2, 1), torch.full((2, 1), 2.0)  # 2 - 2 exp(-4 / 8)
    >>> pooled_mmd2([KernelFamily(1, 2.0, 8.0)], [source], [target], unbiased=False)
    tensor(0.7869)
    """
    estimate: Tensor = _PooledMMD.apply(families, unbiased, *sources, *targets)
    return estimate
