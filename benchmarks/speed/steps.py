"""Section a: a training step against a loop written by hand."""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import median

import numpy as np
from torch import nn

from skda import DANNRegressor, DAREGRAMRegressor

from ..harness import by_hand
from ..harness.timing import ratio, side_by_side
from .measure import METHODS, Row, mlp, n_rows, table

REGRESSORS = {"DANN": DANNRegressor, "DARE-GRAM": DAREGRAMRegressor}
# epochs of the longer of two trainings, over those of the shorter
MORE = 3
Seconds = Mapping[tuple[str, int], Sequence[float]]
Case = tuple[Callable[[], nn.Module], int, tuple[np.ndarray, np.ndarray, np.ndarray], int]


def section_a(options: argparse.Namespace) -> Iterator[Row]:
    shape = (n_rows(2560, options), 1, 28, 28)
    images = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    digits = images, np.arange(len(images)) % 10, images[::-1].copy()
    narrow, wide = table(n_rows(12800, options), 20), table(n_rows(6400, options), 100)
    networks = {
        "MLP 20-64-64": (mlp(20, 64, 64), 64, narrow, 2),
        "MLP 100-256-256": (mlp(100, 256, 256), 256, wide, 1),
        "LeNet 28x28": (by_hand.LeNet, 84, digits, 1),
    }
    for network_name, case in networks.items():
        for name, cls in METHODS.items():
            yield from _step(name, cls, f"{name}, {network_name}", case, options)
    numbers = {
        "MLP 20-64-64": (mlp(20, 64, 64, n_outputs=1), 64, _with_numbers(narrow), 2),
        "MLP 100-256-256": (mlp(100, 256, 256, n_outputs=1), 256, _with_numbers(wide), 1),
    }
    for network_name, case in numbers.items():
        for name, cls in REGRESSORS.items():
            yield from _step(name, cls, f"{name} of numbers, {network_name}", case, options)


def _with_numbers(data: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Replace the labels by a numeric function of the rows."""
    X, _, X_target = data
    return X, X[:, 0] * X[:, 1] + X[:, 2], X_target


def _step(
    name: str, cls: type, title: str, case: Case, options: argparse.Namespace
) -> Iterator[Row]:
    network, width, (X, y, X_target), epochs = case
    sides = {}
    for n in (epochs, MORE * epochs):
        skda = cls(network, lam=1.0, max_epochs=n, random_state=0, device="cpu")
        sides["skda", n] = partial(skda.fit, X, y, X_target)
        given = name, network, width, (X, y), X_target
        loop = partial(by_hand.train, *given, lam=1.0, epochs=n)
        sides |= {("fused", n): partial(loop, fused=True), ("plain", n): loop}
    seconds = side_by_side(sides, options.rounds)
    steps = {side: _more(seconds, side, epochs) for side in ("skda", "fused", "plain")}
    n_steps = epochs * len(X) / 64
    step = median(steps["skda"]) / ((MORE - 1) * n_steps)
    yield Row("a", title, "skda, one step", 1e6 * step, "us")
    fused, plain = (ratio(steps["skda"], steps[side]) for side in ("fused", "plain"))
    yield Row("a", title, "against the loop with fused Adam", fused, goal="<= 1.05")
    yield Row("a", title, "against the loop with Adam's default", plain)
    beside = median(seconds["skda", epochs]) - n_steps * step
    yield Row("a", title, "skda, a fit beside its steps", 1e3 * beside, "ms")


def _more(seconds: Seconds, side: str, epochs: int) -> list[float]:
    """Return the additional time of the longer training in each round."""
    pairs = zip(seconds[side, MORE * epochs], seconds[side, epochs], strict=True)
    return [long - short for long, short in pairs]
