"""Methods that work on the predictions of the target, or on two classifiers that differ there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import nn

from .base import AdaptingClassifier
from .losses import MCCLoss, PseudoLabelLoss
from .nn import MLP, classifier_head
from .training import DisagreeingClassifier, MarginAdversary, TargetTerm

__all__ = ["MCCClassifier", "MCDClassifier", "MDDClassifier", "PseudoLabelClassifier"]


class MCCClassifier(AdaptingClassifier):
    r"""Minimum class confusion (MCC).

    .. math:: L = \mathrm{CE}(X_s, y_s) + \lambda \, \mathrm{MCC}(g(X_t) / T)

    Parameters
    ----------
    lam : float, default=1.0
        Weight of the adaptation loss. 0 trains exactly the source-only network.
    lam_schedule : {"ramp", "constant"} or callable, default="ramp"
        Factor of lam as a function of the progress p of the training in [0, 1].
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
    ) -> nn.Module:
        return TargetTerm(MCCLoss(temperature=self.temperature))


class PseudoLabelClassifier(AdaptingClassifier):
    r"""Self-training: the network learns from its own confident predictions of the target.

    .. math::

        L = \mathrm{CE}(X_s, y_s)
            + \lambda \, \overline{[\max_k p_k(x_t) \ge \tau] \, (-\log p_{\hat y}(x_t))}

    Parameters
    ----------
    lam : float, default=1.0
        Weight of the adaptation loss. 0 trains exactly the source-only network.
    lam_schedule : {"ramp", "constant"} or callable, default="ramp"
        Factor of lam as a function of the progress p of the training in [0, 1].
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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **AdaptingClassifier._parameter_constraints,
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
    ) -> nn.Module:
        return TargetTerm(PseudoLabelLoss(threshold=self.threshold))


class MCDClassifier(AdaptingClassifier):
    r"""Maximum classifier discrepancy (MCD).

    Two classifiers learn the source and differ as much as they can on the target; the features
    learn to leave them no room:

    .. math::

        \min_{f} \max_{c_1, c_2} \; \lambda \, d(c_1(f(X_t)), c_2(f(X_t)))
            \quad \text{besides} \quad \min \mathrm{CE}(c_1) + \mathrm{CE}(c_2)

    Parameters
    ----------
    lam : float, default=1.0
        Weight of the adaptation loss. 0 trains exactly the source-only network.
    lam_schedule : {"ramp", "constant"} or callable, default="ramp"
        Factor of lam as a function of the progress p of the training in [0, 1].
    **params
        Parameters of `DomainClassifier`. `adapt_layers` must be left at None: the second
        classifier works on the input of the module's own, its last ``nn.Linear``.

    Notes
    -----
    The paper alternates three steps a batch; a gradient reversal does them in one. The first
    classifier predicts.

    References
    ----------
    .. [1] Saito, K., Watanabe, K., Ushiku, Y. and Harada, T. (2018). Maximum classifier
       discrepancy for unsupervised domain adaptation. CVPR.

    Examples
    --------
    >>> from skda import MCDClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = MCDClassifier(max_epochs=2, random_state=0)
    >>> clf.fit(moons.X_source, moons.y_source, moons.X_target).predict(moons.X_target).shape
    (300,)
    """

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 1.0,
        lam_schedule: str | Callable[[float], float] = "ramp",
        **params: Any,
    ) -> None:
        super().__init__(module, lam=lam, lam_schedule=lam_schedule, **params)

    def _make_adaptation(
        self, module: nn.Module, widths: Sequence[int], n_classes: int
    ) -> nn.Module:
        _, first = classifier_head(module)
        if self.adapt_layers is not None or list(widths) != [first.in_features]:
            raise ValueError(
                "The 'adapt_layers' parameter of MCDClassifier must be None: its classifiers work "
                f"on the input of the module's last nn.Linear. Got {self.adapt_layers!r} instead."
            )
        return DisagreeingClassifier(first, nn.Linear(first.in_features, n_classes))


class MDDClassifier(AdaptingClassifier):
    r"""Margin disparity discrepancy (MDD).

    A second classifier f', behind a gradient reversal, agrees with the first on the source and
    disagrees on the target; the features learn to deny it that.

    Parameters
    ----------
    lam : float, default=0.1
        Strength of the gradient reversal. 0 trains exactly the source-only network.
    lam_schedule : {"ramp", "constant"} or callable, default="ramp"
        Factor of lam as a function of the progress p of the training in [0, 1].
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
        **AdaptingClassifier._parameter_constraints,
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
    ) -> nn.Module:
        # no batch normalisation: the two domains pass it one after the other
        adversary = MLP(sum(widths), n_classes, hidden=self.hidden, batch_norm=False)
        return MarginAdversary(adversary, self.margin)
