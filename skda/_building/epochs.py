"""The number of epochs that max_epochs="auto" stands for."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["auto_epochs", "settle_epochs"]

# Chosen on benchmarks/training_length.
STEPS = 1000
LEAST, MOST = 20, 200


def auto_epochs(n_source: int, batch_size: int) -> int:
    """Return the epochs that make 1000 steps, at least 20 and at most 200.

    >>> [auto_epochs(n, 64) for n in (300, 3000, 300_000)]
    [200, 22, 20]
    """
    steps_of_an_epoch = math.ceil(n_source / batch_size)
    return min(max(math.ceil(STEPS / steps_of_an_epoch), LEAST), MOST)


def settle_epochs(estimator: Any, n_source: int) -> None:
    """Set the number of epochs of an unfitted estimator whose `max_epochs` is "auto".

    A search calls this: its folds train for as many epochs as its final fit on all rows. `n_source`
    is the number of source rows of the final fit, of one source on average.
    """
    if getattr(estimator, "max_epochs", None) == "auto":
        estimator.set_params(max_epochs=auto_epochs(n_source, estimator.batch_size))
