"""More small tasks whose classes have other shares in the target than in the source."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .small_tasks import TASKS, Task, make_rotated_moons, with_shares

__all__ = ["MORE_STRESS_TASKS"]


def _drawn(n_classes: int, seed: int) -> tuple[float, ...]:
    """Return shares drawn from a flat Dirichlet distribution, relative to the largest."""
    shares = np.random.default_rng(seed).dirichlet(np.ones(n_classes))
    return tuple((shares / shares.max()).tolist())


def _other_shares(name: str, shares: tuple[float, ...], load: Any = None) -> Task:
    """Return a task of the harness with these shares of the target's classes."""
    task = TASKS[name]
    return with_shares(replace(task, load=load or task.load), shares)


MORE_STRESS_TASKS = {
    "moons not turned, 9:1": _other_shares(
        "moons", (0.11, 1.0), partial(make_rotated_moons, angle=0.0, random_state=1000)
    ),
    "USPS→MNIST 5 to 9": _other_shares("USPS→MNIST", (0.0,) * 5 + (1.0,) * 5),
    "gas 1→6, Dirichlet": _other_shares("gas 1→6", _drawn(6, 0)),
    "phone→watch, Dirichlet": _other_shares("phone→watch", _drawn(6, 1)),
    "heart Cleveland→Hungary, 1:9": _other_shares("heart Cleveland→Hungary", (1.0, 0.18)),
    "wine red→white, 9:1": _other_shares("wine red→white", (0.06, 1.0)),
    "kitchen→books, 9:1": _other_shares("kitchen→books", (0.11, 1.0)),
}
