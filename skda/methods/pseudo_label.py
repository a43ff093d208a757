"""Pseudo-labels: self-training on confident predictions of the target (Lee 2013)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import nn

from ..base import AdaptingClassifier
from ..losses import PseudoLabelLoss
from ..training import AdaptationTerm, TargetTerm

__all__ = ["PseudoLabelClassifier"]


class PseudoLabelClassifier(AdaptingClassifier):
    r"""Self-training: the network learns from its own confident predictions of the target.

    .. math::

        L = \mathrm{CE}(X_s, y_s)
            + \lambda \, \overline{[\max_k p_k(x_t) \ge \tau] \, (-\log p_{\hat y}(x_t))}

    Parameters
    ----------
    threshold : float, default=0.9
        tau, the least probability of the predicted label.
    **params
        Parameters of `DomainClassifier`.

    References
    ----------
    .. [1] Lee, D.-H. (2013). Pseudo-label: the simple and efficient semi-supervised learning
       method for deep neural networks. ICML Workshop.

    Examples
    --------
    >>> from skda import PseudoLabelClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = PseudoLabelClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    sharpens_target: ClassVar[bool] = True

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "threshold": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 1.0,
        lam_schedule: str | Callable[[float], float] = "ramp",
        threshold: float = 0.9,
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, lam_schedule=lam_schedule, **params)
        self.threshold = threshold

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return TargetTerm(PseudoLabelLoss(threshold=self.threshold))
