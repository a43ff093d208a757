"""Losses on the class predictions of target rows: MCC, BNM, MCD and MDD."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._core.bases import has_rank
from ._core.precision import full_precision
from ._core.validation import check_real, check_rows, check_weights
from .uncertainty import row_cross_entropy, row_entropy

__all__ = [
    "BNMLoss",
    "ClassifierDiscrepancyLoss",
    "MCCLoss",
    "MDDLoss",
    "classifier_discrepancy",
    "mcc",
    "mdd",
    "nuclear_norm",
]


def _check_same_shape(caller: str, **logits: Tensor) -> None:
    check_rows(caller, **logits)
    (first, one), (second, other) = logits.items()
    if one.shape != other.shape:
        raise ValueError(
            f"The {first} and {second} of {caller} must have the same shape. "
            f"Got {tuple(one.shape)} and {tuple(other.shape)} instead."
        )


@full_precision
def mcc(target_logits: Tensor, *, temperature: float = 2.5, priors: Tensor | None = None) -> Tensor:
    """Minimum class confusion on target rows.

    Parameters
    ----------
    target_logits : Tensor of shape (..., n_t, n_classes), float
        Class logits of target rows.
    temperature : float, default=2.5
        Divides the logits, above 0.
    priors : Tensor of shape (..., n_classes) or None, default=None
        Shares of the classes in the target, the weights in the mean of their confusions. None
        gives equal weights, which draws the predictions towards equal shares.

    Returns
    -------
    Tensor of shape (...)
        Mean confusion of a class with the others, between 0 and 1.

    Raises
    ------
    ValueError
        If temperature is not above 0, target_logits is not a float tensor of shape
        (n_t, n_classes), or the priors are not one a class.

    Notes
    -----
    With P = softmax(logits / temperature), w the weights 1 + exp(−H) of the rows (detached,
    H their entropy) and C = P' diag(w) P, the loss is the mean over the classes j of
    1 − C_jj / Σ_k C_jk [1]_.

    References
    ----------
    .. [1] Jin, Y., Wang, X., Long, M., Wang, J. (2020). Minimum class confusion for versatile
       domain adaptation. ECCV.

    Examples
    --------
    >>> mcc(torch.zeros(5, 4))  # every class is confused with the three others
    tensor(0.7500)
    """
    check_rows("mcc", target_logits=target_logits)
    check_real("mcc", "temperature", temperature, low=0)
    if priors is not None:
        *models, _, n_classes = target_logits.shape
        check_weights("mcc", "priors", priors, (n_classes,), (*models, n_classes), each="class")
    log_p = torch.log_softmax(target_logits / temperature, dim=-1)
    weights = 1 + torch.exp(-row_entropy(target_logits.detach() / temperature))
    # Rows of P sum to one, so the row sums of C are w'P and C_jj / (w'P)_j is the mean of p_ij
    # over rows i weighted by w_i p_ij. As a softmax over the rows it needs no (k, k) matrix and
    # stays finite for a class that no row predicts.
    share = torch.softmax(log_p + weights.log()[..., None], dim=-2)
    kept = share * log_p.exp()
    if priors is None:
        return 1 - kept.sum((-2, -1)) / target_logits.shape[-1]
    return 1 - (kept.sum(-2) * priors).sum(-1)


@full_precision
def nuclear_norm(target_logits: Tensor) -> Tensor:
    """Negative nuclear norm of the predictions on target rows (batch nuclear-norm maximisation).

    Parameters
    ----------
    target_logits : Tensor of shape (..., n_t, n_classes), float
        Class logits of target rows.

    Returns
    -------
    Tensor of shape (...)
        −‖P‖_* / n_t with P the softmax: lowest for confident *and* diverse predictions. Singular
        values that are zero up to rounding have no gradient.

    Raises
    ------
    ValueError
        If target_logits is not a non-empty float tensor of shape (..., n_t, n_classes).

    References
    ----------
    .. [1] Cui, S. et al. (2020). Towards discriminability and diversity: batch nuclear-norm
       maximization under label insufficient situations. CVPR.

    Examples
    --------
    >>> nuclear_norm(100 * torch.eye(2)), nuclear_norm(torch.zeros(1, 4))
    (tensor(-1.), tensor(-0.5000))
    """
    check_rows("nuclear_norm", target_logits=target_logits)
    probabilities = torch.softmax(target_logits, dim=-1)
    # LAPACK refuses NaN; as in other losses, the loss of rows with NaN is NaN
    singular = torch.linalg.svdvals(probabilities.nan_to_num())
    sizes = target_logits.shape[-2:]
    undefined = 0 * probabilities.detach().sum((-2, -1))
    return undefined - torch.where(has_rank(singular, *sizes), singular, 0).sum(-1) / sizes[0]


@full_precision
def classifier_discrepancy(logits: Tensor, other_logits: Tensor) -> Tensor:
    """Mean absolute difference of two classifiers' probabilities, of MCD.

    Parameters
    ----------
    logits, other_logits : Tensor of shape (..., n_t, n_classes), float
        Class logits of the same target rows by each of the classifiers.

    Returns
    -------
    Tensor of shape (...)
        Mean over rows and classes of ``|p − q|``. The classifiers maximise it on target rows, the
        features minimise it.

    Raises
    ------
    ValueError
        If the logits are not float tensors of the same shape.

    References
    ----------
    .. [1] Saito, K., Watanabe, K., Ushiku, Y., Harada, T. (2018). Maximum classifier discrepancy
       for unsupervised domain adaptation. CVPR.

    Examples
    --------
    >>> classifier_discrepancy(torch.tensor([[100.0, 0.0]]), torch.tensor([[0.0, 100.0]]))
    tensor(1.)
    """
    _check_same_shape("classifier_discrepancy", logits=logits, other_logits=other_logits)
    apart = torch.softmax(logits, dim=-1) - torch.softmax(other_logits, dim=-1)
    return apart.abs().mean((-2, -1))


@full_precision
def mdd(
    source_logits: Tensor,
    source_adversary_logits: Tensor,
    target_logits: Tensor,
    target_adversary_logits: Tensor,
    *,
    margin: float = 4.0,
) -> Tensor:
    """Margin disparity discrepancy.

    Parameters
    ----------
    source_logits, source_adversary_logits : Tensor of shape (..., n_s, n_classes), float
        Class logits of source rows by the classifier, of which only the argmax counts, and by the
        adversarial classifier behind a gradient reversal.
    target_logits, target_adversary_logits : Tensor of shape (..., n_t, n_classes), float
        The same of target rows.
    margin : float, default=4.0
        gamma = exp(rho) of the paper, the weight of the source term; above 0.

    Returns
    -------
    Tensor of shape (...)
        The adversary minimises the discrepancy: it agrees with the classifier on source rows and
        disagrees on target rows. The reversal makes the features maximise the discrepancy.

    Raises
    ------
    ValueError
        If margin is not above 0, the logits of a domain differ in shape, or there are fewer than
        two classes.

    Notes
    -----
    With ŷ the classifier's label and p the adversary's softmax, gamma E_s[−log p_ŷ] +
    E_t[−log(1 − p_ŷ)] [1]_.

    References
    ----------
    .. [1] Zhang, Y., Liu, T., Long, M., Jordan, M. (2019). Bridging theory and algorithm for
       domain adaptation. ICML.

    Examples
    --------
    >>> zeros = torch.zeros(3, 2)
    >>> mdd(zeros, zeros, zeros, zeros, margin=1.0)  # 2 log 2
    tensor(1.3863)
    """
    check_real("mdd", "margin", margin, low=0)
    _check_same_shape(
        "mdd", source_logits=source_logits, source_adversary_logits=source_adversary_logits
    )
    _check_same_shape(
        "mdd", target_logits=target_logits, target_adversary_logits=target_adversary_logits
    )
    if target_logits.shape[-1] < 2:
        raise ValueError("The logits of mdd must have at least two columns. Got 1 instead.")
    agreement = row_cross_entropy(source_adversary_logits, source_logits.argmax(-1)).mean(-1)
    labels = target_logits.argmax(-1, keepdim=True)
    # log(1 - p_y) as the mass of the other classes: 1 - p_y itself rounds to zero.
    others = target_adversary_logits.scatter(-1, labels, -torch.inf).logsumexp(-1)
    disagreement = (target_adversary_logits.logsumexp(-1) - others).mean(-1)
    return margin * agreement + disagreement


class MCCLoss(nn.Module):
    """The loss :func:`mcc` as a module, with the same parameters."""

    def __init__(self, *, temperature: float = 2.5) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, target_logits: Tensor) -> Tensor:
        """Return the class confusion of target_logits (..., n_t, n_classes)."""
        return mcc(target_logits, temperature=self.temperature)


class BNMLoss(nn.Module):
    """The loss :func:`nuclear_norm` as a module."""

    def forward(self, target_logits: Tensor) -> Tensor:
        """Return the negative nuclear norm over n_t of target_logits (..., n_t, n_classes)."""
        return nuclear_norm(target_logits)


class ClassifierDiscrepancyLoss(nn.Module):
    """The loss :func:`classifier_discrepancy` as a module."""

    def forward(self, logits: Tensor, other_logits: Tensor) -> Tensor:
        """Return the mean difference of the softmaxes of logits (..., n_t, n_classes)."""
        return classifier_discrepancy(logits, other_logits)


class MDDLoss(nn.Module):
    """The loss :func:`mdd` as a module, with the same parameters."""

    def __init__(self, *, margin: float = 4.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(
        self,
        source_logits: Tensor,
        source_adversary_logits: Tensor,
        target_logits: Tensor,
        target_adversary_logits: Tensor,
    ) -> Tensor:
        """Return the discrepancy; logits (..., n_s, n_classes) and (..., n_t, n_classes)."""
        return mdd(
            source_logits,
            source_adversary_logits,
            target_logits,
            target_adversary_logits,
            margin=self.margin,
        )
