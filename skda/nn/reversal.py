"""Gradient reversal: the identity, whose gradient is multiplied by -lam."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["GradientReversal", "reverse_gradient"]


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, lam: float | Tensor) -> Tensor:
        if isinstance(lam, Tensor):
            lam = lam.reshape(lam.shape + (1,) * (x.ndim - lam.ndim))
        ctx.lam = lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return -ctx.lam * grad, None


def reverse_gradient(x: Tensor, lam: float | Tensor = 1.0) -> Tensor:
    r"""Identity forwards, multiplication of the gradient by ``-lam`` backwards.

    Parameters
    ----------
    x : Tensor of any shape and floating dtype
        Features on their way to a domain discriminator.
    lam : float or Tensor of the shape of the leading axes of x, default=1.0
        Strength of the reversal. 0 stops the gradient. For the features (..., n, d) of many
        models, a tensor (...) has a strength for each.

    Returns
    -------
    Tensor
        ``x``, same shape and values.

    Notes
    -----
    :math:`R_\lambda(x) = x`, :math:`dR_\lambda / dx = -\lambda I`. The parameters *above* the
    reversal descend on their loss at full weight; the parameters below ascend on it.

    References
    ----------
    .. [1] Ganin, Y. and Lempitsky, V. (2015). Unsupervised domain adaptation by
       backpropagation. ICML.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> reverse_gradient(x, lam=0.5).sum().backward()
    >>> x.grad
    tensor([-0.5000, -0.5000])
    """
    reversed_x: Tensor = _Reverse.apply(x, lam)
    return reversed_x


class GradientReversal(nn.Module):
    """The function `reverse_gradient` as a module, for use inside ``nn.Sequential``.

    Parameters
    ----------
    lam : float, default=1.0
        Strength of the reversal; the attribute may be changed between steps.

    Examples
    --------
    >>> import torch
    >>> GradientReversal(2.0)(torch.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, lam: float = 1.0) -> None:
        super().__init__()
        self.lam = lam

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` unchanged; its gradient will be multiplied by ``-lam``."""
        return reverse_gradient(x, self.lam)

    def extra_repr(self) -> str:
        """Show the strength in the module's representation."""
        return f"lam={self.lam}"
