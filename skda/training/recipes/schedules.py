"""How lam and the learning rate move with the progress p of training, from 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

__all__ = [
    "LAM_SCHEDULES",
    "LR_SCHEDULES",
    "Schedule",
    "checked_schedule",
    "constant",
    "inverse_decay",
    "ramp",
]

Schedule = Callable[[float], float]


def constant(p: float) -> float:  # noqa: ARG001
    """Return 1 at every progress `p`.

    Examples
    --------
    >>> constant(0.3)
    1.0
    """
    return 1.0


def ramp(p: float) -> float:
    r"""Return :math:`2 / (1 + e^{-10 p}) - 1`, the rise of DANN's lam from 0 to 1.

    References
    ----------
    .. [1] Ganin, Y. et al. (2016). Domain-adversarial training of neural networks. JMLR 17.

    Examples
    --------
    >>> [round(ramp(p), 3) for p in (0.0, 0.1, 0.5, 1.0)]
    [0.0, 0.462, 0.987, 1.0]
    """
    return 2.0 / (1.0 + math.exp(-10.0 * p)) - 1.0


def inverse_decay(p: float) -> float:
    r"""Return :math:`(1 + 10 p)^{-0.75}`, DANN's fall of the learning rate.

    References
    ----------
    .. [1] Ganin, Y. et al. (2016). Domain-adversarial training of neural networks. JMLR 17.

    Examples
    --------
    >>> [round(inverse_decay(p), 3) for p in (0.0, 0.5, 1.0)]
    [1.0, 0.261, 0.166]
    """
    return float((1.0 + 10.0 * p) ** -0.75)


LAM_SCHEDULES: dict[str, Schedule] = {"constant": constant, "ramp": ramp}
LR_SCHEDULES: dict[str, Schedule] = {"constant": constant, "inverse_decay": inverse_decay}


def checked_schedule(
    schedule: str | Schedule, named: Mapping[str, Schedule], name: str
) -> Schedule:
    """Return the schedule of this name, or the user's, whose errors name the parameter `name`.

    Examples
    --------
    >>> checked_schedule("constant", LAM_SCHEDULES, "lam_schedule")(0.5)
    1.0
    """
    return named[schedule] if isinstance(schedule, str) else CheckedSchedule(schedule, name)


class CheckedSchedule:
    """A user's schedule; a call raises ValueError if it returns no factor."""

    def __init__(self, schedule: Schedule, name: str) -> None:
        self.schedule = schedule
        self.name = name

    def __call__(self, p: float) -> float:
        """Return the factor at progress `p`."""
        try:
            factor = self.schedule(p)
            valid = math.isfinite(factor) and (factor >= 0 or self.name != "lr_schedule")
        except (ArithmeticError, TypeError, ValueError) as error:
            raise ValueError(f"{self._must} At p = {p:.3g} it raised {error!r}.") from error
        if not valid:
            raise ValueError(f"{self._must} At p = {p:.3g} it gave {factor!r}.")
        # a number of numpy would make the rate one, which a checkpoint cannot hold
        return factor.item() if isinstance(factor, np.generic) else factor

    @property
    def _must(self) -> str:
        above = " of at least 0" if self.name == "lr_schedule" else ""
        return (
            f"The '{self.name}' parameter must be a function of the progress p in [0, 1] that "
            f"returns a factor, a finite number{above}."
        )
