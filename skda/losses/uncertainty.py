"""Losses that ask for confident predictions: the entropy, and pseudo-labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ._core.precision import full_precision
from ._core.validation import check_real, check_rows

__all__ = [
    "EntropyLoss",
    "PseudoLabelLoss",
    "entropy",
    "pseudo_label",
    "row_cross_entropy",
    "row_entropy",
]


@full_precision
def row_entropy(logits: Tensor) -> Tensor:
    """Entropy of each row's softmax.

    Parameters
    ----------
    logits : Tensor of shape (..., n, n_classes), float
        Class logits.

    Returns
    -------
    Tensor of shape (..., n)
        −Σ_k p_k log p_k, in nats, between 0 and log(n_classes).

    Raises
    ------
    ValueError
        If logits is not a non-empty float tensor of shape (..., n, n_classes).

    Examples
    --------
    >>> row_entropy(torch.tensor([[0.0, 0.0], [1000.0, 0.0]]))
    tensor([0.6931, 0.0000])
    """
    check_rows("row_entropy", logits=logits)
    # A class of logit -inf adds 0 log 0 = 0, not NaN.
    log_p = torch.log_softmax(logits, dim=-1).clamp_min(torch.finfo(logits.dtype).min)
    return (log_p.exp() * -log_p).sum(-1)


def row_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return −log p of the label of each row, (..., n), for logits (..., n, n_classes)."""
    # torch wants the classes in the second axis; moving an axis to its own place takes time
    by_class = logits if logits.ndim == 2 else logits.movedim(-1, 1)
    return cross_entropy(by_class, labels, reduction="none")


def entropy(target_logits: Tensor) -> Tensor:
    """Mean entropy of the predictions on target rows.

    Parameters
    ----------
    target_logits : Tensor of shape (..., n_t, n_classes), float
        Class logits of target rows; the leading axes are models.

    Returns
    -------
    Tensor of shape (...)
        Mean of :func:`row_entropy`, in nats. Minimising it pushes decision boundaries away from
        the target rows.

    Raises
    ------
    ValueError
        If target_logits is not a non-empty float tensor of shape (..., n_t, n_classes).

    References
    ----------
    .. [1] Grandvalet, Y., Bengio, Y. (2004). Semi-supervised learning by entropy minimization.
       NIPS.

    Examples
    --------
    >>> entropy(torch.zeros(3, 4))  # log 4
    tensor(1.3863)
    """
    return row_entropy(target_logits).mean(-1)


@full_precision
def pseudo_label(target_logits: Tensor, *, threshold: float = 0.9) -> Tensor:
    """Cross-entropy with the predicted labels of the confident target rows.

    Parameters
    ----------
    target_logits : Tensor of shape (..., n_t, n_classes), float
        Class logits of target rows; the leading axes are models.
    threshold : float, default=0.9
        A row counts if its largest probability is at least this; above 0.

    Returns
    -------
    Tensor of shape (...)
        Sum over the confident rows of −log p_ŷ, divided by n_t; zero where no row is confident.

    Raises
    ------
    ValueError
        If threshold is not above 0, or target_logits is not a non-empty float tensor of shape
        (..., n_t, n_classes).

    References
    ----------
    .. [1] Lee, D.-H. (2013). Pseudo-label: the simple and efficient semi-supervised learning
       method for deep neural networks. ICML Workshop.

    Examples
    --------
    >>> logits = torch.tensor([[3.0, 0.0], [0.1, 0.0]])
    >>> pseudo_label(logits)  # log(1 + exp(-3)) / 2
    tensor(0.0243)
    """
    check_rows("pseudo_label", target_logits=target_logits)
    check_real("pseudo_label", "threshold", threshold, low=0)
    confidence, labels = target_logits.detach().softmax(dim=-1).max(dim=-1)
    losses = row_cross_entropy(target_logits, labels)
    return torch.where(confidence >= threshold, losses, 0.0 * losses).mean(-1)


class EntropyLoss(nn.Module):
    """The loss :func:`entropy` as a module."""

    def forward(self, target_logits: Tensor) -> Tensor:
        """Return the mean entropy of target_logits (..., n_t, n_classes)."""
        return entropy(target_logits)


class PseudoLabelLoss(nn.Module):
    """The loss :func:`pseudo_label` as a module, with the same parameters."""

    def __init__(self, *, threshold: float = 0.9) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, target_logits: Tensor) -> Tensor:
        """Return the loss of target_logits (..., n_t, n_classes)."""
        return pseudo_label(target_logits, threshold=self.threshold)
