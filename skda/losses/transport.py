"""Optimal transport between labelled source rows and target predictions, of DeepJDOT."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from ._core.distances import squared_distances
from ._core.precision import full_precision
from ._core.validation import check_indices, check_real, check_rows

__all__ = ["DeepJDOTLoss", "deepjdot", "jdot_cost", "optimal_coupling"]


@full_precision
def jdot_cost(
    source_features: Tensor,
    target_features: Tensor,
    y_source: Tensor,
    target_logits: Tensor,
    *,
    feature_weight: float = 1e-3,
    label_weight: float = 1e-4,
) -> Tensor:
    """Cost of matching each source row with each target row.

    Parameters
    ----------
    source_features, target_features : Tensor of shape (..., n_s, d) and (..., n_t, d), float
        Features of the rows of each domain; the leading axes are models.
    y_source : Tensor of shape (..., n_s), int64
        Class indices of the source rows.
    target_logits : Tensor of shape (..., n_t, n_classes), float
        Class logits of the target rows.
    feature_weight : float, default=1e-3
        alpha, the weight of the squared distance of the features; >= 0. The defaults are those
        of the authors' code for SVHN → MNIST.
    label_weight : float, default=1e-4
        lambda_t, the weight of the cross-entropy; >= 0.

    Returns
    -------
    Tensor of shape (..., n_s, n_t)
        alpha ‖f_i − f_j‖² − lambda_t log softmax(target_logits)_j[y_i].

    Raises
    ------
    ValueError
        If a weight is negative, the shapes do not fit, or a label is no column of the logits (on a
        GPU, torch reports such a label later).

    References
    ----------
    .. [1] Damodaran, B. B. et al. (2018). DeepJDOT: deep joint distribution optimal transport for
       unsupervised domain adaptation. ECCV.

    Examples
    --------
    >>> features = torch.tensor([[0.0], [1.0]])
    >>> jdot_cost(features, features, torch.tensor([0, 1]), torch.zeros(2, 2),
    ...           feature_weight=1.0, label_weight=1.0)  # d^2 + log 2
    tensor([[0.6931, 1.6931],
            [1.6931, 0.6931]])
    """
    check_rows(
        "jdot_cost",
        source_features=source_features,
        target_features=target_features,
        target_logits=target_logits,
    )
    check_indices("jdot_cost", "y_source", y_source)
    check_real("jdot_cost", "feature_weight", feature_weight, low=0, closed=True)
    check_real("jdot_cost", "label_weight", label_weight, low=0, closed=True)
    shapes = (tuple(y_source.shape), target_logits.shape[-2])
    expected = (tuple(source_features.shape[:-1]), target_features.shape[-2])
    if shapes != expected:
        raise ValueError(
            f"jdot_cost needs y_source of shape {expected[0]} and target_logits of "
            f"{expected[1]} rows, one for each row of features. Got {shapes[0]} and {shapes[1]} "
            "instead."
        )
    by_class = torch.log_softmax(target_logits, dim=-1).mT
    # older versions of torch gather by int64 only
    labels = y_source.long()[..., None].expand(*y_source.shape, by_class.shape[-1])
    try:
        cross_entropies = -by_class.gather(-2, labels)
    except RuntimeError as error:  # to read the labels first would wait for a GPU
        if "out of bounds" not in str(error):
            raise
        raise ValueError(
            "The 'y_source' parameter of jdot_cost must hold class indices from 0 to "
            f"{by_class.shape[-2] - 1}, the columns of target_logits: {error}."
        ) from error
    distances = squared_distances(source_features, target_features)
    return feature_weight * distances + label_weight * cross_entropies


def optimal_coupling(cost: Tensor) -> Tensor:
    """Optimal transport plan between two uniform distributions, by POT's network simplex.

    Parameters
    ----------
    cost : Tensor of shape (..., n_s, n_t), float
        Cost of each pair; the leading axes are models, solved one by one.

    Returns
    -------
    Tensor of shape (..., n_s, n_t)
        The plan of least Σ plan * cost; rows sum to 1 / n_s, columns to 1 / n_t. Detached, in
        the dtype and on the device of cost. NaN for a model with a cost that is not finite.

    Raises
    ------
    ImportError
        If POT is not installed.
    ValueError
        If cost is not a non-empty float tensor of shape (..., n_s, n_t).

    Examples
    --------
    >>> optimal_coupling(torch.tensor([[0.0, 1.0], [1.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.5000]])
    """
    check_rows("optimal_coupling", cost=cost)
    try:
        import ot
    except ImportError as error:
        raise ImportError(
            'Optimal transport needs the package POT: pip install "skda[transport]".'
        ) from error
    costs = cost.detach().double().cpu().reshape(-1, *cost.shape[-2:]).numpy()
    plans = np.full_like(costs, np.nan)
    for plan, of_model in zip(plans, costs, strict=True):
        if math.isfinite(of_model.sum()):  # of NaN, POT makes a plan of zeros
            plan[:] = ot.emd([], [], of_model, numItermax=1_000_000)
    return torch.as_tensor(plans).reshape(cost.shape).to(cost)


def deepjdot(
    source_features: Tensor,
    target_features: Tensor,
    y_source: Tensor,
    target_logits: Tensor,
    *,
    feature_weight: float = 1e-3,
    label_weight: float = 1e-4,
) -> Tensor:
    """Transport cost under the optimal plan, the adaptation loss of DeepJDOT.

    The parameters are those of :func:`jdot_cost`.

    Parameters
    ----------
    source_features, target_features : Tensor of shape (..., n_s, d) and (..., n_t, d), float
    y_source : Tensor of shape (..., n_s), int64
    target_logits : Tensor of shape (..., n_t, n_classes), float
    feature_weight : float, default=1e-3
    label_weight : float, default=1e-4

    Returns
    -------
    Tensor of shape (...)
        Σ_ij plan_ij cost_ij; the plan is a constant for autograd.

    Raises
    ------
    ImportError
        If POT is not installed.
    ValueError
        If a weight is negative, or the shapes do not fit.

    See Also
    --------
    jdot_cost : The cost, with the equation and the paper.
    optimal_coupling : The plan.

    Examples
    --------
    >>> features = torch.tensor([[0.0], [1.0]])
    >>> deepjdot(features, features + 2, torch.tensor([0, 1]), torch.zeros(2, 2),
    ...          feature_weight=1.0, label_weight=0.0)
    tensor(4.)
    """
    cost = jdot_cost(
        source_features,
        target_features,
        y_source,
        target_logits,
        feature_weight=feature_weight,
        label_weight=label_weight,
    )
    return (optimal_coupling(cost) * cost).sum((-2, -1))


class DeepJDOTLoss(nn.Module):
    """The loss :func:`deepjdot` as a module, with the same parameters."""

    def __init__(self, *, feature_weight: float = 1e-3, label_weight: float = 1e-4) -> None:
        super().__init__()
        self.feature_weight = feature_weight
        self.label_weight = label_weight

    def forward(
        self,
        source_features: Tensor,
        target_features: Tensor,
        y_source: Tensor,
        target_logits: Tensor,
    ) -> Tensor:
        """Return the transport cost; features (..., n, d), logits (..., n_t, n_classes)."""
        return deepjdot(
            source_features,
            target_features,
            y_source,
            target_logits,
            feature_weight=self.feature_weight,
            label_weight=self.label_weight,
        )
