"""Time and memory of a fit or a search, from the sizes of what it is given."""

from __future__ import annotations

import math
from typing import NamedTuple

# arrays of the size of the weights: a training holds the weights, their gradient and Adam's two
# means; the measurements show as many again for a short time
_COPIES_OF_WEIGHTS = 8
# forward, gradient of the rows, gradient of the weights
_PASSES = 3


class Machine(NamedTuple):
    """Speed and memory of a machine with a method, from two short fits.

    `step_seconds` is the time of a step without the matrix products, mostly of the optimizer and of
    Python; `flops` are the multiply-adds a second of the matrix products; `base_bytes` is the
    memory that any fit takes.
    """

    step_seconds: float
    flops: float
    base_bytes: float


class Work(NamedTuple):
    """A fit on so many rows; `layers` are the widths from the input to the classes."""

    n_source: int
    n_target: int
    layers: tuple[int, ...]
    batch_size: int = 64
    epochs: int = 10

    @property
    def steps(self) -> int:
        """Steps of the training."""
        return self.epochs * math.ceil(self.n_source / self.batch_size)

    @property
    def n_weights(self) -> int:
        """Weights of the network, which are also the multiply-adds of a row."""
        return sum(a * b for a, b in zip(self.layers, self.layers[1:], strict=False))

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the training, of rows of both domains."""
        rows = self.epochs * self.n_source + self.steps * min(self.batch_size, self.n_target)
        return _PASSES * rows * self.n_weights


def fit_seconds(machine: Machine, work: Work) -> float:
    """Return the time of a fit: the time of its steps and of its matrix products."""
    return work.steps * machine.step_seconds + work.multiply_adds / machine.flops


def fit_bytes(machine: Machine, work: Work) -> float:
    """Return the memory of a fit beyond the program and the rows.

    The rows take 4 bytes a feature in float32; a fit does not copy them.
    """
    activations = 2 * work.batch_size * sum(work.layers) * _PASSES
    return machine.base_bytes + 4.0 * (_COPIES_OF_WEIGHTS * work.n_weights + activations)


def search_seconds(
    machine: Machine, work: Work, *, n_lams: int, n_folds: int, n_workers: int = 1
) -> float:
    """Return the time of a search that trains one by one, and of the last fit on all rows."""
    part = (n_folds - 1) / n_folds
    of_fold = work._replace(
        n_source=round(work.n_source * part), n_target=round(work.n_target * part)
    )
    rounds = math.ceil(n_lams * n_folds / n_workers)
    return rounds * fit_seconds(machine, of_fold) + fit_seconds(machine, work)


def search_bytes(machine: Machine, work: Work, *, n_folds: int, n_workers: int = 1) -> float:
    """Return the memory of a search beyond the program and the rows.

    Each worker holds a copy of the training rows of its fold, and the memory of its fit.
    """
    rows = 4.0 * (work.n_source + work.n_target) * work.layers[0]
    return n_workers * (rows * (n_folds - 1) / n_folds + fit_bytes(machine, work))


def calibrate(
    small: tuple[Work, float], large: tuple[Work, float], bytes_of_small: float
) -> Machine:
    """Return the machine on which two fits take these seconds, and the small one these bytes."""
    (few, short), (many, long) = small, large
    # two equations in the time of a step and the time of a multiply-add
    determinant = few.steps * many.multiply_adds - many.steps * few.multiply_adds
    step = (short * many.multiply_adds - long * few.multiply_adds) / determinant
    of_product = (few.steps * long - many.steps * short) / determinant
    return Machine(step, 1 / of_product, bytes_of_small - fit_bytes(Machine(0, 1, 0), few))
