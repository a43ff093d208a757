"""Adaptation losses of many models at once: tensors with a leading axis of models."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ..losses import CORALLoss, GaussianMMDLoss, LinearMMDLoss, MKMMDLoss, gaussian_kernel_mean
from ..losses.mmd import distance_of_means

__all__ = ["StackedDistance", "stacked_distance", "stacked_domain_bce"]

StackedDistance = Callable[[Tensor, Tensor], Tensor]


def stacked_distance(distance: Any) -> StackedDistance | None:
    """Return the form of a distance between samples that takes many pairs of samples.

    Parameters
    ----------
    distance : nn.Module
        Adaptation loss of one model, from `skda.losses`.

    Returns
    -------
    callable or None
        From source (n_models, n_s, d) and target (n_models, n_t, d) to Tensor (n_models,); None
        where there is no such form.

    Examples
    --------
    >>> from skda.losses import LinearMMDLoss
    >>> loss = stacked_distance(LinearMMDLoss())
    >>> loss(torch.zeros(2, 3, 1), torch.tensor([1.0, 2.0]).reshape(2, 1, 1))
    tensor([1., 4.])
    """
    kind = type(distance)
    if kind is LinearMMDLoss:
        return partial(distance_of_means, unbiased=distance.unbiased)
    if kind is CORALLoss:
        return _coral
    if kind is GaussianMMDLoss and not distance.unbiased:
        return _Kernels(1, 2.0, None, distance.bandwidth)
    if kind is MKMMDLoss and distance.estimator == "quadratic" and not distance.unbiased:
        return _Kernels(distance.n_kernels, distance.spacing, distance.weights, distance.bandwidth)
    return None


def stacked_domain_bce(source_logits: Tensor, target_logits: Tensor) -> Tensor:
    """Return `skda.losses.domain_bce` of each model, for logits (n_models, n_rows)."""
    return softplus(source_logits).mean(dim=1) + softplus(-target_logits).mean(dim=1)


def _scaled_deviations(samples: Tensor) -> Tensor:
    shifted = samples - samples[:, :1].detach()
    return (shifted - shifted.mean(dim=1, keepdim=True)) / (samples.shape[1] - 1) ** 0.5


def _coral(source: Tensor, target: Tensor) -> Tensor:
    rows = torch.cat([_scaled_deviations(source), _scaled_deviations(target)], dim=1)
    _, n, d = rows.shape
    signs = rows.new_ones(n, 1)
    signs[source.shape[1] :] = -1
    if d <= n:
        gram = torch.bmm(rows.transpose(1, 2), signs * rows)
    else:
        gram = torch.bmm(rows, rows.transpose(1, 2)) * (signs * signs.T)
        return (gram * gram * (signs * signs.T)).sum(dim=(1, 2)) / (4 * d**2)
    return gram.square().sum(dim=(1, 2)) / (4 * d**2)


class _Distances(torch.autograd.Function):
    """Squared distances among the rows of each sample, with one product in the backward pass."""

    @staticmethod
    def forward(ctx: Any, points: Tensor) -> Tensor:
        ctx.save_for_backward(points)
        norms = points.square().sum(dim=2)
        sums = norms[:, :, None] + norms[:, None, :]
        distances = torch.baddbmm(sums, points, points.transpose(1, 2), alpha=-2).clamp_min_(0)
        distances.diagonal(dim1=1, dim2=2).zero_()
        return distances

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        (points,) = ctx.saved_tensors
        pull = grad_outputs[0] + grad_outputs[0].transpose(1, 2)
        weighted = pull.sum(dim=2, keepdim=True) * points
        return torch.baddbmm(weighted, pull, points, alpha=-1).mul_(2)


def _medians(distances: Tensor) -> Tensor:
    """Median over the pairs of distinct rows of each sample; the mean where it is zero."""
    distances = distances.detach()
    m, n, _ = distances.shape
    # read on in rows of n + 1, the diagonal is the last column, as in losses.median_of_pairs
    shifted = distances.flatten(1)[:, 1:].view(m, n - 1, n + 1)
    pairs = shifted[:, :, : n // 2].flatten(1)
    if n % 2:
        pairs = torch.cat([pairs, shifted[:, : n // 2, n // 2]], dim=1)
    if pairs.device.type == "cpu":  # twice as fast
        middle = (pairs.shape[1] - 1) // 2
        medians = torch.from_numpy(np.partition(pairs.numpy(), middle, axis=1)[:, middle].copy())
    else:
        medians = pairs.median(dim=1).values
    return torch.where(medians > 0, medians, pairs.mean(dim=1))


class _Kernels(nn.Module):
    """Biased squared MMD over all pairs, with Gaussian kernels, of each model."""

    def __init__(
        self, n_kernels: int, spacing: float, weights: Tensor | None, bandwidth: float | None
    ) -> None:
        super().__init__()
        self.family: dict[str, Any] = {"n_kernels": n_kernels, "spacing": spacing}
        self.weights, self.bandwidth = weights, bandwidth

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        points = torch.cat([source, target], dim=1)
        first = points[:, :1].detach()
        centre = first + (points.detach() - first).mean(dim=1, keepdim=True)
        distances = _Distances.apply(points - centre)
        if self.bandwidth is None:
            # in units of each model's own bandwidth; where all rows are equal it is 0, and the
            # kernels are one everywhere
            rates = 1 / _medians(distances)
            distances = distances * torch.where(rates.isfinite(), rates, 0)[:, None, None]
        kernel = gaussian_kernel_mean(
            distances, self.bandwidth or 1.0, weights=self.weights, **self.family
        )
        sizes = source.shape[1], target.shape[1]
        signs = [kernel.new_full((n,), sign / n) for n, sign in zip(sizes, (1, -1), strict=True)]
        return (kernel @ torch.cat(signs)) @ torch.cat(signs)
