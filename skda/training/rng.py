"""Seeds for every part of training, without touching the global generators."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .locks import TURN

__all__ = ["NO_SEEDS", "Isolated", "Seeds", "global_generators_kept", "isolated_rng"]


class Seeds(NamedTuple):
    """One seed for each source of randomness, so that the draws of one do not shift the others."""

    module: int
    adaptation: int
    batches: int
    training: int

    @classmethod
    def draw(cls, random_state: np.random.RandomState) -> Seeds:
        """Draw all seeds from a RandomState, always the same number of draws."""
        return cls(*(int(s) for s in random_state.randint(2**31 - 1, size=len(cls._fields))))


NO_SEEDS = Seeds(0, 0, 0, 0)


class Isolated:
    """torch's generators while they are seeded for one training.

    Parameters
    ----------
    device : torch.device
        Where the training runs.
    """

    def __init__(self, device: torch.device) -> None:
        self.kind = device.type
        self.outside = self.states()
        # whether the fetching of a batch draws numbers; None until one was fetched
        self.fetching_draws: bool | None = None

    def seed(self, seed: int) -> None:
        """Seed the CPU generator and, off the CPU, the device's."""
        torch.default_generator.manual_seed(seed)
        if self.kind != "cpu":
            getattr(torch, self.kind).manual_seed(seed)

    def states(self) -> list[Tensor]:
        """Return the states of the generators."""
        states = [torch.get_rng_state()]
        if self.kind == "cuda":
            states += torch.cuda.get_rng_state_all()
        elif self.kind != "cpu":
            states.append(getattr(torch, self.kind).get_rng_state())
        return states

    def put(self, states: list[Tensor]) -> None:
        """Set the generators to these states."""
        torch.set_rng_state(states[0])
        if self.kind == "cuda":
            torch.cuda.set_rng_state_all(states[1:])
        elif self.kind != "cpu":
            getattr(torch, self.kind).set_rng_state(states[1])

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let other threads train inside the with block, which draws no random numbers."""
        if TURN.depth > 1:  # the training around this one has not released its turn
            yield
            return
        own = self.states()
        self.put(self.outside)
        TURN.release()
        try:
            yield
        finally:
            TURN.acquire()
            self.outside = self.states()
            self.put(own)

    def in_turns(self, batches: Iterable[Any], slow: bool) -> Iterator[Any]:
        """Yield batches, and let other threads train between two of them if any waits.

        Parameters
        ----------
        batches : iterable
        slow : bool
            Whether to let them train while a batch is fetched as well. The first batch is fetched
            alone, to see whether fetching draws from torch's generator. If so, all are.
        """
        iterator = iter(batches)
        while True:
            if slow and self.fetching_draws is False:
                with self.released():
                    batch = next(iterator, None)
            else:
                if TURN.waiting:
                    with self.released():
                        pass
                unknown = slow and self.fetching_draws is None
                before = torch.get_rng_state() if unknown else None
                batch = next(iterator, None)
                if before is not None:
                    self.fetching_draws = not torch.equal(before, torch.get_rng_state())
            if batch is None:
                return
            yield batch


@contextmanager
def global_generators_kept() -> Iterator[None]:
    """Put the states of Python's and numpy's generators back, from which a Dataset may draw."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


@contextmanager
def isolated_rng(seed: int, device: torch.device) -> Iterator[Isolated]:
    """Seed torch's generators inside the with block and put their old state back afterwards.

    Parameters
    ----------
    seed : int
        Seed of the CPU generator and, off the CPU, of the device's.
    device : torch.device
        Where the training runs.
    """
    TURN.acquire()
    try:
        generators = Isolated(device)
        try:
            generators.seed(seed)
            yield generators
        finally:
            generators.put(generators.outside)
    finally:
        TURN.release()
