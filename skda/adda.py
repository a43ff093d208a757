"""ADDA: an encoder of the target's own, trained against a discriminator."""

from __future__ import annotations

import copy
from typing import Any, NoReturn, Self

import torch

from .adversarial import AdversarialClassifier
from .nn import classifier_head
from .training import AdaptationNet, EncoderAdversary, EncoderNet, TwoDomains, isolated_rng

__all__ = ["ADDAClassifier"]


class ADDAClassifier(AdversarialClassifier):
    r"""Adversarial discriminative domain adaptation (ADDA).

    Two stages. The source network is trained first. A copy of it, the target network, then
    learns features that a discriminator D takes for the source's, while the source network and
    the classifier stay as they are:

    .. math::

        \min_D \; \mathrm{BCE}(D(f_s(X_s)), 0) + \mathrm{BCE}(D(f_t(X_t)), 1), \qquad
        \min_{f_t} \; \lambda \, \mathrm{BCE}(D(f_t(X_t)), 0)

    Target rows are predicted by the target network, source rows by the source network.

    Parameters
    ----------
    lam : float, default=1.0
        Weight of the target network's loss. 0 leaves it the source-only network.
    lr : float, default=2e-4
        Learning rate of both stages. A high one, or a long second stage, lets the target
        network drift away from the classifier, which stays as it is.
    **params
        Parameters of `DomainClassifier`; `max_epochs` is the length of each stage.

    Attributes
    ----------
    net_ : AdaptationNet
        The skorch net of the target.
    source_net_ : AdaptationNet
        The skorch net of the source.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of columns (tables) or channels (images) seen in `fit`.

    References
    ----------
    .. [1] Tzeng, E., Hoffman, J., Saenko, K. and Darrell, T. (2017). Adversarial discriminative
       domain adaptation. CVPR.

    Examples
    --------
    >>> from skda import ADDAClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = ADDAClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    source_net_: AdaptationNet

    def __init__(
        self, module: Any = None, *, lam: float = 1.0, lr: float = 2e-4, **params: Any
    ) -> None:
        super().__init__(module, lam=lam, lr=lr, **params)

    @property
    def partial_fit(self) -> NoReturn:
        """Not offered: the second stage needs the first one finished."""
        raise AttributeError(
            "ADDAClassifier has no partial_fit: its second stage needs the first one finished. "
            "Use fit, with warm_start=True to go on from the weights."
        )

    def _train_stages(self, domains: TwoDomains) -> Self:
        source_net = self.net_.fit_domains(domains.without_target(), self.max_epochs)
        self.source_net_ = source_net
        if self.lam > 0 or domains.has_target_labels:
            self.net_ = self._target_net(source_net).fit_domains(domains, self.max_epochs)
        if self.adapt_batch_norm:
            self.net_.reestimate_target_statistics(domains)
        return self

    def _target_net(self, source_net: AdaptationNet) -> AdaptationNet:
        module = copy.deepcopy(source_net.plain_module).cpu()
        with isolated_rng(source_net.seeds.adaptation, torch.device("cpu")):
            discriminator = self._make_discriminator(sum(source_net.widths))
        return self._wrap(
            module,
            net_class=EncoderNet,
            source_net=source_net,
            adaptation=EncoderAdversary(discriminator),
            layers=source_net.layers,
            widths=source_net.widths,
            seeds=source_net.seeds,
            frozen=[[classifier_head(module)[0]]],
            **self._net_options(module),
        )

    def _net_of(self, domain: str) -> AdaptationNet:
        return self.source_net_ if domain == "source" else self.net_
