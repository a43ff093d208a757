"""Cross-entropy of the network's own confident predictions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._precision import full_precision
from ._validation import check_real, check_rows
from .uncertainty import row_cross_entropy

__all__ = ["PseudoLabelLoss", "pseudo_label"]


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


class PseudoLabelLoss(nn.Module):
    """Module face of :func:`pseudo_label`; see there for the parameters."""

    def __init__(self, *, threshold: float = 0.9) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, target_logits: Tensor) -> Tensor:
        """Return the loss of target_logits (..., n_t, n_classes)."""
        return pseudo_label(target_logits, threshold=self.threshold)
