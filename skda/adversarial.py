"""Methods that play against a domain discriminator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch import nn

from .base import AdaptingClassifier
from .building import instantiate
from .nn import DomainDiscriminator
from .training import Adversary

__all__ = ["DANNClassifier"]


class DANNClassifier(AdaptingClassifier):
    r"""Domain-adversarial network (DANN, "adaptation by backpropagation").

    A discriminator D learns to tell source features from target features; behind a gradient
    reversal, the network f learns features on which it fails:

    .. math::

        \min_{f} \max_{D} \; \mathrm{CE}(X_s, y_s)
            - \lambda_p \, [\mathrm{BCE}(D(f(X_s)), 0) + \mathrm{BCE}(D(f(X_t)), 1)]

    Parameters
    ----------
    module : nn.Module class or instance, callable, or None, default=None
        Network that returns logits, as in `DomainClassifier`.
    lam : float, default=1.0
        Strength of the gradient reversal. It reaches the feature extractor only: the
        discriminator always learns at weight 1. 0 trains exactly the source-only network.
    lam_schedule : {"ramp", "constant"} or callable, default="ramp"
        Factor of lam as a function of the progress p of the training in [0, 1]; "ramp" is the
        paper's 2 / (1 + exp(-10 p)) - 1.
    discriminator : nn.Module class or instance, callable, or None, default=None
        From features (n_rows, n_features) to one logit of "target" per row. None is
        `skda.nn.DomainDiscriminator`; its options are parameters like
        ``discriminator__hidden=(1024, 1024)``, what the paper uses for large images.
    **params
        Parameters of `DomainClassifier`.

    Attributes
    ----------
    net_ : AdaptationNet
        The skorch net; ``net_.adaptation_.discriminator`` is the trained discriminator.
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
        Number of columns (tables) or channels (images) seen in `fit`.

    References
    ----------
    .. [1] Ganin, Y. and Lempitsky, V. (2015). Unsupervised domain adaptation by
       backpropagation. ICML.
    .. [2] Ganin, Y. et al. (2016). Domain-adversarial training of neural networks. JMLR 17.

    Examples
    --------
    >>> from skda import DANNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DANNClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    net_prefixes: ClassVar = (*AdaptingClassifier.net_prefixes, "discriminator")

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AdaptingClassifier._parameter_constraints,
        "discriminator": [callable, nn.Module, None],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 1.0,
        lam_schedule: str | Callable[[float], float] = "ramp",
        discriminator: Any = None,
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, lam_schedule=lam_schedule, **params)
        self.discriminator = discriminator

    def _make_adaptation(self, widths: Sequence[int], n_classes: int) -> nn.Module:
        build = DomainDiscriminator if self.discriminator is None else self.discriminator
        options = self.net_params("discriminator")
        sizes = {"n_features": sum(widths)}
        return Adversary(instantiate(build, options, sizes, "discriminator"))
