"""DANN: a domain discriminator behind a gradient reversal (Ganin 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import StrOptions
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..._building.calling import checked_discriminator
from ..._building.modules import instantiate
from ...base import AdaptingClassifier, AdaptingEstimator, AdaptingRegressor
from ...losses import pooled_domain_bce
from ...nn import DomainDiscriminator, reverse_gradient
from ...training import (
    AdaptationTerm,
    BothDomains,
    DomainOutput,
    features_of_both,
    one_logit_a_row,
)

__all__ = [
    "AdversarialClassifier",
    "AdversarialEstimator",
    "Adversary",
    "DANNClassifier",
    "DANNRegressor",
    "DomainsAdversary",
]


class Adversary(AdaptationTerm):
    r"""A domain discriminator behind a gradient reversal of strength lam.

    Parameters
    ----------
    discriminator : nn.Module
        From features (..., n, d) to one logit of "target" a row, (..., n) or (..., n, 1).

    Notes
    -----
    .. math:: \mathrm{BCE}(D(R_\lambda(f(X_s))), 0) + \mathrm{BCE}(D(R_\lambda(f(X_t))), 1)

    The discriminator itself always learns at weight 1; lam scales the gradient below the reversal
    only. Both domains pass the discriminator together: batch normalisation of each domain alone
    would hide the domain from the discriminator.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the loss, already weighted through the reversal."""
        both = BothDomains(source, target)
        features = reverse_gradient(both.features, lam)
        logits = both.source_first(one_logit_a_row(self.discriminator(features), features))
        # Module's __setattr__ takes longer than a layer
        vars(self)["domain_logits"] = (logits.detach(),)
        return pooled_domain_bce(logits, source.n_rows)


class DomainsAdversary(AdaptationTerm):
    r"""One discriminator of all sources and the target, behind a gradient reversal.

    Parameters
    ----------
    discriminator : nn.Module
        From features (n, d) to one logit for each of the K sources, then one for the target.

    Notes
    -----
    .. math::

        \frac{1}{K} \sum_{k=1}^{K} \mathrm{CE}(D(R_\lambda(f(X_{s_k}))), k)
            + \mathrm{CE}(D(R_\lambda(f(X_t))), K + 1)

    A source without rows in the batch is left out of the mean. With one source the loss is that of
    `Adversary`, whose logit is the difference of the two logits.
    """

    takes_sources: ClassVar = True
    stackable: ClassVar = False  # the rows of a batch are cut by their source

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the loss, already weighted through the reversal."""
        features = reverse_gradient(features_of_both(source, target), lam)
        logits = self.discriminator(features)
        others, of_target = logits.detach().split([logits.shape[1] - 1, 1], dim=1)
        self.domain_logits = (of_target.squeeze(1) - others.amax(dim=1),)
        *sources, targets = logits.split_with_sizes([*source.sizes, target.n_rows])
        losses = [_of_domain(rows, k) for k, rows in enumerate(sources) if len(rows)]
        return torch.stack(losses).mean() + _of_domain(targets, len(sources))


def _of_domain(logits: Tensor, k: int) -> Tensor:
    return cross_entropy(logits, torch.full(logits.shape[:1], k, device=logits.device))


class AdversarialEstimator(AdaptingEstimator):
    """Base of the methods with a domain discriminator.

    Parameters
    ----------
    discriminator : nn.Module class or instance, callable, or None, default=None
        From features (n_rows, n_features) to one number per row, the logit of "target". None is
        `skda.nn.DomainDiscriminator`; its options are parameters like
        ``discriminator__hidden=(1024, 1024)``, what DANN's paper uses for large images.
    **params
        Parameters of `AdaptingEstimator`.
    """

    net_prefixes: ClassVar = (*AdaptingEstimator.net_prefixes, "discriminator")

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "discriminator": [callable, nn.Module, None],
    }

    def __init__(self, module: Any = None, *, discriminator: Any = None, **params: Any) -> None:
        super().__init__(module, **params)
        self.discriminator = discriminator

    def _make_discriminator(self, n_features: int, n_outputs: int = 1) -> nn.Module:
        spec = DomainDiscriminator if self.discriminator is None else self.discriminator
        options = self.net_params("discriminator")
        sizes = {"n_features": n_features} | ({"n_outputs": n_outputs} if n_outputs > 1 else {})
        discriminator = instantiate(spec, options, sizes, "discriminator")
        return checked_discriminator(discriminator, n_features, n_outputs)


