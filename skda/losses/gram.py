"""DARE-GRAM: the angles and the scale of the inverse Gram matrices of two batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._core.bases import has_rank, safe_svd
from ._core.precision import full_precision
from ._core.validation import check_real, check_samples

__all__ = ["DAREGRAMLoss", "dare_gram"]


@full_precision
def dare_gram(
    source: Tensor, target: Tensor, *, threshold: float = 0.99, scale: float = 0.7
) -> Tensor:
    r"""Distance of the inverse Gram matrices, the adaptation loss of DARE-GRAM.

    Parameters
    ----------
    source, target : Tensor of shape (..., n_s, d) and (..., n_t, d), float
        Features of the rows of each domain; the leading axes are models.
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
    the threshold in both domains. :math:`\lambda` are these eigenvalues and :math:`G_j^+` the
    columns. A column that is zero in one of the domains, as that of a unit that is never active,
    adds nothing.

    The paper's code weighs the angles by .05 and the eigenvalues by .001. It has sums over the 36
    rows of a batch in G: for means, the second weight is .036. `scale` is the ratio, 0.7.

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
    longest = max(source.shape[-2], target.shape[-2])
    both = torch.stack([_with_ones(source, longest), _with_ones(target, longest)])
    _, roots, bases = safe_svd(both)
    n_kept = _enough(roots, threshold).amax(0)
    left_out = torch.arange(roots.shape[-1], device=source.device) >= n_kept[..., None]
    eigenvalues = roots.square()
    difference = (eigenvalues[0] - eigenvalues[1]).masked_fill(left_out, 0)
    between: Tensor = torch.linalg.vector_norm(difference, dim=-1)
    left_out = left_out | ~has_rank(roots, longest, bases.shape[-2])
    weights = roots.masked_fill(left_out, torch.inf).pow(-2)
    return _angles(bases, bases * weights[..., None, :]) + scale * between / n_kept


def _with_ones(rows: Tensor, n: int) -> Tensor:
    """Return [1, Z] / sqrt(n_rows), with rows of zeros up to n, which do not change A'A."""
    joined = torch.cat([torch.ones_like(rows[..., :1]), rows], -1) / rows.shape[-2] ** 0.5
    return functional.pad(joined, (0, 0, 0, n - rows.shape[-2])) if n > rows.shape[-2] else joined


def _enough(roots: Tensor, threshold: float) -> Tensor:
    """Return how many eigenvalues reach this share of their sum, shape (...)."""
    eigenvalues = roots.detach().square()
    shares = eigenvalues.cumsum(-1) / eigenvalues.sum(-1, keepdim=True)
    # up to rounding: all of them reach 1
    short = shares < threshold - shares.shape[-1] * torch.finfo(shares.dtype).eps
    return (short.sum(-1) + 1).clamp_max(shares.shape[-1])


def _angles(bases: Tensor, weighted: Tensor) -> Tensor:
    """Return the mean of 1 - cos over the columns of the two domains' inverses.

    The inverses are W V' with the bases V (2, ..., d, r) and W = V / eigenvalues. As V' keeps
    lengths, the inverses (d, d) are never formed.
    """
    lengths = torch.linalg.vector_norm(weighted, dim=-1)
    known = lengths.detach()
    rounding = torch.finfo(known.dtype).eps ** 0.5
    zero = (known <= rounding * known.amax(-1, keepdim=True)).any(0)
    cosines = ((weighted[0] @ (bases[0].mT @ bases[1])) * weighted[1]).sum(-1)
    cosines = cosines / (lengths[0] * lengths[1]).masked_fill(zero, 1)
    angles: Tensor = (1 - cosines).masked_fill(zero, 0).mean(-1)
    return angles


class DAREGRAMLoss(nn.Module):
    """The loss :func:`dare_gram` as a module, with the same parameters."""

    def __init__(self, threshold: float = 0.99, scale: float = 0.7) -> None:
        super().__init__()
        self.threshold = threshold
        self.scale = scale

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the distance of source (..., n_s, d) and target (..., n_t, d)."""
        return dare_gram(source, target, threshold=self.threshold, scale=self.scale)
