"""Section a: a training step against a loop written by hand."""

import argparse
from collections.abc import Iterator
from functools import partial
from statistics import median

import numpy as np

from ..harness.timing import ratio, side_by_side
from . import by_hand
from .measure import METHODS, Row, mlp, n_rows, table


def section_a(options: argparse.Namespace) -> Iterator[Row]:
    shape = (n_rows(2560, options), 1, 28, 28)
    images = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    digits = images, np.arange(len(images)) % 10, images[::-1].copy()
    networks = {
        "MLP 20-64-64": (mlp(20, 64, 64), 64, table(n_rows(12800, options), 20), 2),
        "MLP 100-256-256": (mlp(100, 256, 256), 256, table(n_rows(6400, options), 100), 1),
        "LeNet 28x28": (by_hand.LeNet, 84, digits, 1),
    }
    for network_name, (network, width, (X, y, X_target), epochs) in networks.items():
        for name, cls in METHODS.items():
            skda = cls(network, lam=1.0, max_epochs=epochs, random_state=0, device="cpu")
            fit = partial(skda.fit, X, y, X_target)
            loop = partial(
                by_hand.train, name, network, width, (X, y), X_target, lam=1.0, epochs=epochs
            )
            sides = {"skda": fit, "fused": partial(loop, fused=True), "plain": loop}
            seconds = side_by_side(sides, options.rounds)
            case = f"{name}, {network_name}"
            step = median(seconds["skda"]) / (epochs * len(X) / 64)
            yield Row("a", case, "skda, one step", 1e6 * step, "us")
            fused, plain = (ratio(seconds["skda"], seconds[side]) for side in ("fused", "plain"))
            yield Row("a", case, "against the loop with fused Adam", fused, goal="<= 1.05")
            yield Row("a", case, "against the loop with Adam's default", plain)
