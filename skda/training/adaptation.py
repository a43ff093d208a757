"""The second term of the loss: what a method lays on the features of the two domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..losses import kernel_weights, mk_mmd2, pooled_domain_bce
from ..nn import reverse_gradient

__all__ = ["Adversary", "Discrepancy", "Passed", "WeightedKernels", "features_of_both"]


class Passed(NamedTuple):
    """What one domain's rows gave in a forward pass.

    Attributes
    ----------
    features : tuple of Tensor of shape (n, d_layer)
        Activations of the adapted layers.
    logits : Tensor of shape (n, n_classes)
    y : Tensor of shape (n,), int64, or None
        Class indices, -1 where unlabelled.
    both : tuple of Tensor of shape (n_source + n_target, d_layer), default=()
        Activations of both domains, of which `features` is a part, where they passed together.
    """

    features: tuple[Tensor, ...]
    logits: Tensor
    y: Any
    both: tuple[Tensor, ...] = ()


def features_of_both(source: Passed, target: Passed) -> Tensor:
    """Return the layers' activations side by side, source rows first: (n_s + n_t, d).

    Examples
    --------
    >>> source = Passed((torch.zeros(2, 3), torch.zeros(2, 1)), torch.zeros(2, 2), None)
    >>> features_of_both(source, source).shape
    torch.Size([4, 4])
    """
    layers = source.both or [
        torch.cat(pair) for pair in zip(source.features, target.features, strict=True)
    ]
    return layers[0] if len(layers) == 1 else torch.cat(layers, 1)


def _sum(losses: list[Tensor]) -> Tensor:
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum()


class Discrepancy(nn.Module):
    r"""A distance between two samples, summed over the adapted layers.

    Parameters
    ----------
    distance : callable (source_features, target_features) -> Tensor of shape ()
        The adaptation loss of one layer.

    Notes
    -----
    .. math:: \lambda \sum_{l} \mathrm{distance}(f_l(X_s), f_l(X_t))
    """

    def __init__(self, distance: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.distance = distance

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Return the weighted loss."""
        layers = zip(source.features, target.features, strict=True)
        return lam * _sum([self.distance(fs, ft) for fs, ft in layers])


class WeightedKernels(nn.Module):
    r"""Multi-kernel MMD whose kernel weights beta are chosen anew in each epoch, as in DAN.

    Parameters
    ----------
    n_layers : int
        Number of adapted layers; each has its own weights.
    n_kernels, spacing
        The family of kernels, see `skda.losses.kernel_weights`.
    **estimate
        Options of `skda.losses.mk_mmd2`.
    """

    beta: Tensor

    def __init__(self, n_layers: int, n_kernels: int, spacing: float, **estimate: Any) -> None:
        super().__init__()
        self.kernels: dict[str, Any] = {"n_kernels": n_kernels, "spacing": spacing}
        self.estimate = estimate
        self.register_buffer("beta", torch.full((n_layers, n_kernels), 1 / n_kernels))

    def prepare(self, source: tuple[Tensor, ...], target: tuple[Tensor, ...]) -> None:
        """Choose the weights on a sample of both domains' features."""
        layers = zip(source, target, strict=True)
        weights = [kernel_weights(fs, ft, **self.kernels) for fs, ft in layers]
        self.beta.copy_(torch.stack(weights))

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Return the weighted loss."""
        layers = zip(source.features, target.features, self.beta, strict=True)
        losses = [
            mk_mmd2(fs, ft, weights=beta, **self.kernels, **self.estimate)
            for fs, ft, beta in layers
        ]
        return lam * _sum(losses)


class Adversary(nn.Module):
    r"""A domain discriminator behind a gradient reversal of strength lam.

    Parameters
    ----------
    discriminator : nn.Module
        From features (n, d) to one logit of "target" a row, (n,) or (n, 1).

    Notes
    -----
    .. math:: \mathrm{BCE}(D(R_\lambda(f(X_s))), 0) + \mathrm{BCE}(D(R_\lambda(f(X_t))), 1)

    The discriminator itself always learns at weight 1; lam reaches only what is below the
    reversal. Both domains pass the discriminator together, so that a batch normalisation inside
    it cannot erase the domain.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Return the loss, already weighted through the reversal."""
        logits = self.discriminator(reverse_gradient(features_of_both(source, target), lam))
        return pooled_domain_bce(logits, source.logits.shape[0])
