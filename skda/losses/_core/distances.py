"""Squared distances between rows, and the bandwidth that their median gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .precision import full_precision
from .validation import check_samples

# Distances from products are exact enough while the mean of the squared norms is less than this
# many times the squared distances that matter.
_FAR = 1e3

__all__ = [
    "answers_at_once",
    "centred_distances",
    "distances_and_bandwidth",
    "median_bandwidth",
    "median_of_pairs",
    "median_or_mean",
    "pairwise_squared_distances",
    "quad_tuple_distances",
    "squared_distances",
]


def _centre(points: Tensor) -> Tensor:
    # A shift changes no distance, and small norms round less. Subtracting the first row first makes
    # equal rows exactly zero; a plain mean would leave a rounding error.
    first = points[..., :1, :].detach()
    return first + (points.detach() - first).mean(-2, keepdim=True)


def centred_distances(
    samples: Sequence[Tensor], *, by_median: bool = False
) -> tuple[Tensor, Tensor]:
    """Return pooled and centred samples (..., n_i, d) and their squared distances, without a graph.

    The centre is the mean, or the median of each column. The shapes are (..., n, d) and (..., n, n)
    with n = Σ n_i. The samples are not changed.
    """
    points = torch.cat(list(samples), -2)
    if by_median:
        points.sub_(points.median(-2, keepdim=True).values)
    else:
        points.sub_(points[..., :1, :].clone()).sub_(points.mean(-2, keepdim=True))  # see _centre
    norms = torch.linalg.vector_norm(points, dim=-1).square_()
    distances = _minus_products(norms[..., None, :], points, points).add_(norms[..., None])
    distances.clamp_min_(0).diagonal(dim1=-2, dim2=-1).zero_()
    return points, distances


def _minus_products(norms: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return norms - 2 a b', in one pass, of a (..., n, d) and b (..., m, d)."""
    if a.ndim == 2:
        return torch.addmm(norms, a, b.T, alpha=-2)
    models = a.shape[:-2]
    norms, a, b = (x.reshape(-1, *x.shape[-2:]) for x in (norms, a, b))
    products: Tensor = torch.baddbmm(norms, a, b.mT, alpha=-2).unflatten(0, models)
    return products


class _PairwiseSquaredDistances(torch.autograd.Function):
    """Distances among pooled rows, with one matrix product in each direction."""

    @staticmethod
    def forward(ctx: Any, *samples: Tensor) -> Tensor:
        points, distances = centred_distances(samples)
        ctx.save_for_backward(points, *samples)
        return distances

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, ...]:
        points, *samples = ctx.saved_tensors
        if torch.is_grad_enabled():
            # The gradient needs a graph of its own, and so do the points.
            points = torch.cat(samples, -2)
            points = points - _centre(points)
        # sum_j pull_ij (x_i - x_j) is one product, with the sums of the rows on the diagonal. The
        # transpose is copied first, because adding a strided matrix takes several times longer.
        grad = grad_outputs[0]
        pull = grad.mT.contiguous().add(grad).mul_(-2)
        diagonal = pull.diagonal(dim1=-2, dim2=-1)
        diagonal.zero_()  # before the sum, which would lose digits beside a large diagonal
        diagonal.sub_(pull.sum(-1))
        # Inside autocast the product would be in half precision.
        with torch.autocast(points.device.type, enabled=False):
            sizes = [sample.shape[-2] for sample in samples]
            grads: tuple[Tensor, ...] = (pull @ points).split(sizes, -2)
            return grads


def pairwise_squared_distances(*samples: Tensor) -> Tensor:
    """Squared Euclidean distances (..., n, n) among all rows of the pooled samples (..., n_i, d).

    n is Σ n_i. They are not negative, and zero on the diagonal.

    >>> pairwise_squared_distances(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    tensor([[ 0., 25.],
            [25.,  0.]])
    """
    distances: Tensor = _PairwiseSquaredDistances.apply(*samples)
    return distances


