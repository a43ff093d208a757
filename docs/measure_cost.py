"""Print the table of costs on the page of methods: CPU time of a fit relative to source-only.

    OMP_NUM_THREADS=1 python docs/measure_cost.py

Each of three rounds measures all methods; the printed number is the median of the ratios. The table
has 2000 rows and 20 columns in each domain; there are 800 images of 16 by 16 pixels in each domain.
The networks are the built-in ones.
"""

from __future__ import annotations

import time
import warnings
from statistics import median

import numpy as np
import torch

import skda

NAMES = sorted(name for name in skda.__all__ if name.endswith("Classifier"))
BASE = "FinetuneClassifier"


def cpu_time(name: str, X: np.ndarray, n_classes: int, epochs: int) -> float:
    """Return the seconds of CPU that one fit takes."""
    y = np.arange(len(X)) % n_classes
    estimator = getattr(skda, name)(max_epochs=epochs, random_state=0)
    start = time.process_time()
    estimator.fit(X, y, X + np.float32(0.3))
    return time.process_time() - start


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    table = rng.normal(size=(2000, 20)).astype("float32"), 4, 3
    images = rng.random((800, 1, 16, 16), dtype="float32"), 10, 2
    ratios: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
    for round_ in range(4):
        times = {name: [cpu_time(name, *data) for data in (table, images)] for name in NAMES}
        if round_:  # the first warms up
            for name, (first, second) in times.items():
                ratios[name].append((first / times[BASE][0], second / times[BASE][1]))
    for name in NAMES:
        print(
            f"{name:24}", *(f"{median(column):.1f}" for column in zip(*ratios[name], strict=True))
        )


if __name__ == "__main__":
    main()
