"""Methods that play against a domain discriminator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import nn

from .base import AdaptingClassifier
from .building import instantiate
from .nn import DomainDiscriminator
from .training import Adversary, ConditionalAdversary, WassersteinCritic

__all__ = ["AdversarialClassifier", "CDANClassifier", "DANNClassifier", "WDGRLClassifier"]


class AdversarialClassifier(AdaptingClassifier):
    """Base of the methods with a domain discriminator.

    Parameters
    ----------
    discriminator : nn.Module class or instance, callable, or None, default=None
        From features (n_rows, n_features) to one number per row, the logit of "target". None is
        `skda.nn.DomainDiscriminator`; its options are parameters like
        ``discriminator__hidden=(1024, 1024)``, what DANN's paper uses for large images.
    **params
        Parameters of `AdaptingClassifier`.
    """

    net_prefixes: ClassVar = (*AdaptingClassifier.net_prefixes, "discriminator")

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AdaptingClassifier._parameter_constraints,
        "discriminator": [callable, nn.Module, None],
    }

    def __init__(self, module: Any = None, *, discriminator: Any = None, **params: Any) -> None:
        super().__init__(module, **params)
        self.discriminator = discriminator

    def _make_discriminator(self, n_features: int) -> nn.Module:
        spec = DomainDiscriminator if self.discriminator is None else self.discriminator
        options = self.net_params("discriminator")
        return instantiate(spec, options, {"n_features": n_features}, "discriminator")


class DANNClassifier(AdversarialClassifier):
    r"""Domain-adversarial network (DANN, "adaptation by backpropagation").

    A discriminator D learns to tell source features from target features; behind a gradient
    reversal, the network f learns features on which it fails:

    .. math::

        \min_{f} \max_{D} \; \mathrm{CE}(X_s, y_s)
            - \lambda_p \, [\mathrm{BCE}(D(f(X_s)), 0) + \mathrm{BCE}(D(f(X_t)), 1)]

    Parameters
    ----------
    lam : float, default=0.3
        Strength of the gradient reversal. It reaches the feature extractor only: the
        discriminator always learns at weight 1. 0 trains exactly the source-only network.
    lam_schedule : {"ramp", "constant"} or callable, default="ramp"
        Factor of lam as a function of the progress p of the training in [0, 1]; "ramp" is the
        paper's 2 / (1 + exp(-10 p)) - 1.
    lr_schedule : {"inverse_decay", "constant"} or callable, default="inverse_decay"
        Factor of the learning rate as a function of p; "inverse_decay" is the paper's
        (1 + 10 p)^-0.75.
    **params
        Parameters of `DomainClassifier`.

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
    ) -> nn.Module:
        return Adversary(self._make_discriminator(sum(widths)))


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
    lam_schedule : {"ramp", "constant"} or callable, default="ramp"
        Factor of lam as a function of the progress p of the training in [0, 1].
    lr_schedule : {"inverse_decay", "constant"} or callable, default="inverse_decay"
        Factor of the learning rate as a function of p; "inverse_decay" is the paper's
        (1 + 10 p)^-0.75.
    entropy_weighting : bool, default=True
        Let rows that are classified with confidence count more (CDAN+E).
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
        **AdversarialClassifier._parameter_constraints,
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
    ) -> nn.Module:
        return ConditionalAdversary(
            self._make_discriminator,
            sum(widths),
            n_classes,
            max_width=self.max_width,
            random_width=self.random_width,
            entropy_weighting=self.entropy_weighting,
        )


class WDGRLClassifier(AdversarialClassifier):
    r"""Wasserstein distance guided representation learning (WDGRL).

    The discriminator is a critic D, trained for several steps before each step of the network:

    .. math::

        \min_{f} \; \mathrm{CE}(X_s, y_s) + \lambda \max_{D} \;
            \overline{D(f(X_s))} - \overline{D(f(X_t))} - \rho \, \mathrm{GP}(D)

    Parameters
    ----------
    lam : float, default=0.1
        Weight of the adaptation loss. 0 trains exactly the source-only network.
    lr_schedule : {"inverse_decay", "constant"} or callable, default="inverse_decay"
        Factor of the learning rate as a function of the progress p of the training in [0, 1];
        "inverse_decay" is (1 + 10 p)^-0.75.
    critic_steps : int, default=5
        Steps of the critic before each step of the network.
    critic_lr : float, default=1e-3
        Learning rate of the critic (Adam).
    gradient_penalty : float, default=10.0
        rho, the weight of the penalty that keeps the critic's slope near one.
    **params
        Parameters of `DomainClassifier`. The critic is the `discriminator`.

    References
    ----------
    .. [1] Shen, J., Qu, Y., Zhang, W. and Yu, Y. (2018). Wasserstein distance guided
       representation learning for domain adaptation. AAAI.

    Examples
    --------
    >>> from skda import WDGRLClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = WDGRLClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AdversarialClassifier._parameter_constraints,
        "critic_steps": [Interval(Integral, 1, None, closed="left")],
        "critic_lr": [Interval(Real, 0, None, closed="neither")],
        "gradient_penalty": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 0.1,
        lr_schedule: str | Callable[[float], float] = "inverse_decay",
        critic_steps: int = 5,
        critic_lr: float = 1e-3,
        gradient_penalty: float = 10.0,
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, lr_schedule=lr_schedule, **params)
        self.critic_steps = critic_steps
        self.critic_lr = critic_lr
        self.gradient_penalty = gradient_penalty

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> nn.Module:
        return WassersteinCritic(
            self._make_discriminator(sum(widths)),
            n_steps=self.critic_steps,
            lr=self.critic_lr,
            penalty=self.gradient_penalty,
        )
