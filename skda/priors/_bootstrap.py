"""Bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.intp]
Statistic = Callable[[Rows, Rows], NDArray[np.float64]]


class Bootstrap(NamedTuple):
    """Percentile intervals of statistics of two samples.

    Attributes
    ----------
    n_bootstrap : int
        Number of draws, with replacement, of both samples.
    confidence : float
        Share of the draws that lie in the interval.
    rng : numpy.random.RandomState
    """

    n_bootstrap: int
    confidence: float
    rng: np.random.RandomState

    def interval(
        self, statistic: Statistic, strata_source: NDArray[np.intp], n_target: int
    ) -> NDArray[np.float64]:
        """Return the interval of a statistic, shape (2, ...).

        The statistic maps the indices of source rows and of target rows to an array. Each draw has
        as many source rows of each stratum as `strata_source`, of shape (n_source,).
        """
        order = np.argsort(strata_source, kind="stable")
        counts = np.bincount(strata_source)[strata_source]
        first = np.searchsorted(strata_source[order], strata_source)

        def draw() -> NDArray[np.float64]:
            within = (self.rng.uniform(size=len(counts)) * counts).astype(np.intp)
            return statistic(order[first + within], self.rng.randint(n_target, size=n_target))

        outside = (1 - self.confidence) / 2
        draws = [draw() for _ in range(self.n_bootstrap)]
        interval: NDArray[np.float64] = np.quantile(draws, [outside, 1 - outside], axis=0)
        return interval
