"""ADDA: an encoder for the target alone, trained against a discriminator (Tzeng 2017)."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..._building.net_builder import take_fitted_weights
from ...losses import domain_bce
from ...nn import classifier_head
from ...nn._copy import copy_net
from ...training import (
    AdaptationNet,
    AdaptationTerm,
    Batch,
    DomainOutput,
    DomainPair,
    average_with_start,
    isolated_rng,
    one_logit_a_row,
)
from ...training.labelled import labelled_target_loss
from .dann import AdversarialClassifier

__all__ = ["ADDAClassifier", "EncoderAdversary", "EncoderNet"]


class EncoderAdversary(AdaptationTerm):
    r"""The loss of a discriminator of two encoders' features, and of the encoder that fools it.

    .. math::

        \mathrm{BCE}(D(f_s), 0) + \mathrm{BCE}(D(\bar f_t), 1)
            + \lambda \, \mathrm{BCE}(\bar D(f_t), 0)

    A bar marks a constant. The last term has inverted labels in place of a reversed gradient: its
    gradient does not vanish where D is right.

    Parameters
    ----------
    discriminator : nn.Module
        From features (n, d) to one logit of "target" a row.
    """

    def __init__(self, discriminator: nn.Module) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the loss, already weighted."""
        of_source = self._logits(source.joined.detach())
        of_target = self._logits(target.joined.detach())
        self.domain_logits = of_source.detach(), of_target.detach()
        constant = {name: p.detach() for name, p in self.discriminator.named_parameters()}
        fooled = functional_call(self.discriminator, constant, (target.joined,))
        return domain_bce(of_source, of_target) + lam * nn.functional.softplus(fooled).mean()

    def _logits(self, features: Tensor) -> Tensor:
        return one_logit_a_row(self.discriminator(features), features)


class EncoderNet(AdaptationNet):
    """skorch net of the target's encoder; source rows pass the trained net of the source.

    Parameters
    ----------
    module : nn.Module
        The target's network.
    source_net : AdaptationNet
        The source's net, which is not trained.
    **kwargs
        As for `AdaptationNet`.
    """

    stackable: ClassVar = False  # the source rows pass another net

    def __init__(self, module: nn.Module, *, source_net: AdaptationNet, **kwargs: Any) -> None:
        self.source_net = source_net
        super().__init__(module, **kwargs)

    def forward_domains(self, batch: Batch) -> tuple[DomainOutput, DomainOutput | None]:
        """Pass the source rows through the source's net and the target rows through this one."""
        source_net = self.source_net.domain_module_
        source_net.plain.eval()
        with torch.no_grad(), source_net.capturing(compiled=False):
            rows = self._to_device(batch.source)
            source = source_net.forward_sources(rows, batch.sizes, "source")
        source = source._replace(y=self._to_device(batch.y_source))
        if batch.target is None:
            return source, None
        target = self.domain_module_(self._to_device(batch.target), "target")
        y_target = None if batch.y_target is None else self._to_device(batch.y_target)
        return source, target._replace(y=y_target)

    def classification_loss(self, source: DomainOutput, target: DomainOutput | None) -> Tensor:
        """Return the criterion's mean over labelled target rows, zero where there are none."""
        of_target = labelled_target_loss(self, source, target)
        return source.logits.new_zeros(()) if of_target is None else of_target


