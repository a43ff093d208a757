"""Second terms of the loss that look at the predictions, with the features or alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..losses import (
    classifier_discrepancy,
    deepjdot,
    domain_bce,
    entropy_weights,
    jmmd2,
    mdd,
    outer_product_map,
    randomized_map,
)
from ..nn import reverse_gradient
from .adaptation import Passed, features_of_both

__all__ = [
    "ConditionalAdversary",
    "DisagreeingClassifier",
    "JointDiscrepancy",
    "MarginAdversary",
    "TargetTerm",
    "Transport",
]


class JointDiscrepancy(nn.Module):
    r"""JMMD over the adapted layers and the softmax of the logits.

    .. math:: \lambda \, \mathrm{JMMD}^2((f_1, .., f_L, \mathrm{softmax}(g))_s, (..)_t)

    Parameters
    ----------
    n_layers : int
        Number of adapted layers.
    n_kernels : int
        Gaussian kernels on each of them; the softmax has one.
    softmax_bandwidth : float
        Its gamma.
    **estimate
        Options of `skda.losses.jmmd2`.
    """

    def __init__(
        self, n_layers: int, n_kernels: int, softmax_bandwidth: float, **estimate: Any
    ) -> None:
        super().__init__()
        self.options: dict[str, Any] = {
            "n_kernels": [n_kernels] * n_layers + [1],
            "bandwidths": [None] * n_layers + [softmax_bandwidth],
            **estimate,
        }

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Return the weighted loss."""
        layers_s, layers_t = (
            [*passed.features, passed.logits.softmax(dim=1)] for passed in (source, target)
        )
        return lam * jmmd2(layers_s, layers_t, **self.options)


class ConditionalAdversary(nn.Module):
    r"""CDAN: a domain discriminator on f ⊗ softmax(g), behind a gradient reversal.

    .. math::

        \mathrm{BCE}_w(D(T(R_\lambda(f_s), g_s)), 0) + \mathrm{BCE}_w(D(T(R_\lambda(f_t), g_t)), 1)

    with T the outer product, or its randomised map where it would be too wide, and w the entropy
    weights 1 + exp(−H(g)) where asked for. The softmax is detached, as in the authors' code.

    Parameters
    ----------
    make_discriminator : callable (n_features) -> nn.Module
    n_features, n_classes : int
    max_width : int
        Widest outer product; above it the randomised map is taken.
    random_width : int
        Width of the randomised map.
    entropy_weighting : bool
    """

    matrix_f: Tensor | None
    matrix_g: Tensor | None

    def __init__(
        self,
        make_discriminator: Callable[[int], nn.Module],
        n_features: int,
        n_classes: int,
        *,
        max_width: int,
        random_width: int,
        entropy_weighting: bool,
    ) -> None:
        super().__init__()
        randomised = n_features * n_classes > max_width
        for name, rows in (("matrix_f", n_features), ("matrix_g", n_classes)):
            # buffers: a saved model must keep the very matrices it was trained with
            self.register_buffer(name, torch.randn(rows, random_width) if randomised else None)
        width = random_width if randomised else n_features * n_classes
        self.discriminator = make_discriminator(width)
        self.entropy_weighting = entropy_weighting

    def joint(self, features: Tensor, probabilities: Tensor) -> Tensor:
        """Return the map of features and probabilities that the discriminator sees."""
        if self.matrix_f is None or self.matrix_g is None:
            return outer_product_map(features, probabilities)
        return randomized_map(features, probabilities, self.matrix_f, self.matrix_g)

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Return the loss, already weighted through the reversal."""
        n_source = len(source.logits)
        logits = torch.cat([source.logits, target.logits]).detach()
        features = reverse_gradient(features_of_both(source, target), lam)
        joint = self.joint(features, logits.softmax(dim=1))
        domain = self.discriminator(joint)
        weights = {}
        if self.entropy_weighting:
            weights = {
                "source_weights": entropy_weights(source.logits),
                "target_weights": entropy_weights(target.logits),
            }
        return domain_bce(domain[:n_source], domain[n_source:], **weights)


class TargetTerm(nn.Module):
    r"""A loss of the target's logits alone, such as minimum class confusion.

    .. math:: \lambda \, \mathrm{loss}(g(X_t))

    Parameters
    ----------
    loss : callable (target_logits) -> Tensor of shape ()
    """

    def __init__(self, loss: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Return the weighted loss."""
        return lam * self.loss(target.logits)


class MarginAdversary(nn.Module):
    r"""MDD: a second classifier f' that agrees with f on the source and not on the target.

    .. math:: \mathrm{MDD}_\gamma(g(X_s), f'(R_\lambda(\cdot)_s), g(X_t), f'(R_\lambda(\cdot)_t))

    Parameters
    ----------
    classifier : nn.Module
        The adversarial classifier, from features to logits.
    margin : float
        gamma.
    """

    def __init__(self, classifier: nn.Module, margin: float) -> None:
        super().__init__()
        self.classifier = classifier
        self.margin = margin

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Return the loss, already weighted through the reversal."""
        adversary_s, adversary_t = (
            self.classifier(reverse_gradient(torch.cat(passed.features, 1), lam))
            for passed in (source, target)
        )
        return mdd(source.logits, adversary_s, target.logits, adversary_t, margin=self.margin)


class DisagreeingClassifier(nn.Module):
    r"""MCD: two classifiers that learn the source and differ on the target; features that agree.

    .. math::

        \mathrm{CE}(c_2(f_s), y_s) - \lambda \, d(c_1(R_1(f_t)), c_2(R_1(f_t)))

    The paper alternates three steps; the reversal :math:`R_1` does them in one: the classifiers
    maximise the discrepancy d, the features minimise it.

    Parameters
    ----------
    first : nn.Module
        The module's own classifier c_1, from features to logits.
    second : nn.Module
        c_2, likewise.
    """

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Return the weighted loss."""
        (f_source,), (f_target,) = source.features, target.features
        reversed_target = reverse_gradient(f_target)
        apart = classifier_discrepancy(self.first(reversed_target), self.second(reversed_target))
        return cross_entropy(self.second(f_source), source.y) - lam * apart


class Transport(nn.Module):
    r"""DeepJDOT: the cost of moving the source rows onto the target rows, by the optimal plan.

    Parameters
    ----------
    feature_weight, label_weight : float
        Weights of the squared distance of the features and of the cross-entropy.
    """

    def __init__(self, feature_weight: float, label_weight: float) -> None:
        super().__init__()
        self.weights = {"feature_weight": feature_weight, "label_weight": label_weight}

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Return the weighted loss."""
        features_s, features_t = torch.cat(source.features, 1), torch.cat(target.features, 1)
        return lam * deepjdot(features_s, features_t, source.y, target.logits, **self.weights)
