import math

import pytest

from skda.training import LAM_SCHEDULES, LR_SCHEDULES, inverse_decay, ramp
from skda.training.recipes.schedules import checked_schedule


@pytest.mark.parametrize("p", [0.0, 0.05, 0.1, 0.46, 0.9, 1.0])
def test_ramp_is_a_hyperbolic_tangent(p: float) -> None:
    assert ramp(p) == pytest.approx(math.tanh(5 * p), abs=1e-12)


def test_ramp_starts_at_zero_and_ends_at_one() -> None:
    # a widespread implementation has another slope and ends at .46
    assert ramp(0.0) == 0.0
    assert 0.9999 < ramp(1.0) < 1.0


def test_inverse_decay_known_values() -> None:
    assert inverse_decay(0.0) == 1.0
    assert inverse_decay(0.3) == pytest.approx(4**-0.75)
    assert inverse_decay(1.0) == pytest.approx(0.1655600, abs=1e-6)


def test_schedules_by_name() -> None:
    assert sorted(LAM_SCHEDULES) == ["constant", "ramp"]
    assert sorted(LR_SCHEDULES) == ["constant", "inverse_decay"]
    assert checked_schedule("ramp", LAM_SCHEDULES, "lam_schedule") is ramp
    assert checked_schedule("inverse_decay", LR_SCHEDULES, "lr_schedule") is inverse_decay
    constant = checked_schedule("constant", LAM_SCHEDULES, "lam_schedule")
    assert [constant(p) for p in (0.0, 0.5, 1.0)] == [1, 1, 1]


def test_a_callable_is_its_own_schedule() -> None:
    schedule = checked_schedule(math.sqrt, LAM_SCHEDULES, "lam_schedule")
    assert [schedule(p) for p in (0.25, 1.0)] == [0.5, 1.0]
