"""Batches of two domains: an epoch passes once over the source; the target continues."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..processes import ONE_PROCESS, Processes
from .domains import DomainPair
from .rows import DeviceRows, Index, Rows, even_batches

__all__ = ["Batch", "TwoDomainLoader"]


class Batch(NamedTuple):
    """Rows of one step. `target` and `y_target` are None where the target is not used.

    `n_rows` has the numbers of source and target rows in all processes that share the training.
    Several sources lie one below the other; `sizes` has the number of rows of each.
    """

    source: Any
    y_source: Tensor
    target: Any
    y_target: Tensor | None
    n_rows: tuple[int, int] = (0, 0)
    sizes: tuple[int, ...] = ()


class _EndlessOrder:
    """Endless row indices: every row once, reshuffled, every row once again, and so on."""

    def __init__(self, n: int, rng: np.random.Generator, shuffle: bool) -> None:
        self.n, self.rng, self.shuffle = n, rng, shuffle
        self.waiting = np.empty(0, dtype=np.int64)

    def take(self, k: int) -> Index:
        while len(self.waiting) < k:
            order = self.rng.permutation(self.n) if self.shuffle else np.arange(self.n)
            self.waiting = np.concatenate([self.waiting, order])
        taken, self.waiting = self.waiting[:k], self.waiting[k:]
        return taken


class TwoDomainLoader:
    """Iterate over `Batch` tuples; each iteration is one epoch, one pass over the source.

    Parameters
    ----------
    domains : DomainPair
    batch_size : int
        Most rows of each domain in a step. The sizes of the source's batches differ by at most
        one; a smaller target gives all its rows in every step. With several sources, each has
        so many rows in a step on average.
    seed : list of int
        Seed of the private generators of the two domains.
    shuffle : bool, default=True
    drop_last : bool, default=False
        Whether to leave out source batches that are not full, if there is a full one.
    pin_memory : bool, default=False
        Whether batches lie in memory from which a GPU copies while the CPU goes on.
    state : dict or None, default=None
        State of a loader of the same domains, from which to go on: what `state` returned.
    processes : Processes, default=ONE_PROCESS
        The processes that share the training: each yields its share of every batch.

    Notes
    -----
    The target is reshuffled when it runs out and continues across epochs, so that no row is
    dropped for good, and `lam=0` and `lam>0` train on the same source batches.
    """

    options = ("batch_size", "shuffle", "drop_last")

    def __init__(
        self,
        domains: DomainPair,
        batch_size: int,
        seed: Sequence[int],
        shuffle: bool = True,
        drop_last: bool = False,
        pin_memory: bool = False,
        state: Mapping[str, Any] | None = None,
        processes: Processes = ONE_PROCESS,
    ) -> None:
        if not len(domains):
            raise ValueError("There are no source rows to train on.")
        n_target = None if domains.target is None else len(domains.target)
        processes.check_same(
            (len(domains), n_target, float(np.sum(domains.y_source))),
            "All processes must be given the same rows: each takes its share of every batch. "
            "What differs is the number of source rows, that of target rows, or the labels.",
        )
        self.domains = domains
        if domains.n_sources > 1 and processes.n > 1:
            raise ValueError(
                f"Several sources train in one process. Got {domains.n_sources} sources and "
                f"{processes.n} processes. Leave the block of accelerated(), or pass the union of "
                "the sources as one."
            )
        self.processes = processes
        self.batch_size = batch_size * processes.batches_in_a_step * domains.n_sources
        self.shuffle = shuffle
        self.pin_memory = pin_memory
        self.drop_last = drop_last and len(domains) >= self.batch_size
        source_rng, target_rng = (np.random.default_rng([*seed, i]) for i in range(2))
        self.source_rng, self.generators = source_rng, [source_rng]
        self.target_order: _EndlessOrder | None = None
        if domains.target is not None:
            self.target_order = _EndlessOrder(len(domains.target), target_rng, shuffle)
            self.generators.append(target_rng)
        if state is not None:
            self._set_state(state)

    def __len__(self) -> int:
        """Return the number of steps in an epoch."""
        n = len(self.domains)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def state(self) -> dict[str, Any]:
        """Return the states of the generators, and the target rows that come next."""
        waiting = [] if self.target_order is None else self.target_order.waiting.tolist()
        states = [generator.bit_generator.state for generator in self.generators]
        return {"generators": json.dumps(states), "waiting": waiting}

    def _set_state(self, state: Mapping[str, Any]) -> None:
        states = json.loads(state["generators"])
        for generator, of_it in zip(self.generators, states, strict=True):
            generator.bit_generator.state = of_it
        if self.target_order is not None:
            self.target_order.waiting = np.array(state["waiting"], dtype=np.int64)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches of one epoch."""
        batches = self._batches()
        if not self.pin_memory:
            return batches
        return (Batch._make(map(_pinned, batch)) for batch in batches)

    def _batches(self) -> Iterator[Batch]:
        domains = self.domains
        drawn = domains.draw_source(self.source_rng, self.shuffle)
        if self.drop_last:
            drawn = drawn[: len(self) * self.batch_size]
        whole = even_batches(drawn, self.batch_size)
        sizes: Sequence[tuple[int, ...]] = [()] * len(whole)
        if domains.source_of is not None:
            whole, sizes = self._by_source(whole, domains.source_of)
        source_index = self._shares(whole, "source")
        source = domains.source.batches(source_index)
        labels = _labels(domains.y_source, source_index, domains.source)
        if domains.target is None or self.target_order is None:
            for rows, y, index, of_each in zip(source, labels, whole, sizes, strict=True):
                yield Batch(rows, y, None, None, (len(index), 0), of_each)
            return
        whole_target = [
            self.target_order.take(min(-(-len(i) // domains.n_sources), self.target_order.n))
            for i in whole
        ]
        target_index = self._shares(whole_target, "target")
        target = domains.target.batches(target_index)
        y_target = _labels(domains.y_target, target_index, domains.target)
        n_rows = zip(map(len, whole), map(len, whole_target), strict=True)
        yield from map(Batch, source, labels, target, y_target, n_rows, sizes)

    def _by_source(self, batches: Sequence[Index], source_of: np.ndarray) -> tuple[Any, Any]:
        """Sort the rows of each batch by source; return the numbers of rows of each as well."""
        n = self.domains.n_sources
        in_order = [i[np.argsort(source_of[i], kind="stable")] for i in batches]
        return in_order, [tuple(np.bincount(source_of[i], minlength=n).tolist()) for i in batches]

    def _shares(self, batches: Sequence[Index], domain: str) -> Sequence[Index]:
        """Return this process's share of each batch."""
        few = min(map(len, batches))
        if few < self.processes.n:
            raise ValueError(
                f"A batch has {few} rows of the {domain}, too few for {self.processes.n} "
                "processes: each needs one at least. Start fewer processes, or raise 'batch_size'."
            )
        return [self.processes.shard(index) for index in batches]


def _pinned(tensor: Any) -> Any:
    # the rows of a batch are a tensor or several by name; `n_rows` and `sizes` are tuples
    on_cpu = hasattr(tensor, "pin_memory") and tensor.device.type == "cpu"
    return tensor.pin_memory() if on_cpu else tensor


def _labels(y: np.ndarray | None, indices: Sequence[Index], rows: Rows) -> Iterator[Any]:
    """Yield the labels of each batch on the device of its rows, or None for each batch."""
    if y is None:
        return repeat(None, len(indices))
    of_epoch = torch.from_numpy(y[np.concatenate(indices)])
    if isinstance(rows, DeviceRows):
        of_epoch = of_epoch.to(rows.tensor.device)
    return iter(of_epoch.split_with_sizes([len(index) for index in indices]))
