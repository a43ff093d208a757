"""Distance of the moments of several sources and the target."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor, nn

from ._core.precision import full_precision
from ._core.validation import check_int, check_samples

__all__ = ["MomentDistanceLoss", "moment_distance"]


@full_precision
def moment_distance(sources: Sequence[Tensor], target: Tensor, *, n_moments: int = 2) -> Tensor:
    r"""Distance of the first moments of each source from the target's, and from each other.

    .. math::

        \sum_{m=1}^{M} \left( \frac{1}{K} \sum_{k} \lVert E_k^m - E_t^m \rVert
            + \frac{2}{K (K - 1)} \sum_{j<k} \lVert E_j^m - E_k^m \rVert \right)

    with the means :math:`E^m` of the m-th powers of the features, column by column.

    Parameters
    ----------
    sources : sequence of K Tensors of shape (..., n_k, d), float
        Features of the rows of each source; the leading axes are models.
    target : Tensor of shape (..., n_t, d), float
        Features of target rows.
    n_moments : int, default=2
        M, the number of moments.

    Returns
    -------
    Tensor of shape (...)
        At least 0. With one source there is no second sum.

    Raises
    ------
    ValueError
        If the samples cannot be compared, or there is no source.

    References
    ----------
    .. [1] Peng, X., Bai, Q., Xia, X., Huang, Z., Saenko, K. and Wang, B. (2019). Moment matching
       for multi-source domain adaptation. ICCV, equation 1.

    Examples
    --------
    >>> one, two = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]])
    >>> moment_distance([one], two)  # |1 - 1| + |2 - 1|
    tensor(1.)
    >>> moment_distance([one, two], two)  # (1 + 0) / 2 + 1
    tensor(1.5000)
    """
    check_int("moment_distance", "n_moments", n_moments, low=1)
    if hasattr(sources, "ndim") or not sources:  # a tensor is a sequence as well
        raise ValueError(
            "The 'sources' parameter of moment_distance must hold a sample at least: a list with "
            f"the tensor of each source. Got {type(sources).__name__} of length {len(sources)}."
        )
    for source in sources:
        check_samples("moment_distance", source, target)
    total = target.new_zeros(target.shape[:-2])
    for power in range(1, n_moments + 1):
        *of_sources, of_target = (rows.pow(power).mean(-2) for rows in (*sources, target))
        total = total + _mean_distance([(mean, of_target) for mean in of_sources])
        if len(sources) > 1:
            total = total + _mean_distance(list(combinations(of_sources, 2)))
    return total


def _mean_distance(pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    # the gradient of vector_norm is 0 where two means are equal
    distances = [torch.linalg.vector_norm(a - b, dim=-1) for a, b in pairs]
    return torch.stack(distances).mean(0)


class MomentDistanceLoss(nn.Module):
    """The loss :func:`moment_distance` as a module, with the same parameters."""

    def __init__(self, n_moments: int = 2) -> None:
        super().__init__()
        check_int("MomentDistanceLoss", "n_moments", n_moments, low=1)
        self.n_moments = n_moments

    def forward(self, sources: Sequence[Tensor], target: Tensor) -> Tensor:
        """Return the distance of samples (..., n_k, d) from each other and from (..., n_t, d)."""
        return moment_distance(sources, target, n_moments=self.n_moments)
