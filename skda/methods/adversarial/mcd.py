"""MCD: two classifiers that differ on the target (Saito 2018)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ...base import AdaptingClassifier
from ...losses import classifier_discrepancy
from ...nn import classifier_head, reverse_gradient
from ...nn._run import two_logits
from ...training import AdaptationTerm, DomainOutput

__all__ = ["DisagreeingClassifier", "MCDClassifier"]


class DisagreeingClassifier(AdaptationTerm):
    r"""MCD: two classifiers learn the source and differ on the target; the features oppose this.

    .. math::

        \mathrm{CE}(c_2(f_s), y_s) - \lambda \, d(c_1(R_1(f_t)), c_2(R_1(f_t)))

    With the reversal :math:`R_1` the classifiers maximise the discrepancy d, and the features
    minimise it.

    Parameters
    ----------
    first : nn.Module
        The module's own classifier c_1, from features to logits, or to one logit of two classes.
    second : nn.Module
        c_2, likewise.
    """

    stackable: ClassVar = False  # its first classifier is a part of the network

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, source: DomainOutput, target: DomainOutput, lam: float | Tensor) -> Tensor:
        """Return the weighted loss."""
        (f_source,), (f_target,) = source.features, target.features
        reversed_target = reverse_gradient(f_target)
        first = two_logits(self.first(reversed_target))
        apart = classifier_discrepancy(first, self.second(reversed_target))
        return cross_entropy(self.second(f_source), source.y) - lam * apart


class MCDClassifier(AdaptingClassifier):
    r"""Maximum classifier discrepancy (MCD).

    Two classifiers learn the source and differ on the target as much as they can. The features
    learn to make the classifiers agree:

    .. math::

        \min_{f} \max_{c_1, c_2} \; \lambda \, d(c_1(f(X_t)), c_2(f(X_t)))
            \quad \text{besides} \quad \min \mathrm{CE}(c_1) + \mathrm{CE}(c_2)

    Parameters
    ----------
    **params
        Parameters of `DomainClassifier`. `adapt_layers` must be None: both classifiers have the
        same input, that of the module's last ``nn.Linear``.

    Notes
    -----
    The paper alternates three steps a batch; a gradient reversal does them in one. The first
    classifier predicts. The loss of the second on the source is the cross-entropy, whatever
    `criterion` is; labelled target rows do not train the second.

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
    ) -> AdaptationTerm:
        _, first = classifier_head(module)
        if self.adapt_layers is not None or list(widths) != [first.in_features]:
            raise ValueError(
                "The 'adapt_layers' parameter of MCDClassifier must be None: its classifiers work "
                f"on the input of the module's last nn.Linear. Got {self.adapt_layers!r} instead."
            )
        return DisagreeingClassifier(first, nn.Linear(first.in_features, n_classes))
