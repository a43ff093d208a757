"""Section g: a pretrained network, its body frozen or trained."""

import argparse
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset

from skda import FinetuneClassifier, MCCClassifier
from skda.nn import load_backbone

from ..harness.timing import ratio, side_by_side
from .measure import Row

EPOCHS, BATCH_SIZE = 20, 64
CASE = "EfficientNet-Lite0, photographs of 96 pixels"
Images = tuple[np.ndarray, np.ndarray]


class Anew(Dataset[tuple[Tensor, int]]):
    """Photographs that may change in each epoch, as with a random transform."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = torch.from_numpy(images), labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.images[i], int(self.labels[i])


def section_g(options: argparse.Namespace) -> Iterator[Row]:
    n, epochs = (16, 2) if options.quick else (128, EPOCHS)
    X = np.random.default_rng(0).integers(0, 256, (n, 3, 96, 96), dtype=np.uint8)
    images = X, np.arange(n) % 10
    rounds = min(options.rounds, 3)
    yield from _frozen(images, epochs, rounds)
    yield from _step(images, rounds)


def _frozen(images: Images, epochs: int, rounds: int) -> Iterator[Row]:
    """Train a head on a frozen body, whose features are computed once or in each step."""
    X, y = images

    def train(source: Any, target: Any, labels: Any, n: int) -> None:
        backbone = load_backbone(size=None, frozen=True, bottleneck=256)
        clf = MCCClassifier(backbone, max_epochs=n, batch_size=BATCH_SIZE, random_state=0)
        clf.fit(source, labels, target)

    once, anew = (X, 255 - X, y), (Anew(X, y), Anew(255 - X, y), None)
    sides = {
        "once": partial(train, *once, epochs),
        "once, one epoch": partial(train, *once, 1),
        "anew": partial(train, *anew, epochs),
        "anew, one epoch": partial(train, *anew, 1),
    }
    seconds = side_by_side(sides, rounds)
    title = f"{CASE}, frozen"
    yield Row("g", title, f"{epochs} epochs, features computed once", median(seconds["once"]), "s")
    gain = ratio(seconds["anew"], seconds["once"])
    yield Row("g", title, f"{epochs} epochs, features in each step, ratio", gain, goal=">= 50")
    later = {
        side: [
            (whole - first) / (epochs - 1)
            for whole, first in zip(seconds[side], seconds[f"{side}, one epoch"], strict=True)
        ]
        for side in ("once", "anew")
    }
    gain = median(later["anew"]) / max(median(later["once"]), 1e-9)
    yield Row("g", title, "an epoch after the first, ratio", gain)


def _step(images: Images, rounds: int) -> Iterator[Row]:
    """Train all layers, against a loop by hand with the same two rates."""
    X, y = images
    rows, labels = torch.from_numpy(X), torch.from_numpy(y)

    def skda(n: int) -> None:
        clf = FinetuneClassifier(load_backbone(size=None), max_epochs=n, batch_size=32)
        clf.set_params(random_state=0).fit(X, y)

    def by_hand(n: int) -> None:
        backbone = load_backbone(size=None)
        head = torch.nn.Linear(1280, 10)
        backbone.network._fc = head
        body = [p for name, p in backbone.named_parameters() if "_fc" not in name]
        rates = [{"params": body, "lr": 1e-4}, {"params": head.parameters(), "lr": 1e-3}]
        optimizer = torch.optim.Adam(rates, fused=True)
        backbone.train()
        for _ in range(n):
            for index in torch.randperm(len(rows)).split(32):
                optimizer.zero_grad()
                cross_entropy(backbone(rows[index]), labels[index]).backward()
                optimizer.step()

    sides = {(side, n): partial(side, n) for side in (skda, by_hand) for n in (1, 3)}
    seconds = side_by_side(sides, rounds)
    steps = [
        [long - short for long, short in zip(seconds[side, 3], seconds[side, 1], strict=True)]
        for side in (skda, by_hand)
    ]
    per_step = median(steps[0]) / (2 * np.ceil(len(X) / 32))
    yield Row("g", f"{CASE}, all layers", "skda, one step of 32", 1e3 * per_step, "ms")
    yield Row("g", f"{CASE}, all layers", "against the loop by hand", ratio(*steps), goal="<= 1.05")
