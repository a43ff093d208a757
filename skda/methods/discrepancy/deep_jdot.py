"""DeepJDOT: the cost of moving the source rows onto the target rows (Damodaran 2018)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ...base import AdaptingClassifier
from ...losses import deepjdot
from ...training import AdaptationTerm, DomainOutput

__all__ = ["DeepJDOTClassifier", "Transport"]


class Transport(AdaptationTerm):
    r"""DeepJDOT: the cost of moving the source rows onto the target rows, by the optimal plan.

    Parameters
    ----------
    feature_weight, label_weight : float
        Weights of the squared distance of the features and of the cross-entropy.
    """

    stackable: ClassVar = False  # POT finds one plan at a time
    waits = True

    def __init__(self, feature_weight: float, label_weight: float) -> None:
        super().__init__()
        self.weights = {"feature_weight": feature_weight, "label_weight": label_weight}

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the weighted loss."""
        return lam * deepjdot(source.joined, target.joined, source.y, target.logits, **self.weights)


class DeepJDOTClassifier(AdaptingClassifier):
    r"""Deep joint distribution optimal transport (DeepJDOT).

    .. math::

        L = \mathrm{CE}(X_s, y_s) + \lambda \min_{\pi} \sum_{ij} \pi_{ij}
            (\alpha \lVert f(x_i^s) - f(x_j^t) \rVert^2 + \beta \, \mathrm{CE}(g(x_j^t), y_i^s))

    Parameters
    ----------
    feature_weight : float, default=0.01
        alpha, the weight of the squared distance of the features.
    label_weight : float, default=1.0
        beta, the weight of the cross-entropy.
    **params
        Parameters of `DomainClassifier`.

    Notes
    -----
    The optimal plan of each batch comes from the package POT: ``pip install "skda[transport]"``.

    References
    ----------
    .. [1] Damodaran, B. B. et al. (2018). DeepJDOT: deep joint distribution optimal transport for
       unsupervised domain adaptation. ECCV.

    Examples
    --------
    >>> from skda import DeepJDOTClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DeepJDOTClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "feature_weight": [Interval(Real, 0, None, closed="left")],
        "label_weight": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 0.1,
        lam_schedule: str | Callable[[float], float] = "ramp",
        lr_schedule: str | Callable[[float], float] = "inverse_decay",
        feature_weight: float = 0.01,
        label_weight: float = 1.0,
        **params: Any,
    ) -> None:
        super().__init__(
            module, lam=lam, lam_schedule=lam_schedule, lr_schedule=lr_schedule, **params
        )
        self.feature_weight = feature_weight
        self.label_weight = label_weight

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        return Transport(self.feature_weight, self.label_weight)
