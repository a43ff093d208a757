"""More small tasks whose classes have other shares in the target than in the source."""

import numpy as np

from .small_tasks import TASKS, moons, with_shares


def _drawn(n_classes: int, seed: int) -> tuple[float, ...]:
    """Return shares drawn from a flat Dirichlet distribution, relative to the largest."""
    shares = np.random.default_rng(seed).dirichlet(np.ones(n_classes))
    return tuple((shares / shares.max()).tolist())


MORE_STRESS_TASKS = {
    "moons not turned, 9:1": with_shares(moons(0.0), (0.11, 1.0)),
    "USPS→MNIST 5 to 9": with_shares(TASKS["USPS→MNIST"], (0.0,) * 5 + (1.0,) * 5),
    "gas 1→6, Dirichlet": with_shares(TASKS["gas 1→6"], _drawn(6, 0)),
    "phone→watch, Dirichlet": with_shares(TASKS["phone→watch"], _drawn(6, 1)),
    "heart Cleveland→Hungary, 1:9": with_shares(TASKS["heart Cleveland→Hungary"], (1.0, 0.18)),
    "wine red→white, 9:1": with_shares(TASKS["wine red→white"], (0.06, 1.0)),
    "kitchen→books, 9:1": with_shares(TASKS["kitchen→books"], (0.11, 1.0)),
}
