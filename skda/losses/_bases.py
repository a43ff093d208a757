"""Singular values and bases of batches, with a gradient that stays finite."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["has_rank", "singular_bases"]


def has_rank(values: Tensor, n_rows: int, n_columns: int) -> Tensor:
    """Say of singular values (..., r), largest first, which are more than rounding."""
    largest = values[..., :1]
    return values > largest * (max(n_rows, n_columns) * torch.finfo(values.dtype).eps)


class _SingularBases(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> tuple[Tensor, Tensor]:
        finite = rows.isfinite().all(-1).all(-1)
        # LAPACK raises where the loss should be NaN, for the net to say that it diverged
        known = torch.where(finite[..., None, None], rows, 0)
        left, values, right = torch.linalg.svd(known, full_matrices=False)
        values = torch.where(finite[..., None], values, torch.nan)
        ctx.save_for_backward(left, values, right)
        return values, right.mT

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        left, values, right = ctx.saved_tensors
        of_values, of_bases = grad_outputs
        n_rows, n_columns, rank = left.shape[-2], right.shape[-1], values.shape[-1]
        squares = values.square()
        largest = squares[..., :1].clamp_min(torch.finfo(values.dtype).tiny)
        relative = squares / largest
        # a basis turns towards another by 1 / gap: without bound, as two values become equal
        gap = relative[..., None, :] - relative[..., :, None]
        turn = (right @ of_bases) * gap / (gap.square() + torch.finfo(values.dtype).eps)
        turn = (turn + turn.mT) / largest[..., None]
        pull = values[..., None] * (turn @ right) + of_values[..., None] * right
        if n_columns > rank:  # out of the space of the rows
            outwards = of_bases.mT - (of_bases.mT @ right.mT) @ right
            kept = has_rank(values, n_rows, n_columns)
            inverse = torch.where(kept, 1 / torch.where(kept, values, 1), 0)
            pull = pull + inverse[..., None] * outwards
        of_rows: Tensor = left @ pull
        return of_rows


def singular_bases(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return singular values (..., r) and bases of the rows' space, (..., d, r), r = min(n, d).

    Of rows (..., n, d). The largest value comes first. Signs are arbitrary, and so is every basis
    of a value that is zero or that is another's as well. The gradient is exact but where two
    values are almost equal: there, torch's own is infinite.

    >>> singular_bases(torch.tensor([[3.0, 0.0], [0.0, 2.0]]))[0]
    tensor([3., 2.])
    """
    values, bases = _SingularBases.apply(rows)
    return values, bases
