"""Two estimators of a squared MMD: from all pairs, and from disjoint quad-tuples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from .distances import (
    median_of_pairs,
    median_or_mean,
    pairwise_squared_distances,
    quad_tuple_distances,
)
from .kernels import gaussian_kernel_mean

__all__ = [
    "ESTIMATORS",
    "domain_weights",
    "estimate_mmd2",
    "mmd2_from_kernel",
    "mmd2_from_quad_tuples",
    "sample_kernel",
]

ESTIMATORS = ("quadratic", "linear")


def sample_kernel(
    source: Tensor,
    target: Tensor,
    *,
    estimator: str,
    bandwidth: float | Tensor | None,
    n_kernels: int,
    spacing: float,
    weights: Tensor | Sequence[float] | None = None,
) -> Tensor:
    """Kernel values that an estimator needs, as :func:`estimate_mmd2` takes them.

    For "quadratic" all pairs of the pooled sample, of shape (..., n_s + n_t, n_s + n_t); for
    "linear" the pairs within disjoint quad-tuples, of shape (..., 4, min(n_s, n_t) // 2). A
    bandwidth of None is the median over those pairs; the other options are those of
    :func:`gaussian_kernel_mean`.
    """
    if estimator == "quadratic":
        distances = pairwise_squared_distances(source, target)
        gamma = median_of_pairs(distances) if bandwidth is None else bandwidth
    else:
        distances = quad_tuple_distances(source, target)
        gamma = median_or_mean(distances.flatten(-2)) if bandwidth is None else bandwidth
    return gaussian_kernel_mean(
        distances, gamma, n_kernels=n_kernels, spacing=spacing, weights=weights
    )


@lru_cache(maxsize=32)
def _domain_weights(
    n_source: int, n_target: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    with torch.inference_mode(False):  # autograd must accept it later
        weights = torch.full((n_source + n_target,), 1 / n_source, dtype=dtype, device=device)
        weights[n_source:] = -1 / n_target
    return weights


def domain_weights(n_source: int, n_target: int, like: Tensor) -> Tensor:
    """Weights of the rows with which a kernel matrix K gives the biased estimate w'Kw.

    They are 1 / n_source, then -1 / n_target, in the dtype and on the device of `like`; not to be
    changed.

    >>> domain_weights(2, 1, torch.zeros(1))
    tensor([ 0.5000,  0.5000, -1.0000])
    """
    return _domain_weights(n_source, n_target, like.dtype, like.device)


def mmd2_from_kernel(kernel: Tensor, n_source: int, *, unbiased: bool = False) -> Tensor:
    """Squared MMD, (...), from the kernel matrix of the pooled sample, source rows first.

    Unbiased leaves the diagonals out of the two terms within a domain, and may be negative. A
    domain of one row has nothing off the diagonal; its term stays the biased one.

    >>> mmd2_from_kernel(torch.eye(4), 2), mmd2_from_kernel(torch.eye(4), 2, unbiased=True)
    (tensor(1.), tensor(0.))
    """
    sizes = (n_source, kernel.shape[-1] - n_source)
    row_weights = domain_weights(*sizes, kernel)
    value = kernel @ row_weights @ row_weights
    if unbiased:
        domains = (row_weights.clamp_min(0), -row_weights.clamp_max(0))
        for size, mean in zip(sizes, domains, strict=True):
            # (S - D) / (n (n - 1)) is S / n^2 + (S / n^2 - D / n) / (n - 1), for the sum S of a
            # domain's block and the sum D of its diagonal.
            if size > 1:
                excess = kernel @ mean @ mean - kernel.diagonal(dim1=-2, dim2=-1) @ mean
                value = value + excess / (size - 1)
    return value


def mmd2_from_quad_tuples(kernel: Tensor) -> Tensor:
    """Squared MMD h of every quad-tuple, (..., m), from kernel values of shape (..., 4, m).

    They are k(x, x'), k(y, y'), k(x, y'), k(x', y). The linear-time estimate is the mean of h.

    >>> mmd2_from_quad_tuples(torch.tensor([[1.0], [1.0], [0.5], [0.25]]))
    tensor([1.2500])
    """
    within_x, within_y, cross, next_cross = kernel.unbind(-2)
    return within_x + within_y - cross - next_cross


def estimate_mmd2(kernel: Tensor, n_source: int, *, estimator: str, unbiased: bool) -> Tensor:
    """Squared MMD, (...), from what :func:`sample_kernel` returned for the same estimator.

    The linear one is zero when there is no quad-tuple; `unbiased` is for the quadratic one.
    """
    if estimator == "quadratic":
        return mmd2_from_kernel(kernel, n_source, unbiased=unbiased)
    tuples = mmd2_from_quad_tuples(kernel)
    return tuples.sum(-1) / max(tuples.shape[-1], 1)
