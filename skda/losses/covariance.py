"""Correlation alignment: the distance between two covariance matrices."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .precision import full_precision
from .validation import check_samples

__all__ = ["CORALLoss", "coral"]


def _scaled_deviations(sample: Tensor) -> Tensor:
    # Equal rows deviate by exactly zero only when measured from one of them first.
    shifted = sample - sample[:1].detach()
    return shifted.sub_(shifted.mean(0)).div_((len(sample) - 1) ** 0.5)


def _gram(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scaled deviations Z of both samples, and the smaller of Z'SZ and ZZ'."""
    rows_s, rows_t = _scaled_deviations(source), _scaled_deviations(target)
    rows = torch.cat([rows_s, rows_t])
    if rows.shape[1] <= len(rows):
        return rows, torch.addmm(rows_s.T @ rows_s, rows_t.T, rows_t, alpha=-1)
    return rows, rows @ rows.T


def _signs(rows: Tensor, n_source: int) -> Tensor:
    signs = rows.new_ones(len(rows))
    signs[n_source:] = -1
    return signs


class _CovarianceDistance(torch.autograd.Function):
    """The squared norm of Z'SZ, with half the products that autograd would spend."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, target: Tensor) -> Tensor:
        rows, gram = _gram(source, target)
        ctx.save_for_backward(source, target, rows, gram)
        if rows.shape[1] <= len(rows):
            return gram.square().sum()
        signs = _signs(rows, len(source))
        return signs @ (gram.square() @ signs)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, Tensor]:
        source, target, rows, gram = ctx.saved_tensors
        n_s, n_t = len(source), len(target)
        # Someone may call backward() inside autocast, where the products would be halved.
        with torch.autocast(source.device.type, enabled=False):
            if torch.is_grad_enabled():
                # A graph of the gradient is asked for, and these must have their own.
                rows, gram = _gram(source, target)
            wide = rows.shape[1] > len(rows)
            pull = (gram * _signs(rows, n_s)) @ rows if wide else rows @ gram
        pull_s, pull_t = (pull * (4 * grad_outputs[0])).split([n_s, n_t])
        # No gradient of the centring: over the rows of a sample, these have the mean zero.
        return pull_s / (n_s - 1) ** 0.5, pull_t / -((n_t - 1) ** 0.5)


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
    distance: Tensor = _CovarianceDistance.apply(source, target)
    return distance / (4 * source.shape[1] ** 2)


class CORALLoss(nn.Module):
    """Module face of :func:`coral`."""

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Return the covariance distance of source (n_s, d) and target (n_t, d)."""
        return coral(source, target)
