"""The network that tells the domains apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

__all__ = ["DomainDiscriminator"]


class DomainDiscriminator(nn.Module):
    """Fully connected network that gives one logit of "comes from the target" per row.

    Parameters
    ----------
    n_features : int
        Width of the features.
    hidden : sequence of int, default=(100,)
        Widths of the hidden ReLU layers; the paper uses (1024, 1024) for large images and
        (100,) for digits. An empty sequence is logistic regression.
    dropout : float, default=0.0
        Dropout after each hidden layer.
    n_outputs : int, default=1
        Logits of a row: that of "comes from the target", or one for each of several domains.

    Notes
    -----
    There is no batch normalisation: normalising each domain by its own statistics would erase the
    difference that the discriminator is to find.

    References
    ----------
    .. [1] Ganin, Y. et al. (2016). Domain-adversarial training of neural networks. JMLR 17.

    Examples
    --------
    >>> import torch
    >>> DomainDiscriminator(8, hidden=(4,))(torch.zeros(3, 8)).shape
    torch.Size([3])
    """

    def __init__(
        self,
        n_features: int,
        hidden: Sequence[int] = (100,),
        dropout: float = 0.0,
        n_outputs: int = 1,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width_in, width_out in pairwise([n_features, *hidden]):
            layers += [nn.Linear(width_in, width_out), nn.ReLU()]
            if dropout:
                layers.append(nn.Dropout(dropout))
        self.layers = nn.Sequential(*layers, nn.Linear([n_features, *hidden][-1], n_outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits, shape (n_rows,) or (n_rows, n_outputs), of (n_rows, n_features)."""
        logits: Tensor = self.layers(features)
        return logits.squeeze(-1)
