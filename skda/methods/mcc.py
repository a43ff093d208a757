"""MCC: minimum class confusion on the target (Jin 2020)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ..base import AdaptingClassifier
from ..losses import mcc
from ..training import AdaptationTerm, DomainOutput

__all__ = ["ClassConfusion", "MCCClassifier"]


class ClassConfusion(AdaptationTerm):
    r"""The confusion of the classes on target rows.

    .. math:: \lambda \, \mathrm{MCC}(g(X_t) / T)

    Parameters
    ----------
    temperature : float
    priors : Tensor of shape (n_classes,) or None
        Shares of the classes in the target; None weighs all alike.
    """

    takes_sources: ClassVar = True  # no source enters the loss

    priors: Tensor | None

    def __init__(self, temperature: float, priors: Tensor | None) -> None:
        super().__init__()
        self.temperature = temperature
        self.register_buffer("priors", priors)

    def forward(self, _source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the weighted confusion."""
        return lam * mcc(target.logits, temperature=self.temperature, priors=self.priors)


class MCCClassifier(AdaptingClassifier):
    r"""Minimum class confusion (MCC).

    .. math:: L = \mathrm{CE}(X_s, y_s) + \lambda \, \mathrm{MCC}(g(X_t) / T)

    Parameters
    ----------
    temperature : float, default=2.5
        T, which softens the predictions.
    target_priors : None, "estimate", array-like of shape (n_classes,) or mapping, default=None
        As for the other estimators; the shares are also the weights of the classes in the mean of
        their confusions. None gives equal weights, which raises the share of rare classes.
    **params
        Parameters of `DomainClassifier`.

    References
    ----------
    .. [1] Jin, Y., Wang, X., Long, M. and Wang, J. (2020). Minimum class confusion for versatile
       domain adaptation. ECCV.

    Examples
    --------
    >>> from skda import MCCClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = MCCClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    sharpens_target: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "temperature": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 1.0,
        lam_schedule: str | Callable[[float], float] = "ramp",
        temperature: float = 2.5,
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, lam_schedule=lam_schedule, **params)
        self.temperature = temperature

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        given = self.target_priors is not None
        priors = torch.tensor(self.target_priors_, dtype=torch.float32) if given else None
        return ClassConfusion(self.temperature, priors)
