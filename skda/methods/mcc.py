"""MCC: minimum class confusion on the target (Jin 2020)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import nn

from ..base import AdaptingClassifier
from ..losses import MCCLoss
from ..training import AdaptationTerm, TargetTerm

__all__ = ["MCCClassifier"]


class MCCClassifier(AdaptingClassifier):
    r"""Minimum class confusion (MCC).

    .. math:: L = \mathrm{CE}(X_s, y_s) + \lambda \, \mathrm{MCC}(g(X_t) / T)

    Parameters
    ----------
    temperature : float, default=2.5
        T, which softens the predictions.
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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AdaptingClassifier._parameter_constraints,
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
        return TargetTerm(MCCLoss(temperature=self.temperature))
