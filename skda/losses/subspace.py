"""Representation subspace distance: the angles between the spaces that two batches span."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._core.bases import has_rank, safe_svd
from ._core.precision import full_precision
from ._core.validation import check_real, check_samples

__all__ = ["RSDLoss", "rsd"]


@full_precision
def rsd(source: Tensor, target: Tensor, *, mismatch: float = 0.1) -> Tensor:
    r"""Representation subspace distance, the adaptation loss of RSD.

    Parameters
    ----------
    source, target : Tensor of shape (..., n_s, d) and (..., n_t, d), float
        Features of the rows of each domain; the leading axes are models.
    mismatch : float, default=0.1
        Weight of the mismatch of the bases.

    Returns
    -------
    Tensor of shape (...)
        :math:`\sum_i \sin\theta_i + \beta \lVert |P_s| - |P_t| \rVert_F^2`, >= 0.

    Raises
    ------
    ValueError
        If the samples cannot be compared, or `mismatch` is negative.

    Notes
    -----
    U_s and U_t are the first k orthonormal bases of the rows of each batch, by decreasing singular
    value; :math:`U_s' U_t = P_s \cos(\theta) P_t'` gives the principal angles. The distance does
    not depend on the length of the features, and therefore suits a regression.

    k is the number of rows of the smaller batch, as in the paper, but at most half of the features,
    d / 2: the angles between bases of the whole space are always 0. The angles that count are as
    many as the smaller rank of the batches. The paper has the square of the mismatch, as here; its
    code has the norm, which has no gradient at zero.

    References
    ----------
    .. [1] Chen, X., Wang, S., Wang, J. and Long, M. (2021). Representation subspace distance for
       domain adaptation regression. ICML.

    Examples
    --------
    >>> rsd(torch.tensor([[2.0, 0.0]]), torch.tensor([[1.0, 1.0]]))  # 45 degrees
    tensor(0.7071)
    """
    check_samples("rsd", source, target)
    check_real("rsd", "mismatch", mismatch, low=0, closed=True)
    n_bases = min(source.shape[-2], target.shape[-2], max(1, source.shape[-1] // 2))
    (of_source, kept_source), (of_target, kept_target) = (
        _leading_bases(rows, n_bases) for rows in (source, target)
    )
    turned_source, cosines, turned_target = safe_svd(of_source.mT @ of_target)
    compared = torch.minimum(kept_source.sum(-1), kept_target.sum(-1))
    counts = torch.arange(n_bases, device=source.device) < compared[..., None]
    squares = 1 - cosines.square()
    # the root has no gradient where the angle is a rounding error
    opened = counts & (squares > 4 * torch.finfo(squares.dtype).eps * n_bases)
    sines = torch.where(opened, torch.where(opened, squares, 1).sqrt(), 0)
    apart = (turned_source.abs() - turned_target.abs()).square().sum(-2)
    distance: Tensor = (sines + mismatch * torch.where(counts, apart, 0)).sum(-1)
    return distance + 0 * cosines.sum(-1)  # NaN for features with NaN


def _leading_bases(rows: Tensor, n_bases: int) -> tuple[Tensor, Tensor]:
    """Return the first bases, zero beyond the rank of the rows, and which are within it."""
    _, values, bases = safe_svd(rows)
    kept = has_rank(values, *rows.shape[-2:])[..., :n_bases]
    return bases[..., :n_bases] * kept[..., None, :], kept


class RSDLoss(nn.Module):
    """The loss :func:`rsd` as a module, with the same parameters."""

    def __init__(self, mismatch: float = 0.1) -> None:
        super().__init__()
        self.mismatch = mismatch

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the subspace distance of source (..., n_s, d) and target (..., n_t, d)."""
        return rsd(source, target, mismatch=self.mismatch)
