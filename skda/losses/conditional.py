"""Maps that join features and predictions, for CDAN's discriminator."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ._core.precision import full_precision
from ._core.validation import check_floats, check_rows

__all__ = ["outer_product_map", "randomized_map"]

# with more, a pass over all of them at once is faster
_FEW_CLASSES = 3


def _check_pair(caller: str, features: Tensor, probabilities: Tensor) -> None:
    check_rows(caller, features=features, probabilities=probabilities)
    if features.shape[-2] != probabilities.shape[-2]:
        raise ValueError(
            f"The features and probabilities of {caller} must have the same number of rows. "
            f"Got {features.shape[-2]} and {probabilities.shape[-2]} instead."
        )


@full_precision
def outer_product_map(features: Tensor, probabilities: Tensor) -> Tensor:
    """Outer product of each row's features and class probabilities, flattened.

    Parameters
    ----------
    features : Tensor of shape (..., n, d), float
        Features f; the leading axes are models.
    probabilities : Tensor of shape (..., n, k), float
        Softmax g of the class logits, which CDAN detaches.

    Returns
    -------
    Tensor of shape (..., n, d * k)
        f ⊗ g; entry i * k + j is f_i g_j.

    Raises
    ------
    ValueError
        If the inputs are not float tensors of the same number of rows.

    References
    ----------
    .. [1] Long, M., Cao, Z., Wang, J., Jordan, M. (2018). Conditional adversarial domain
       adaptation. NeurIPS.

    Examples
    --------
    >>> outer_product_map(torch.tensor([[2.0, 3.0]]), torch.tensor([[0.25, 0.75]]))
    tensor([[0.5000, 1.5000, 0.7500, 2.2500]])
    """
    _check_pair("outer_product_map", features, probabilities)
    same = features.shape[:-1] == probabilities.shape[:-1]
    if same and probabilities.shape[-1] <= _FEW_CLASSES:
        product: Tensor = _OuterProductByClass.apply(features, probabilities)
        return product.flatten(-2)
    return torch.einsum("...i,...j->...ij", features, probabilities).flatten(-2)


class _OuterProductByClass(torch.autograd.Function):
    """The outer product class by class: its kernels run along the features, not the classes."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, probabilities: Tensor) -> Tensor:
        ctx.save_for_backward(features, probabilities)
        product = features.new_empty(*features.shape, probabilities.shape[-1])
        for of_class, p in zip(product.unbind(-1), probabilities.split(1, -1), strict=True):
            torch.mul(features, p, out=of_class)
        return product

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, Tensor | None]:
        features, probabilities = ctx.saved_tensors
        (grad,) = grad_outputs
        of_features = of_probabilities = None
        if ctx.needs_input_grad[0]:
            first, *others = zip(grad.unbind(-1), probabilities.split(1, -1), strict=True)
            of_features = torch.mul(*first)
            for of_class, p in others:
                of_features = of_features.addcmul(of_class, p)
        if ctx.needs_input_grad[1]:
            of_probabilities = (grad * features.unsqueeze(-1)).sum(-2)
        return of_features, of_probabilities


@full_precision
def randomized_map(
    features: Tensor, probabilities: Tensor, features_matrix: Tensor, probabilities_matrix: Tensor
) -> Tensor:
    """Random projection of the outer product, without forming it.

    Parameters
    ----------
    features, probabilities : Tensor of shape (..., n, d) and (..., n, k), float
        As in :func:`outer_product_map`.
    features_matrix, probabilities_matrix : Tensor of shape (..., d, D) and (..., k, D)
        Fixed random matrices R_f and R_g with independent entries of mean 0 and variance 1, for
        each model; or (d, D) and (k, D), for all models.

    Returns
    -------
    Tensor of shape (..., n, D)
        (f R_f) ⊙ (g R_g) / √D. Its inner products are those of f ⊗ g in expectation.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    .. [1] Long, M., Cao, Z., Wang, J., Jordan, M. (2018). Conditional adversarial domain
       adaptation. NeurIPS.

    Examples
    --------
    >>> f, g = torch.tensor([[2.0, 1.0]]), torch.tensor([[0.5, 0.5]])
    >>> ones = torch.ones(2, 4)
    >>> randomized_map(f, g, ones, ones)  # 3 * 1 / 2
    tensor([[1.5000, 1.5000, 1.5000, 1.5000]])
    """
    _check_pair("randomized_map", features, probabilities)
    check_floats("randomized_map", "features_matrix", features_matrix)
    check_floats("randomized_map", "probabilities_matrix", probabilities_matrix)
    *models, _, d = features.shape
    k, width = probabilities.shape[-1], features_matrix.shape[-1:]
    for matrix, rows in ((features_matrix, d), (probabilities_matrix, k)):
        if matrix.shape not in ((rows, *width), (*models, rows, *width)):
            raise ValueError(
                f"The matrices of randomized_map must have shapes ({d}, D) and ({k}, D). Got "
                f"{tuple(features_matrix.shape)} and {tuple(probabilities_matrix.shape)} instead."
            )
    joint: Tensor = (features @ features_matrix) * (probabilities @ probabilities_matrix)
    return joint / math.sqrt(joint.shape[-1])