class ADDAClassifier(AdversarialClassifier):
    r"""Adversarial discriminative domain adaptation (ADDA).

    The source network is trained first. In a second stage a copy, the target network, learns
    features that a discriminator D takes for the source's. The source network and the classifier
    are not trained in the second stage:

    .. math::

        \min_D \; \mathrm{BCE}(D(f_s(X_s)), 0) + \mathrm{BCE}(D(f_t(X_t)), 1), \qquad
        \min_{f_t} \; \lambda \, \mathrm{BCE}(D(f_t(X_t)), 0)

    Target rows are predicted by the target network, source rows by the source network.

    Parameters
    ----------
    lam : float, default=1.0
        Weight of the target network's loss. With 0 the target network is the source-only network.
        No other loss trains the target network unless target rows are labelled, and Adam, the
        default optimizer, divides out a factor of the whole gradient: all values above 0 then
        train the same network up to rounding. `LambdaSearchCV` tries one of them by default.
    lr : float, default=2e-4
        Learning rate of both stages. With a high one, or with a long second stage, the features
        of the target network may cease to fit the classifier.
    **params
        Parameters of `DomainClassifier`; `max_epochs` is the length of each stage. The recipes
        `head_epochs` and `unfreeze_schedule` are for the first stage; `l2_sp` and `wise_ft` refer
        to the weights at the start of each stage. With ``warm_start=True`` both networks and the
        discriminator go on from the previous fit, and the target network has the classifier of the
        source network.

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

    trains_in_stages: ClassVar[bool] = True
    lam_scales: ClassVar[bool] = False
    _net_names: ClassVar = ("source_net_", "net_")

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

    def _epochs_of_stages(self, domains: DomainPair) -> list[int]:
        return [self.n_epochs_] * (2 if self.lam > 0 or domains.has_target_labels else 1)

    def _start_from_fit(self, net: AdaptationNet) -> None:
        super()._start_from_fit(net)
        if self.net_ is not self.source_net_:
            take_fitted_weights(self._target_net(net), self.net_)  # raises before any training
            self._former_target_net = self.net_

    def _train(self, domains: DomainPair) -> None:
        former = self.__dict__.pop("_former_target_net", None)
        checkpoint = self.net_.checkpoint_
        source_net = self.net_.fit_domains(domains.without_target(), self.n_epochs_)
        average_with_start(source_net)
        self.source_net_ = source_net
        if len(self._epochs_of_stages(domains)) > 1:
            self.net_ = self._target_net(source_net)
            if former is not None:
                self._go_on_from(former)
            elif self.lam > 0:  # otherwise the target has had no start
                self.net_.domain_module_.start_target_like(source_net.domain_module_)
            self.net_.checkpoint_ = checkpoint and checkpoint.next()
            average_with_start(self.net_.fit_domains(domains, self.n_epochs_))
        self._adapt_statistics(domains)

    def _go_on_from(self, former: AdaptationNet) -> None:
        """Take the encoder and the discriminator of a fitted target net, not its classifier."""
        take_fitted_weights(self.net_, former)
        name = classifier_head(self.net_.plain_module)[0]
        of_source = self.source_net_.plain_module.get_submodule(name).state_dict()
        self.net_.plain_module.get_submodule(name).load_state_dict(of_source)

    def _target_net(self, source_net: AdaptationNet) -> AdaptationNet:
        module = copy_net(source_net.plain_module).cpu()
        if source_net.tuning:  # the first stage may have ended while the head alone was trained
            for name, parameter in module.named_parameters():
                parameter.requires_grad_(name not in source_net.tuning["fixed"])
        kept = {name: getattr(source_net, name) for name in ("layers", "widths", "seeds")}
        return self._encoder_net(module, source_net, **kept)

    def _encoder_net(
        self, module: nn.Module, source_net: AdaptationNet, **options: Any
    ) -> AdaptationNet:
        with isolated_rng(options["seeds"].adaptation, torch.device("cpu")):
            discriminator = self._make_discriminator(sum(options["widths"]))
        tuned = self._net_options(module)
        if "tuning" in tuned:  # the classifier is trained already
            tuned["tuning"]["head_epochs"] = 0
        options = {
            **tuned,
            "adaptation": EncoderAdversary(discriminator),
            "frozen": [[classifier_head(module)[0]], *tuned.get("frozen", [])],
            "unfreeze_every": None,
            **options,
        }
        return self._wrap(module, net_class=EncoderNet, source_net=source_net, **options)

    def _assemble_net(self, name: str, module: nn.Module, **options: Any) -> AdaptationNet:
        if name == "source_net_":
            return super()._assemble_net(name, module, **options)
        return self._encoder_net(module, self.source_net_, **options)

    def _net_of(self, domain: str) -> AdaptationNet:
        return self.source_net_ if domain == "source" else self.net_

    @property
    def _histories(self) -> list[Any]:
        nets = dict.fromkeys([self.source_net_, self.net_])  # one net if there was one stage
        return [net.history for net in nets]
