"""DARE-GRAM: the angles and the scale of the inverse Gram matrices of two batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._bases import has_rank, safe_svd
from ._precision import full_precision
from ._validation import check_real, check_samples

__all__ = ["DAREGRAMLoss", "dare_gram"]


@full_precision
def dare_gram(
    source: Tensor, target: Tensor, *, threshold: float = 0.99, scale: float = 0.7
) -> Tensor:
    r"""Distance of the inverse Gram matrices, the adaptation loss of DARE-GRAM.

    Parameters
    ----------
    source : Tensor of shape (..., n_s, d), float
        Features of source rows; the leading axes are models.
    target : Tensor of shape (..., n_t, d), float
        Features of target rows.
    threshold : float, default=0.99
        Share of the sum of the eigenvalues that the inverses keep, in (0, 1].
    scale : float, default=0.7
        Weight of the eigenvalues' distance.

    Returns
    -------
    Tensor of shape (...)
        :math:`\frac{1}{d + 1} \sum_j |1 - \cos(G_{s,j}^+, G_{t,j}^+)| + \frac{\alpha}{k} \lVert
        \lambda_s - \lambda_t \rVert_2`, >= 0 up to rounding.

    Raises
    ------
    ValueError
        If the samples cannot be compared, or an option is outside of its range.

    Notes
    -----
    :math:`G = A'A / n` with A = [1, Z] is the matrix that least squares on the features inverts.
    :math:`G^+` is its inverse on the eigenvectors of the k largest eigenvalues, as many as reach
    the threshold in both domains; :math:`\lambda` are these eigenvalues and
    :math:`G_j^+` the columns. A column that is zero in one of the domains, as that of a unit that
    is never active, counts as equal.

    The paper's code has sums over the rows of a batch for G, the weights .05 of the angles and
    .001 of the eigenvalues, and batches of 36: of means, .036. `scale` is their ratio, 0.7.

    References
    ----------
    .. [1] Nejjar, I., Wang, Q. and Fink, O. (2023). DARE-GRAM: unsupervised domain adaptation
       regression by aligning inverse Gram matrices. CVPR.

    Examples
    --------
    >>> round(dare_gram(torch.tensor([[1.0], [-1.0]]), torch.tensor([[2.0], [-2.0]])).item(), 3)
    1.05
    """
    check_samples("dare_gram", source, target)
    check_real("dare_gram", "threshold", threshold, low=0)
    if threshold > 1:
        raise ValueError(
            "The 'threshold' parameter of dare_gram must be a float in the range (0, 1]. "
            f"Got {threshold!r} instead."
        )
    check_real("dare_gram", "scale", scale, low=0, closed=True)
    (roots_s, bases_s), (roots_t, bases_t) = (
        safe_svd(_with_ones(rows) / rows.shape[-2] ** 0.5)[1:] for rows in (source, target)
    )
    n_kept = torch.maximum(_enough(roots_s, threshold), _enough(roots_t, threshold))
    inverse_s, inverse_t = (
        _inverse(roots, bases, n_kept, rows.shape[-2])
        for roots, bases, rows in ((roots_s, bases_s, source), (roots_t, bases_t, target))
    )
    longest = max(roots_s.shape[-1], roots_t.shape[-1])
    all_s, all_t = (
        functional.pad(roots.square(), (0, longest - roots.shape[-1]))
        for roots in (roots_s, roots_t)
    )
    kept = torch.arange(longest, device=source.device) < n_kept[..., None]
    between = _root(torch.where(kept, (all_s - all_t).square(), 0).sum(-1))
    return _angles(inverse_s, inverse_t) + scale * between / n_kept


def _with_ones(rows: Tensor) -> Tensor:
    return torch.cat([torch.ones_like(rows[..., :1]), rows], -1)


def _enough(roots: Tensor, threshold: float) -> Tensor:
    """Return how many of the eigenvalues have this share of their sum, shape (...)."""
    eigenvalues = roots.detach().square()
    shares = eigenvalues.cumsum(-1) / eigenvalues.sum(-1, keepdim=True)
    # up to rounding: the sum of all of them is 1
    short = shares < threshold - shares.shape[-1] * torch.finfo(shares.dtype).eps
    return (short.sum(-1) + 1).clamp_max(shares.shape[-1])


def _inverse(roots: Tensor, bases: Tensor, n_kept: Tensor, n_rows: int) -> Tensor:
    """Return the inverse Gram matrix on the first eigenvectors, (..., d + 1, d + 1)."""
    kept = torch.arange(roots.shape[-1], device=roots.device) < n_kept[..., None]
    kept = kept & has_rank(roots, n_rows, bases.shape[-2])
    weights = torch.where(kept, 1 / torch.where(kept, roots, 1).square(), 0)
    return (bases * weights[..., None, :]) @ bases.mT


def _angles(inverse_s: Tensor, inverse_t: Tensor) -> Tensor:
    """Return the mean of 1 - cos over the columns."""
    norms_s, norms_t = (inverse.square().sum(-2) for inverse in (inverse_s, inverse_t))
    rounding = torch.finfo(norms_s.dtype).eps
    defined = (norms_s > rounding * norms_s.amax(-1, keepdim=True)) & (
        norms_t > rounding * norms_t.amax(-1, keepdim=True)
    )
    lengths = torch.where(defined, norms_s, 1).sqrt() * torch.where(defined, norms_t, 1).sqrt()
    cosines = (inverse_s * inverse_t).sum(-2) / lengths
    return torch.where(defined, 1 - cosines, 0).mean(-1)


def _root(square: Tensor) -> Tensor:
    """Return the square root, without a gradient at zero."""
    positive = square > 0
    root: Tensor = torch.where(positive, torch.where(positive, square, 1).sqrt(), square)
    return root


class DAREGRAMLoss(nn.Module):
    """Module face of :func:`dare_gram`."""

    def __init__(self, threshold: float = 0.99, scale: float = 0.7) -> None:
        super().__init__()
        self.threshold = threshold
        self.scale = scale

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the distance of source (..., n_s, d) and target (..., n_t, d)."""
        return dare_gram(source, target, threshold=self.threshold, scale=self.scale)
