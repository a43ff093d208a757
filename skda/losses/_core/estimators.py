"""Two estimators of a squared MMD: from all pairs, and from disjoint quad-tuples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from operator import mul

import torch
from torch import Tensor

from .distances import median_or_mean, quad_tuple_distances
from .kernels import KernelFamily

__all__ = ["domain_weights", "mmd2_from_kernel", "mmd2_from_quad_tuples", "quad_tuple_mmd2"]


@lru_cache(maxsize=32)
def domain_weights(
    n_source: int, n_target: int, dtype: torch.dtype, device: torch.device, correction: int = 0
) -> Tensor:
    """Weights of the rows of both domains: 1 / n_source each, then -1 / n_target each.

    With a kernel matrix K the biased estimate is w'Kw. A `correction` is subtracted from both
    numbers of rows. The tensor must not be changed.

    >>> domain_weights(2, 1, torch.float32, torch.device("cpu"))
    tensor([ 0.5000,  0.5000, -1.0000])
    """
    with torch.inference_mode(False):  # autograd must accept it later
        weights = torch.empty(n_source + n_target, dtype=dtype, device=device)
        weights[:n_source] = 1 / (n_source - correction)
        weights[n_source:] = -1 / (n_target - correction)
    return weights


def mmd2_from_kernel(kernel: Tensor, n_source: int, *, unbiased: bool = False) -> Tensor:
    """Squared MMD, (...), from the kernel matrix of the pooled sample, source rows first.

    The unbiased estimate leaves out the diagonals of the two terms within a domain, and may be
    negative. A domain of one row has nothing off the diagonal; its term stays the biased one.

    >>> mmd2_from_kernel(torch.eye(4), 2), mmd2_from_kernel(torch.eye(4), 2, unbiased=True)
    (tensor(1.), tensor(0.))
    """
    sizes = (n_source, kernel.shape[-1] - n_source)
    row_weights = domain_weights(*sizes, kernel.dtype, kernel.device)
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


def quad_tuple_mmd2(
    families: Sequence[KernelFamily], sources: Sequence[Tensor], targets: Sequence[Tensor]
) -> Tensor:
    """Squared MMD, (...), in linear time, with the product of the layers' kernels.

    There is a family for each layer, and sources (..., n_s, d_l) and targets (..., n_t, d_l) are
    the layers. Without a quad-tuple the estimate is zero.
    """
    kernels = [
        family.mean(
            quad_tuple_distances(source, target), lambda found: median_or_mean(found.flatten(-2))
        )
        for family, source, target in zip(families, sources, targets, strict=True)
    ]
    tuples = mmd2_from_quad_tuples(reduce(mul, kernels))
    return tuples.sum(-1) / max(tuples.shape[-1], 1)
