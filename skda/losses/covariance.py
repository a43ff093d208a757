"""Correlation alignment: the distance between two covariance matrices."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .precision import full_precision
from .validation import check_samples

__all__ = ["CORALLoss", "coral"]


class _SignedGram(torch.autograd.Function):
    """A' diag(s) A, with one matrix product in the backward pass where autograd spends two."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, signs: Tensor) -> Tensor:
        ctx.save_for_backward(matrix, signs)
        return matrix.T @ (signs * matrix)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        matrix, signs = ctx.saved_tensors
        # Someone may call backward() inside autocast, where the product would be halved.
        with torch.autocast(matrix.device.type, enabled=False):
            return (signs * matrix) @ (grad_outputs[0] + grad_outputs[0].T), None


def _scaled_deviations(sample: Tensor) -> Tensor:
    # Equal rows deviate by exactly zero only when measured from one of them first.
    shifted = sample - sample[:1].detach()
    return (shifted - shifted.mean(0)) / (len(sample) - 1) ** 0.5


@full_precision
def coral(source: Tensor, target: Tensor) -> Tensor:
    """Squared Frobenius distance between the covariances, the adaptation loss of Deep CORAL.

    Parameters
    ----------
    source : Tensor of shape (n_s, d), float
        Features of source rows.
    target : Tensor of shape (n_t, d), float
        Features of target rows.

    Returns
    -------
    Tensor of shape ()
        ‖C_s − C_t‖²_F / (4 d²), covariances with n − 1; >= 0 up to rounding. Zero, with a zero
        gradient, when a domain has one row and so no covariance.

    Raises
    ------
    ValueError
        If the samples cannot be compared.

    Notes
    -----
    Costs the smaller of a (d, d) and a (n_s + n_t, n_s + n_t) matrix: with the centred and
    scaled rows of both domains stacked in Z and S = diag(±1), C_s − C_t = Z'SZ, whose squared
    norm is also Σ_ij S_i S_j (ZZ')²_ij.

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
    if min(len(source), len(target)) < 2:
        return source[:0].sum() + target[:0].sum()
    rows = torch.cat([_scaled_deviations(source), _scaled_deviations(target)])
    n, d = rows.shape
    signs = rows.new_ones(n, 1)
    signs[len(source) :] = -1
    if d <= n:
        return _SignedGram.apply(rows, signs).square().sum() / (4 * d**2)
    gram = _SignedGram.apply(rows.T, rows.new_ones(1))
    signs = signs.squeeze(1)
    return signs @ ((gram * gram) @ signs) / (4 * d**2)


class CORALLoss(nn.Module):
    """Module face of :func:`coral`."""

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the covariance distance of source (n_s, d) and target (n_t, d)."""
        return coral(source, target)
