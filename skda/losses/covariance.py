"""Correlation alignment: the distance between two covariance matrices."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._core.estimators import domain_weights
from ._core.precision import full_precision
from ._core.validation import check_samples

__all__ = ["CORALLoss", "coral"]


def _deviations(sample: Tensor) -> Tensor:
    # The deviations of equal rows are exactly zero only if one of the rows is subtracted first.
    shifted = sample - sample[..., :1, :].detach()
    return shifted.sub_(shifted.mean(-2, keepdim=True))


def _gram(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the deviations Z of both samples, and the smaller of Z'WZ and ZZ'."""
    rows_s, rows_t = _deviations(source), _deviations(target)
    rows = torch.cat([rows_s, rows_t], -2)
    if rows.shape[-1] > rows.shape[-2]:
        return rows, rows @ rows.mT
    scale_s, scale_t = 1 / (rows_s.shape[-2] - 1), -1 / (rows_t.shape[-2] - 1)
    add_products = torch.addmm if rows.ndim == 2 else torch.baddbmm
    products = rows_s.mT @ rows_s
    return rows, add_products(products, rows_t.mT, rows_t, beta=scale_s, alpha=scale_t)


class _CovarianceDistance(torch.autograd.Function):
    """The squared norm of Z'WZ, with half of the products that autograd needs.

    W is diagonal, and Z'WZ is the difference of the covariances.
    """

    @staticmethod
    def forward(ctx: Any, source: Tensor, target: Tensor) -> Tensor:
        rows, gram = _gram(source, target)
        ctx.save_for_backward(source, target, rows, gram)
        if rows.shape[-1] <= rows.shape[-2]:
            return gram.square().sum((-2, -1))
        sizes = source.shape[-2], target.shape[-2]
        weights = domain_weights(*sizes, rows.dtype, rows.device, 1)
        return (gram.square() @ weights) @ weights

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, ...]:
        source, target, rows, gram = ctx.saved_tensors
        sizes = source.shape[-2], target.shape[-2]
        weights = domain_weights(*sizes, rows.dtype, rows.device, 1)
        # Inside autocast the products would be in half precision.
        with torch.autocast(source.device.type, enabled=False):
            if torch.is_grad_enabled():
                # The gradient needs a graph of its own, and so do these.
                rows, gram = _gram(source, target)
            wide = rows.shape[-1] > rows.shape[-2]
            pull = (gram * weights) @ rows if wide else rows @ gram
        # The centring adds nothing: the gradients of the rows of a sample sum to zero.
        scales = 4 * grad_outputs[0][..., None] * weights
        grads: tuple[Tensor, ...] = (pull * scales[..., None]).split_with_sizes(sizes, -2)
        return grads


@full_precision
def coral(source: Tensor, target: Tensor) -> Tensor:
    """Squared Frobenius distance between the covariances, the adaptation loss of Deep CORAL.

    Parameters
    ----------
    source, target : Tensor of shape (..., n_s, d) and (..., n_t, d), float
        Features of the rows of each domain; the leading axes are models.

    Returns
    -------
    Tensor of shape (...)
        ‖C_s − C_t‖²_F / (4 d²), covariances with n − 1; >= 0 up to rounding. Zero, with a zero
        gradient, when a domain has one row and so no covariance.

    Raises
    ------
    ValueError
        If the samples cannot be compared.

    Notes
    -----
    Costs the smaller of a (d, d) and a (n_s + n_t, n_s + n_t) matrix: with the centred rows of
    both domains stacked in Z and W = diag(1 / (n_s − 1), .., −1 / (n_t − 1), ..),
    C_s − C_t = Z'WZ, whose squared norm is also Σ_ij W_i W_j (ZZ')²_ij.

    References
    ----------
    .. [1] Sun, B., Saenko, K. (2016). Deep CORAL: correlation alignment for deep domain
       adaptation. ECCV Workshops.

    Examples
    --------
    >>> coral(torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [4.0]]))  # (2 - 8)^2 / 4
    tensor(9.)
    """
    check_samples("coral", source, target)
    *models, n_source, d = source.shape
    if min(n_source, target.shape[-2]) < 2:
        return source[..., :0, :].sum((-2, -1)) + target[..., :0, :].sum((-2, -1))
    if len(models) > 1:
        return coral(source.flatten(0, -3), target.flatten(0, -3)).view(models)
    distance: Tensor = _CovarianceDistance.apply(source, target)
    return distance / (4 * d**2)


class CORALLoss(nn.Module):
    """The loss :func:`coral` as a module."""

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the covariance distance of source (..., n_s, d) and target (..., n_t, d)."""
        return coral(source, target)
