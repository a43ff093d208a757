"""Singular values and bases of batches, with a gradient that stays finite."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["has_rank", "safe_svd"]


def has_rank(values: Tensor, n_rows: int, n_columns: int) -> Tensor:
    """Return which singular values (..., r), largest first, are more than rounding errors."""
    return values > values[..., :1] * (max(n_rows, n_columns) * torch.finfo(values.dtype).eps)


class _SafeSVD(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        undefined = ~rows.isfinite().all(-1).all(-1)[..., None]
        some = bool(undefined.any())  # the decomposition waits for the device anyway
        # LAPACK raises for such rows; a loss of NaN lets the net say that it diverged
        known = rows.masked_fill(undefined[..., None], 0) if some else rows
        left, values, right = torch.linalg.svd(known, full_matrices=False)
        right = right.mT
        ctx.save_for_backward(left, values, right)
        ctx.set_materialize_grads(False)
        if some:
            values = values.masked_fill(undefined, torch.nan)
            right = right.masked_fill(undefined[..., None], torch.nan)
        return left, values, right

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Tensor | None) -> Tensor | None:
        left, values, right = ctx.saved_tensors
        of_left, of_values, of_right = grad_outputs
        parts = []
        if of_values is not None:
            parts.append(of_values[..., None] * right.mT)
        if of_right is not None:
            parts.append(_pull(left, values, right, of_right))
        found = [left @ sum(parts[1:], start=parts[0])] if parts else []
        if of_left is not None:
            found.append((right @ _pull(right, values, left, of_left)).mT)
        return sum(found[1:], start=found[0]) if found else None


def _pull(left: Tensor, values: Tensor, right: Tensor, of_right: Tensor) -> Tensor:
    """Return U'G, where G is the gradient of the matrix and comes from its right vectors."""
    squares = values.square()
    largest = squares[..., :1].clamp_min(torch.finfo(values.dtype).tiny)
    relative = squares / largest
    # A vector turns towards another by 1 / gap, which has no bound where two values are almost
    # equal. Features that are not centred have one large value and many small gaps.
    gap = relative[..., None, :] - relative[..., :, None]
    rounding = 10 * torch.finfo(values.dtype).eps
    within = right.mT @ of_right
    turn = within * (gap / (gap.square() + rounding**2))
    pull = (values / largest)[..., None] * ((turn + turn.mT) @ right.mT)
    n_rows, n_columns, rank = left.shape[-2], right.shape[-2], values.shape[-1]
    if n_columns > rank:  # the part outside of the space of the rows
        outwards = of_right.mT - within.mT @ right.mT
        kept = has_rank(values, n_rows, n_columns)
        inverse = values.masked_fill(~kept, torch.inf).reciprocal()
        pull = pull + inverse[..., None] * outwards
    return pull


def safe_svd(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return U (..., n, r), the singular values (..., r) and V (..., d, r) of rows (..., n, d).

    r is min(n, d), and the largest value comes first. The signs of the pairs of vectors are
    arbitrary, and so are the vectors of values that are zero or equal. The gradient is exact
    except where two values are almost equal; the gradient of torch is infinite there.

    >>> safe_svd(torch.tensor([[3.0, 0.0], [0.0, 2.0]]))[1]
    tensor([3., 2.])
    """
    left, values, right = _SafeSVD.apply(rows)
    return left, values, right
