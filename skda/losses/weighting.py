"""Weights of DAN's kernels: the most powerful mixture for telling the domains apart."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ._core.distances import median_or_mean, quad_tuple_distances
from ._core.estimators import mmd2_from_quad_tuples
from ._core.kernels import check_kernel_options, widest_rate
from ._core.precision import full_precision
from ._core.validation import check_real, check_samples

__all__ = ["kernel_weights", "solve_weights"]


def solve_weights(d: np.ndarray, q: np.ndarray, *, eps: float = 1e-3) -> np.ndarray:
    """Minimise b'(Q + eps I) b subject to d'b = 1 and b >= 0, scaled to sum to one.

    d, of shape (n_kernels,), has the MMD estimate of each kernel, and q is their covariance. The
    weights are uniform where no entry of d is positive, so that no b is feasible.

    >>> solve_weights(np.array([0.1, 0.3, -0.2]), np.zeros((3, 3)))
    array([0.25, 0.75, 0.  ])
    """
    from scipy.optimize import nnls

    if not (d > 0).any():
        return np.full(len(d), 1 / len(d))
    # Non-negative least squares solves it exactly. With A = Q + eps I = L L', the c >= 0 that
    # minimises |L'c - L^-1 d|^2 = c'Ac - 2 d'c + const has m = Ac - d >= 0 and m'c = 0. Hence
    # d'c = c'Ac, which is positive since c = 0 would need d <= 0. For b = c / d'c then d'b = 1,
    # and Ab - d / d'c = m / d'c >= 0 is orthogonal to b: the optimality conditions of the
    # problem above, with multiplier 2 / d'c for d'b = 1. It is convex, so they are enough.
    lower = np.linalg.cholesky(q + eps * np.eye(len(d)))
    weights, _ = nnls(lower.T, np.linalg.solve(lower, d))
    return np.asarray(weights / weights.sum())


@full_precision
def kernel_weights(
    source: Tensor,
    target: Tensor,
    *,
    n_kernels: int = 5,
    spacing: float = 2.0,
    bandwidth: float | Tensor | None = None,
    eps: float = 1e-3,
) -> Tensor:
    """Weights of the kernels of :func:`mk_mmd2` by DAN's quadratic programme.

    Parameters
    ----------
    source, target : Tensor of shape (n_s, d) and (n_t, d), float
        Features of the rows of each domain.
    n_kernels : int, default=5
        Number of kernels.
    spacing : float, default=2.0
        Ratio of successive bandwidths, above 1.
    bandwidth : float or Tensor of shape (), default=None
        Bandwidth in the middle of the family; None for the median over the quad-tuples' pairs.
    eps : float, default=1e-3
        Ridge on the covariance, above 0.

    Returns
    -------
    Tensor of shape (n_kernels,)
        Weights >= 0, narrowest kernel first, in the dtype and on the device of source, detached.
        Uniform where no kernel has a positive estimate.

    Raises
    ------
    ValueError
        If an option is out of range, or the samples cannot be compared.

    Notes
    -----
    Minimise beta'(Q + eps I) beta subject to d'beta = 1, beta >= 0, where d are the kernels'
    linear-time MMD estimates and Q the covariance of the quad-tuples' h_u [1]_. At the scale of the
    constraint, the loss on the same tuples would always be one; the weights returned are
    beta / Σ beta, as in the paper's definition of the family.

    References
    ----------
    .. [1] Long, M., Cao, Y., Wang, J., Jordan, M. (2015). Learning transferable features with
       deep adaptation networks. ICML.

    Examples
    --------
    >>> rows = torch.arange(8.0).reshape(8, 1)
    >>> weights = kernel_weights(rows, rows + 3, n_kernels=3)
    >>> weights.shape, round(weights.sum().item(), 4)
    (torch.Size([3]), 1.0)
    """
    caller = "kernel_weights"
    check_samples(caller, source, target)
    if source.ndim > 2:
        raise ValueError(
            "kernel_weights takes the samples of one model, of shape (n_rows, n_columns). Got "
            f"shape {tuple(source.shape)} instead."
        )
    check_kernel_options(caller, n_kernels=n_kernels, spacing=spacing, bandwidth=bandwidth)
    check_real(caller, "eps", eps, low=0)
    if min(len(source), len(target)) < 2:
        return source.new_full((n_kernels,), 1 / n_kernels)
    distances = quad_tuple_distances(source.detach(), target.detach()).double()
    gamma = median_or_mean(distances.flatten()) if bandwidth is None else bandwidth
    rate = widest_rate(gamma, distances, n_kernels=n_kernels, spacing=spacing)
    factors = distances.new_tensor([spacing**u for u in range(n_kernels - 1, -1, -1)])
    kernels = torch.exp(-distances * (factors * rate)[:, None, None])
    tuples = mmd2_from_quad_tuples(kernels).cpu().numpy()
    # The spread of a single tuple is unknown; the ridge alone decides.
    spread = np.atleast_2d(np.cov(tuples)) if tuples.shape[1] > 1 else np.zeros((n_kernels,) * 2)
    return torch.as_tensor(solve_weights(tuples.mean(1), spread, eps=eps)).to(source)