class AdversarialClassifier(AdversarialEstimator, AdaptingClassifier):
    """Base of the classifiers with a domain discriminator.

    Parameters
    ----------
    **params
        Parameters of `AdaptingClassifier`.
    """


class DANNEstimator(AdversarialEstimator):
    """DANN for any task.

    Parameters
    ----------
    lam : float, default=0.3
        Strength of the gradient reversal, for the feature extractor: the discriminator always
        learns at weight 1. 0 trains exactly the source-only network.
    multi_source : {"pairwise", "union", "all_domains"}, default="pairwise"
        What is compared where `fit` is given several sources: each source with the target, by a
        discriminator for each; the rows of all of them with the target; or all domains with each
        other, by one discriminator of the K sources and the target [3]_. A `discriminator` of the
        user must then return ``n_outputs`` logits, K + 1. With one source all three are the same.
    **params
        Parameters of `AdaptingEstimator`.

    References
    ----------
    .. [1] Ganin, Y. and Lempitsky, V. (2015). Unsupervised domain adaptation by
       backpropagation. ICML.
    .. [2] Ganin, Y. et al. (2016). Domain-adversarial training of neural networks. JMLR 17.
    .. [3] Chen, X. and Cardie, C. (2018). Multinomial adversarial networks for multi-domain text
       classification. NAACL.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "multi_source": [StrOptions({"pairwise", "union", "all_domains"})],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 0.3,
        lam_schedule: str | Callable[[float], float] = "ramp",
        lr_schedule: str | Callable[[float], float] = "inverse_decay",
        **params: Any,
    ) -> None:
        super().__init__(
            module, lam=lam, lam_schedule=lam_schedule, lr_schedule=lr_schedule, **params
        )

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        if self.multi_source == "all_domains" and self._n_sources > 1:
            return DomainsAdversary(self._make_discriminator(sum(widths), self._n_sources + 1))
        return Adversary(self._make_discriminator(sum(widths)))


class DANNClassifier(DANNEstimator, AdversarialClassifier):
    r"""Domain-adversarial network (DANN, "adaptation by backpropagation").

    A discriminator D learns to tell source features from target features. Behind a gradient
    reversal, the network f learns features on which D fails:

    .. math::

        \min_{f} \max_{D} \; \mathrm{CE}(X_s, y_s)
            - \lambda_p \, [\mathrm{BCE}(D(f(X_s)), 0) + \mathrm{BCE}(D(f(X_t)), 1)]

    Parameters
    ----------
    **params
        Parameters of `DomainClassifier`.

    Examples
    --------
    >>> from skda import DANNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DANNClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """


class DANNRegressor(DANNEstimator, AdaptingRegressor):
    r"""Domain-adversarial network (DANN) for a regression.

    As `DANNClassifier`, with the squared error for the cross-entropy:

    .. math::

        \min_{f} \max_{D} \; \mathrm{MSE}(X_s, y_s)
            - \lambda_p \, [\mathrm{BCE}(D(f(X_s)), 0) + \mathrm{BCE}(D(f(X_t)), 1)]

    Parameters
    ----------
    **params
        Parameters of `DomainRegressor`.

    Examples
    --------
    >>> from skda import DANNRegressor
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> y = moons.X_source[:, 0] - moons.X_source[:, 1]  # a number for each row
    >>> reg = DANNRegressor(max_epochs=2, random_state=0)
    >>> reg.fit(moons.X_source, y, moons.X_target).predict(moons.X_target).shape
    (300,)
    """
