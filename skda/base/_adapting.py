"""Base of the estimators that adapt: lam and its schedule."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor, nn

from ..training import LAM_SCHEDULES
from ..training.recipes.schedules import checked_schedule
from ._tuning import TunableEstimator

__all__ = ["AdaptingEstimator"]


class AdaptingEstimator(TunableEstimator):
    """Base of the estimators that adapt to an unlabelled target while they train.

    Parameters
    ----------
    lam : float, default=1.0
        Weight of the adaptation loss. 0 trains exactly the source-only network.
    lam_schedule : {"constant", "ramp"} or callable, default="constant"
        Factor of lam as a function of the progress p of the training in [0, 1]; "ramp" is
        2 / (1 + exp(-10 p)) - 1.
    multi_source : {"pairwise", "union"}, default="pairwise"
        What the adaptation loss compares with the target where `fit` is given several sources:
        each source, with the mean of the losses (an adversarial method has a discriminator for
        each), or the rows of all sources together. With one source both are the same.
    target_label_weight : float or "batch", default="batch"
        Weight of a row that `y_target` labels. A float is relative to a source row: with 1, a
        labelled target row of a batch weighs as much as a source row, with `class_weight` as one
        of its class. With "batch", all labelled target rows of a batch weigh as much as all of its
        source rows. 1 was better with one label a class, "batch" with three or more
        (`benchmarks/target_label_weight`).
    **params
        Parameters of `TunableEstimator`.
    """

    # whether different values of lam above 0 train different networks
    lam_scales: ClassVar[bool] = True
    # whether the adaptation loss itself raises the confidence of predictions of target rows
    sharpens_target: ClassVar[bool] = False

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "lam": [Interval(Real, 0, None, closed="left")],
        "lam_schedule": [StrOptions(set(LAM_SCHEDULES)), callable],
        "multi_source": [StrOptions({"pairwise", "union"})],
        "target_label_weight": [Interval(Real, 0, None, closed="left"), StrOptions({"batch"})],
    }

    def __init__(
        self,
        module: Any = None,
        *,
        lam: float = 1.0,
        lam_schedule: str | Callable[[float], float] = "constant",
        multi_source: str = "pairwise",
        target_label_weight: float | str = "batch",
        **params: Any,
    ) -> None:
        super().__init__(module, **params)
        self.lam = lam
        self.lam_schedule = lam_schedule
        self.multi_source = multi_source
        self.target_label_weight = target_label_weight

    def _make_module(self, rows: Tensor, n_classes: int) -> nn.Module:
        if self.module is None and (recipes := self._recipes()):
            raise ValueError(
                f"The {recipes[0]!r} parameter of {type(self).__name__} is for trained weights, "
                "and module=None has none. Pass a network that has them as 'module'."
            )
        return super()._make_module(rows, n_classes)

    def _net_options(self, module: nn.Module) -> dict[str, Any]:
        schedule = checked_schedule(self.lam_schedule, LAM_SCHEDULES, "lam_schedule")
        return {
            "lam": float(self.lam),
            "lam_schedule": schedule,
            "target_label_weight": self.target_label_weight,
            **self._tuning_options(module),
        }

    def _update_net(self) -> None:
        self.net_.lam = float(self.lam)
        self.net_.target_label_weight = self.target_label_weight

    def _needs_target(self) -> bool:
        return True
