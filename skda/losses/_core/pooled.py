"""The quadratic estimate of a squared (joint) MMD and its gradient, in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce
from operator import mul
from typing import Any

import torch
from torch import Tensor

from .distances import distances_and_bandwidth, median_of_pairs, pairwise_squared_distances
from .estimators import domain_weights, mmd2_from_kernel
from .kernels import KernelFamily, as_weights, kernel_value_and_slope, widest_rate

__all__ = ["pooled_mmd2"]

# Numbers in the (n, n) matrices of a chunk of models. Larger matrices are allocated anew each time.
_CHUNK = 2**18


def _chunks(samples: Sequence[Tensor]) -> Iterator[tuple[slice, list[Tensor]]]:
    """Cut the models into chunks whose (n, n) matrices are not large; one model stays whole."""
    if samples[0].ndim == 2:
        yield slice(None), list(samples)
        return
    flat = [sample.reshape(-1, *sample.shape[-2:]) for sample in samples]
    n = samples[0].shape[-2] + samples[-1].shape[-2]
    size = max(1, _CHUNK // n**2)
    for start in range(0, len(flat[0]), size):
        chunk = slice(start, start + size)
        yield chunk, [sample[chunk] for sample in flat]


def _kernel_and_slope(
    layer: Sequence[Tensor], family: KernelFamily, chunk: slice, with_slope: bool
) -> tuple[Tensor, Tensor, Any, Tensor | float]:
    """Return the points, the kernel, its slope over -rate and the rate of a chunk of models."""
    n_kernels, spacing, bandwidth, weights = family
    if isinstance(bandwidth, Tensor) and bandwidth.ndim:
        bandwidth = bandwidth.flatten()[chunk]
    points, distances, gamma = distances_and_bandwidth(layer, bandwidth)
    rate = widest_rate(gamma, distances, n_kernels=n_kernels, spacing=spacing)
    kernel, slope = kernel_value_and_slope(
        distances,
        rate,
        as_weights(weights, n_kernels, distances),
        n_kernels=n_kernels,
        spacing=spacing,
        with_slope=with_slope,
    )
    return points, kernel, slope, rate


@lru_cache(maxsize=8)
def _pair_weights(
    n_source: int, n_target: int, unbiased: bool, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return the weight of each pair of rows in the gradient, 0 for a row with itself."""
    rows = domain_weights(n_source, n_target, dtype, device)
    with torch.inference_mode(False):
        weights = 4 * torch.outer(rows, rows)
        if unbiased:
            for size, domain in ((n_source, slice(n_source)), (n_target, slice(n_source, None))):
                weights[domain, domain] *= size / max(size - 1, 1)
        return weights.fill_diagonal_(0)


def _gradient(
    slope: Tensor, rate: Tensor | float, points: Tensor, n_source: int, unbiased: bool
) -> Tensor:
    """Return the gradient of the estimates with respect to the rows; overwrite the slopes."""
    n_target = points.shape[-2] - n_source
    pull = slope.mul_(_pair_weights(n_source, n_target, unbiased, slope.dtype, slope.device))
    pull.diagonal(dim1=-2, dim2=-1).sub_(pull.sum(-1))
    # The matrix is symmetric. With the narrow factor first, the product takes half of the time.
    return (points.mT @ pull).mul_(rate).mT


def _values_and_gradients(
    families: Sequence[KernelFamily],
    unbiased: bool,
    chunk: slice,
    samples: Sequence[Tensor],
    needs_grad: bool,
) -> tuple[Tensor, list[Tensor]]:
    """Return the estimates of a chunk of models and their gradients for the rows of each layer."""
    n_layers, n_source = len(families), samples[0].shape[-2]
    layers = zip(samples[:n_layers], samples[n_layers:], strict=True)
    made = [
        _kernel_and_slope(layer, family, chunk, needs_grad)
        for layer, family in zip(layers, families, strict=True)
    ]
    kernels = [kernel for _, kernel, _, _ in made]
    values = mmd2_from_kernel(reduce(mul, kernels), n_source, unbiased=unbiased)
    if not needs_grad:
        return values, []
    for i, (_, _, slope, _) in enumerate(made):
        for other in kernels[:i] + kernels[i + 1 :]:
            slope.mul_(other)
    return values, [_gradient(slope, rate, z, n_source, unbiased) for z, _, slope, rate in made]


class _PooledMMD(torch.autograd.Function):
    """The estimate as one step; autograd would read the (n, n) matrices twice as often."""

    @staticmethod
    def forward(
        ctx: Any, families: Sequence[KernelFamily], unbiased: bool, *samples: Tensor
    ) -> Tensor:
        needs_grad = any(ctx.needs_input_grad)
        parts = [
            _values_and_gradients(families, unbiased, *chunk, needs_grad)
            for chunk in _chunks(samples)
        ]
        values, gradients = parts[0]
        if samples[0].ndim > 2:
            models = samples[0].shape[:-2]
            values = torch.cat([part for part, _ in parts]).unflatten(0, models)
            of_layers = zip(*(part for _, part in parts), strict=True)
            gradients = [torch.cat(layer).unflatten(0, models) for layer in of_layers]
        ctx.save_for_backward(*samples, *gradients)
        ctx.options = families, unbiased
        return values

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Any, ...]:
        families, unbiased = ctx.options
        n_layers = len(families)
        samples, gradients = ctx.saved_tensors[: 2 * n_layers], ctx.saved_tensors[2 * n_layers :]
        if torch.is_grad_enabled():
            # The gradient needs a graph of its own, which the single steps have.
            # Inside autocast the products would be in half precision.
            with torch.autocast(samples[0].device.type, enabled=False):
                value = _step_by_step(families, unbiased, samples)
                grads = torch.autograd.grad(value, samples, grad_outputs, create_graph=True)
            return None, None, *grads
        sizes = samples[0].shape[-2], samples[-1].shape[-2]
        scales = grad_outputs[0]
        if scales.ndim:
            scales = scales[..., None, None]
        grads = [(layer * scales).split_with_sizes(sizes, -2) for layer in gradients]
        return None, None, *(s for s, _ in grads), *(t for _, t in grads)


def _step_by_step(
    families: Sequence[KernelFamily], unbiased: bool, samples: Sequence[Tensor]
) -> Tensor:
    sources, targets = samples[: len(families)], samples[len(families) :]
    kernels = [
        family.mean(pairwise_squared_distances(source, target), median_of_pairs)
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
    """Squared MMD, of shape (...), over all pairs with the product of the layers' kernels.

    There is a family for each layer, and sources (..., n_s, d_l) and targets (..., n_t, d_l) are
    the layers. `unbiased` is that of :func:`mmd2_from_kernel`.

    >>> source, target = torch.zeros(2, 1), torch.full((2, 1), 2.0)  # 2 - 2 exp(-4 / 8)
    >>> pooled_mmd2([KernelFamily(1, 2.0, 8.0)], [source], [target], unbiased=False)
    tensor(0.7869)
    """
    estimate: Tensor = _PooledMMD.apply(families, unbiased, *sources, *targets)
    return estimate
