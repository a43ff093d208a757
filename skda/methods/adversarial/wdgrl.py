"""WDGRL: the Wasserstein distance by a critic (Shen 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from numbers import Integral, Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn
from torch.optim import Optimizer

from ...base import AdaptingRegressor
from ...losses import gradient_penalty, wasserstein_critic
from ...training import AdaptationTerm, DomainOutput
from ...training.late_optimizer import is_on_demand
from .dann import AdversarialClassifier, AdversarialEstimator

__all__ = ["WDGRLClassifier", "WDGRLEstimator", "WDGRLRegressor", "WassersteinCritic"]


class WassersteinCritic(AdaptationTerm):
    r"""Wasserstein-1 distance of the features, estimated by a critic with its own optimizer.

    .. math::

        \lambda \max_{D} \; \mathrm{mean} D(f_s) - \mathrm{mean} D(f_t) - \rho \, \mathrm{GP}(D)

    The penalty GP is part of the critic's own steps only.

    Parameters
    ----------
    critic : nn.Module
        From features (n, d) to one score a row.
    n_steps : int
        Steps of the critic before each step of the features.
    lr : float
        The critic's learning rate (Adam).
    penalty : float
        rho.
    """

    stackable: ClassVar = False  # the critic's optimizer and generator belong to one model

    def __init__(self, critic: nn.Module, *, n_steps: int, lr: float, penalty: float) -> None:
        super().__init__()
        self.critic = critic
        self.n_steps = n_steps
        self.penalty = penalty
        self.lr = lr
        seed = int(torch.randint(2**31 - 1, ()))
        self.generator = torch.Generator().manual_seed(seed)

    @cached_property
    def optimizer(self) -> Optimizer:
        """The optimizer of the critic, made when it is first needed."""
        return torch.optim.Adam(self.critic.parameters(), lr=self.lr)

    def own_state(self) -> dict[str, Any]:
        """Return the generator and the optimizer, which a load leaves to its first use."""
        made = {} if is_on_demand() else {"optimizer": self.optimizer}
        return made | super().own_state()

    def own_parameters(self) -> Iterable[nn.Parameter]:
        """Return those of the critic, which has an optimizer of its own."""
        return self.critic.parameters()

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Train the critic, then return the weighted distance."""
        f_source, f_target = source.joined, target.joined
        for _ in range(self.n_steps):
            self._step(f_source.detach(), f_target.detach())
        self.critic.requires_grad_(False)
        distance = wasserstein_critic(self.critic(f_source), self.critic(f_target))
        self.critic.requires_grad_(True)
        return lam * distance

    def _step(self, f_source: Tensor, f_target: Tensor) -> None:
        distance = wasserstein_critic(self.critic(f_source), self.critic(f_target))
        slope = gradient_penalty(f_source, f_target, self.critic, generator=self.generator)
        self.optimizer.zero_grad()
        (self.penalty * slope - distance).backward()
        self.optimizer.step()


class WDGRLEstimator(AdversarialEstimator):
    """WDGRL for any task.

    Parameters
    ----------
    critic_steps : int, default=5
        Steps of the critic before each step of the network.
    critic_lr : float, default=1e-3
        Learning rate of the critic (Adam).
    gradient_penalty : float, default=10.0
        rho, the weight of the penalty that keeps the critic's slope near one.
    **params
        Parameters of `AdaptingEstimator`.

    References
    ----------
    .. [1] Shen, J., Qu, Y., Zhang, W. and Yu, Y. (2018). Wasserstein distance guided
       representation learning for domain adaptation. AAAI.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
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
    ) -> AdaptationTerm:
        return WassersteinCritic(
            self._make_discriminator(sum(widths)),
            n_steps=self.critic_steps,
            lr=self.critic_lr,
            penalty=self.gradient_penalty,
        )


class WDGRLClassifier(WDGRLEstimator, AdversarialClassifier):
    r"""Wasserstein distance guided representation learning (WDGRL).

    The discriminator is a critic D, trained for several steps before each step of the network:

    .. math::

        \min_{f} \; \mathrm{CE}(X_s, y_s) + \lambda \max_{D} \;
            \overline{D(f(X_s))} - \overline{D(f(X_t))} - \rho \, \mathrm{GP}(D)

    Parameters
    ----------
    **params
        Parameters of `DomainClassifier`. The critic is the `discriminator`.

    Examples
    --------
    >>> from skda import WDGRLClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = WDGRLClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """


class WDGRLRegressor(WDGRLEstimator, AdaptingRegressor):
    r"""Wasserstein distance guided representation learning (WDGRL) for a regression.

    As `WDGRLClassifier`, with the squared error for the cross-entropy:

    .. math::

        \min_{f} \; \mathrm{MSE}(X_s, y_s) + \lambda \max_{D} \;
            \overline{D(f(X_s))} - \overline{D(f(X_t))} - \rho \, \mathrm{GP}(D)

    Parameters
    ----------
    **params
        Parameters of `DomainRegressor`.

    Examples
    --------
    >>> from skda import WDGRLRegressor
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> y = moons.X_source[:, 0] - moons.X_source[:, 1]  # a number for each row
    >>> reg = WDGRLRegressor(max_epochs=2, random_state=0)
    >>> reg.fit(moons.X_source, y, moons.X_target).predict(moons.X_target).shape
    (300,)
    """