@full_precision
def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distances between the rows of two samples.

    Parameters
    ----------
    a, b : Tensor of shape (..., n, d) and (..., m, d)
        The samples; the leading axes are models.

    Returns
    -------
    Tensor of shape (..., n, m)
        Not negative.

    Raises
    ------
    ValueError
        If a or b is not a non-empty float tensor of shape (..., rows, d) with the same d.

    Notes
    -----
    By the Gram matrix, ‖a‖² + ‖b‖² − 2 a·b: memory grows with n m + (n + m) d, never n m d.

    Examples
    --------
    >>> squared_distances(torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]]))
    tensor([[9.],
            [4.]])
    """
    check_samples("squared_distances", a, b)
    centre = _centre(a)
    a, b = a - centre, b - centre
    norms = a.square().sum(-1, keepdim=True) + b.square().sum(-1)[..., None, :]
    return _minus_products(norms, a, b).clamp_min(0)


def quad_tuple_distances(source: Tensor, target: Tensor) -> Tensor:
    """Squared distances within disjoint tuples of two source and two target rows.

    Tuple i takes the source rows x = 2i and x' = 2i + 1 and the target rows y and y' likewise.
    Returns ‖x − x'‖², ‖y − y'‖², ‖x − y'‖², ‖x' − y‖² in shape (..., 4, min(n_s, n_t) // 2). Time
    and memory are linear in the rows.

    >>> quad_tuple_distances(torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0], [4.0]]))
    tensor([[ 1.],
            [ 4.],
            [16.],
            [ 1.]])
    """
    used = 2 * (min(source.shape[-2], target.shape[-2]) // 2)
    x, x_next, y, y_next = (
        sample[..., start:used:2, :] for sample in (source, target) for start in (0, 1)
    )
    pairs = ((x, x_next), (y, y_next), (x, y_next), (x_next, y))
    return torch.stack([(one - other).square().sum(-1) for one, other in pairs], -2)


def _lower_median(values: Tensor) -> Tensor:
    n = values.shape[-1]
    if n == 0:
        return values.sum(-1)
    middle = (n - 1) // 2
    if not answers_at_once(values):  # a GPU takes the median of a long row with one block only
        return values.sort(-1).values[..., middle]
    # NumPy's partition takes less than half of the time of torch's median.
    return torch.as_tensor(np.partition(values.numpy(), middle, axis=-1)[..., middle])


def median_or_mean(distances: Tensor) -> Tensor:
    """Median of squared distances (..., n), or their mean where the median is zero; detached.

    The median is the lower of the two middle values when n is even. The result is zero only when
    every distance is zero: where most rows are equal, as after a dead ReLU, the mean is above 0.

    >>> median_or_mean(torch.tensor([4.0, 1.0, 9.0])), median_or_mean(torch.tensor([0.0, 0.0, 6.0]))
    (tensor(4.), tensor(2.))
    """
    distances = distances.detach()
    median = _lower_median(distances)
    return torch.where(median > 0, median, distances.mean(-1))


def median_of_pairs(distances: Tensor) -> Tensor:
    """:func:`median_or_mean` over the pairs of distinct rows of squared distances (..., n, n).

    The n (n − 1) / 2 values, n >= 2, are those on one side of the diagonal; detached.

    >>> median_of_pairs(torch.tensor([[0.0, 1.0, 4.0], [1.0, 0.0, 9.0], [4.0, 9.0, 0.0]]))
    tensor(4.)
    """
    return median_or_mean(_pairs(distances))


def _pairs(distances: Tensor) -> Tensor:
    *models, n, _ = distances.shape
    # Without its first entry and in rows of n + 1, the matrix has its diagonal in the last column.
    # The first half of these rows has every pair once. Indexing a triangle takes ten times longer.
    shifted = distances.detach().flatten(-2)[..., 1:].view(*models, n - 1, n + 1)
    pairs = shifted[..., : n // 2].flatten(-2)
    if n % 2:
        pairs = torch.cat([pairs, shifted[..., : n // 2, n // 2]], -1)
    return pairs


def distances_and_bandwidth(
    samples: Sequence[Tensor], bandwidth: float | Tensor | None = None
) -> tuple[Tensor, Tensor, float | Tensor]:
    """Return pooled samples, centred, their squared distances and the bandwidth, without a graph.

    The shapes are (..., n, d) and (..., n, n) with n = Σ n_i. The centre is the mean, the median or
    one of the rows. A bandwidth of None is :func:`median_of_pairs`. Distances of the size of the
    bandwidth are exact, however far some rows lie from the others. The samples are not changed.
    """
    # The error of a product grows with the squared norms. A single outlier can move the mean so far
    # from all other rows that the distances between them are lost. Finding an outlier would wait
    # for a GPU: there, the centre is the median.
    asked = answers_at_once(samples[0])
    points, distances = centred_distances(samples, by_median=not asked)
    scale: Any = _lower_median(pairs := _pairs(distances)) if bandwidth is None else bandwidth
    if asked and _measured_again(samples, points, distances, scale) and bandwidth is None:
        scale = _lower_median(pairs := _pairs(distances))
    if bandwidth is None:
        scale = torch.where(scale > 0, scale, pairs.mean(-1))
    return points, distances, scale


def answers_at_once(tensor: Tensor) -> bool:
    """Say whether Python may read a tensor's numbers without waiting for a device."""
    return tensor.device.type == "cpu"


def _measured_again(
    samples: Sequence[Tensor], points: Tensor, distances: Tensor, scale: float | Tensor
) -> bool:
    """Measure models with rows far from the mean again, exactly and in place; say if any are."""
    squares = torch.linalg.vector_norm(points, dim=(-2, -1)).square_()
    far = squares > scale * (_FAR * points.shape[-2])
    if not far.any():
        return False
    rows = torch.cat(list(samples), -2)[far]
    exact = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist").square_()
    middle = exact.median(-1).values.argmin(-1)  # a row that has many others around it
    distances[far], points[far] = exact, rows - rows.take_along_dim(middle[:, None, None], -2)
    return True


@full_precision
def median_bandwidth(source: Tensor, target: Tensor) -> Tensor:
    """Bandwidth of a Gaussian kernel by the median heuristic.

    Parameters
    ----------
    source, target : Tensor of shape (..., n_s, d) and (..., n_t, d)
        Rows of each domain; the leading axes are models.

    Returns
    -------
    Tensor of shape (...)
        Median of ‖z_i − z_j‖² over the pairs i < j of the pooled sample, in squared units of
        the features; detached. The lower of the two middle values when their number is even,
        the mean when the median is zero, and zero when all rows are equal.

    Raises
    ------
    ValueError
        If the samples are not non-empty float tensors of shape (..., rows, d) with the same d.

    Examples
    --------
    >>> median_bandwidth(torch.tensor([[0.0], [1.0]]), torch.tensor([[3.0]]))
    tensor(4.)
    """
    check_samples("median_bandwidth", source, target)
    return torch.as_tensor(distances_and_bandwidth([source.detach(), target.detach()])[2])
