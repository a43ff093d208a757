"""CDAN: DANN whose discriminator sees features and predictions jointly (Long 2018)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ...losses import entropy_weights, outer_product_map, pooled_domain_bce, randomized_map
from ...nn import reverse_gradient
from ...training import AdaptationTerm, BothDomains, DomainOutput, one_logit_a_row
from .dann import AdversarialClassifier

__all__ = ["CDANClassifier", "ConditionalAdversary"]


class ConditionalAdversary(AdaptationTerm):
    r"""CDAN: a domain discriminator on f ⊗ softmax(g), behind a gradient reversal.

    .. math::

        \mathrm{BCE}_w(D(T(R_\lambda(f_s), g_s)), 0) + \mathrm{BCE}_w(D(T(R_\lambda(f_t), g_t)), 1)

    T is the outer product, or a randomised map where the product is too wide. w are the entropy
    weights 1 + exp(−H(g)), or 1. The softmax is detached, as in the authors' code.

    Parameters
    ----------
    make_discriminator : callable (n_features) -> nn.Module
    n_features, n_classes : int
    max_width, random_width, entropy_weighting
        As in `CDANClassifier`.
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
            # buffers: a saved model keeps the matrices that it was trained with
            self.register_buffer(name, torch.randn(rows, random_width) if randomised else None)
        width = random_width if randomised else n_features * n_classes
        self.discriminator = make_discriminator(width)
        self.entropy_weighting = entropy_weighting

    def joint(self, features: Tensor, probabilities: Tensor) -> Tensor:
        """Return the map of features and probabilities that the discriminator sees."""
        if self.matrix_f is None or self.matrix_g is None:
            return outer_product_map(features, probabilities)
        return randomized_map(features, probabilities, self.matrix_f, self.matrix_g)

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the loss, already weighted through the reversal."""
        both = BothDomains(source, target)
        features, logits = reverse_gradient(both.features, lam), both.logits.detach()
        joint = self.joint(features, logits.softmax(-1))
        domain = both.source_first(one_logit_a_row(self.discriminator(joint), joint))
        vars(self)["domain_logits"] = (domain.detach(),)  # as in Adversary
        weights = entropy_weights(both.source_first(logits)) if self.entropy_weighting else None
        return pooled_domain_bce(domain, source.n_rows, weights)


class CDANClassifier(AdversarialClassifier):
    r"""Conditional domain-adversarial network (CDAN, and CDAN+E).

    DANN whose discriminator sees the features jointly with the predictions:

    .. math::

        \min_{f} \max_{D} \; \mathrm{CE}(X_s, y_s) - \lambda_p \,
            \mathrm{BCE}_w(D(f \otimes \mathrm{softmax}(g))), \quad w = 1 + e^{-H(g)}

    Parameters
    ----------
    lam : float, default=0.3
        Strength of the gradient reversal; the discriminator always learns at weight 1. 0 trains
        exactly the source-only network.
    entropy_weighting : bool, default=True
        Give rows that are classified with confidence larger weights (CDAN+E).
    max_width : int, default=4096
        Widest outer product of features and predictions; above it the randomised map is used.
    random_width : int, default=1024
        Width of the randomised map. Its matrices are buffers, saved with the model.
    **params
        Parameters of `DomainClassifier`.

    References
    ----------
    .. [1] Long, M., Cao, Z., Wang, J. and Jordan, M. (2018). Conditional adversarial domain
       adaptation. NeurIPS.

    Examples
    --------
    >>> from skda import CDANClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = CDANClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "entropy_weighting": ["boolean"],
        "max_width": [Interval(Integral, 1, None, closed="left")],
        "random_width": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 0.3,
        lam_schedule: str | Callable[[float], float] = "ramp",
        lr_schedule: str | Callable[[float], float] = "inverse_decay",
        entropy_weighting: bool = True,
        max_width: int = 4096,
        random_width: int = 1024,
        **params: Any,
    ) -> None:
        super().__init__(
            module, lam=lam, lam_schedule=lam_schedule, lr_schedule=lr_schedule, **params
        )
        self.entropy_weighting = entropy_weighting
        self.max_width = max_width
        self.random_width = random_width

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return ConditionalAdversary(
            self._make_discriminator,
            sum(widths),
            n_classes,
            max_width=self.max_width,
            random_width=self.random_width,
            entropy_weighting=self.entropy_weighting,
        )
