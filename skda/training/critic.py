"""The critic of WDGRL, which is trained to optimality before each step of the features."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ..losses import gradient_penalty, wasserstein_critic
from .adaptation import Passed

__all__ = ["WassersteinCritic"]


class WassersteinCritic(nn.Module):
    r"""Wasserstein-1 distance of the features, estimated by a critic with its own optimizer.

    .. math::

        \lambda \max_{D} \; \mathrm{mean} D(f_s) - \mathrm{mean} D(f_t) - \rho \, \mathrm{GP}(D)

    (the penalty GP enters the critic's own steps only).

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

    def __init__(self, critic: nn.Module, *, n_steps: int, lr: float, penalty: float) -> None:
        super().__init__()
        self.critic = critic
        self.n_steps = n_steps
        self.penalty = penalty
        self.optimizer = torch.optim.Adam(critic.parameters(), lr=lr)
        seed = int(torch.randint(2**31 - 1, ()))
        self.generator = torch.Generator().manual_seed(seed)

    def private_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters that the net's optimizer must leave alone."""
        return self.critic.parameters()

    def forward(self, source: Passed, target: Passed, lam: float) -> Tensor:
        """Train the critic, then return the weighted distance."""
        f_source, f_target = torch.cat(source.features, 1), torch.cat(target.features, 1)
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
