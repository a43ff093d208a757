"""MDD: margin disparity discrepancy, by an adversarial classifier (Zhang 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from ...base import AdaptingClassifier
from ...losses import mdd
from ...nn import MLP, reverse_gradient
from ...training import AdaptationTerm, DomainOutput

__all__ = ["MDDClassifier", "MarginAdversary"]


class MarginAdversary(AdaptationTerm):
    r"""MDD: a second classifier f' that agrees with f on the source and not on the target.

    .. math:: \mathrm{MDD}_\gamma(g(X_s), f'(R_\lambda(\cdot)_s), g(X_t), f'(R_\lambda(\cdot)_t))

    Parameters
    ----------
    classifier : nn.Module
        The adversarial classifier, from features to logits.
    margin : float
        gamma.
    """

    def __init__(self, classifier: nn.Module, margin: float) -> None:
        super().__init__()
        self.classifier = classifier
        self.margin = margin

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the loss, already weighted through the reversal."""
        adversary_s, adversary_t = (
            self.classifier(reverse_gradient(output.joined, lam)) for output in (source, target)
        )
        return mdd(source.logits, adversary_s, target.logits, adversary_t, margin=self.margin)


class MDDClassifier(AdaptingClassifier):
    r"""Margin disparity discrepancy (MDD).

    A second classifier f', behind a gradient reversal, learns to agree with the first on the
    source and to disagree on the target. The features learn to make both agree on the target too.

    Parameters
    ----------
    lam : float, default=0.1
        Strength of the gradient reversal. 0 trains exactly the source-only network.
    margin : float, default=4.0
        gamma, the weight of the source in the adversary's loss.
    hidden : sequence of int, default=(64,)
        Hidden layers of the adversarial classifier.
    **params
        Parameters of `DomainClassifier`.

    References
    ----------
    .. [1] Zhang, Y., Liu, T., Long, M. and Jordan, M. (2019). Bridging theory and algorithm for
       domain adaptation. ICML.

    Examples
    --------
    >>> from skda import MDDClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = MDDClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "margin": [Interval(Real, 0, None, closed="neither")],
        "hidden": [list, tuple],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 0.1,
        lam_schedule: str | Callable[[float], float] = "ramp",
        margin: float = 4.0,
        hidden: Sequence[int] = (64,),
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, lam_schedule=lam_schedule, **params)
        self.margin = margin
        self.hidden = hidden

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> AdaptationTerm:
        # no batch normalisation: the two domains pass it one after the other
        adversary = MLP(sum(widths), n_classes, hidden=self.hidden, batch_norm=False)
        return MarginAdversary(adversary, self.margin)
