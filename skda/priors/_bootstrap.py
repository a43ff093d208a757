"""Bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
Statistic = Callable[[Rows, Rows], NDArray[np.float64]]


def bootstrap_interval(
    statistic: Statistic,
    strata_source: NDArray[np.intp],
    n_target: int,
    *,
    n_bootstrap: int,
    confidence: float,
    rng: np.random.RandomState,
) -> NDArray[np.float64]:
    """Return the percentile interval of a statistic of two samples, shape (2, ...).

    The statistic maps the indices of source rows and of target rows to an array. Both samples are
    drawn `n_bootstrap` times with replacement; a draw has as many source rows of each stratum as
    `strata_source`, of shape (n_source,). The interval holds the share `confidence` of the draws.
    """
    order = np.argsort(strata_source, kind="stable")
    counts = np.bincount(strata_source)[strata_source]
    first = np.searchsorted(strata_source[order], strata_source)

    def draw() -> NDArray[np.float64]:
        within = (rng.uniform(size=len(counts)) * counts).astype(np.intp)
        return statistic(order[first + within], rng.randint(n_target, size=n_target))

    outside = (1 - confidence) / 2
    draws = [draw() for _ in range(n_bootstrap)]
    interval: NDArray[np.float64] = np.quantile(draws, [outside, 1 - outside], axis=0)
    return interval
