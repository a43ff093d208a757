"""What a trained net says of rows: logits and features, in large batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ..nn import LayerCapture
from .batches import TwoDomains
from .passes import DomainPasses
from .rows import Index, Rows, even_batches

__all__ = ["DomainInference"]

# hooks and swapped statistics belong to one thread at a time
_PREDICTING = threading.RLock()
_PREDICT_ROWS = 1024
# below some four rows matrix products round differently: a row's prediction must not depend on
# how many rows are beside it
_KERNEL_ROWS = 16


class DomainInference(DomainPasses):
    """The part of `AdaptationNet` that reads rows after training, without a DataLoader."""

    def reestimate_target_statistics(self, domains: TwoDomains) -> None:
        """Recompute the target's batch statistics from all of its rows (AdaBN)."""
        rows = domains.target
        if rows is None:
            return
        # mixed, because rows sorted by class would have too small a variance in each batch
        order = np.random.default_rng(self.seeds.batches).permutation(len(rows))
        batches = rows.batches(even_batches(order, _PREDICT_ROWS))
        self.domain_stats_.reestimate(
            self.plain_module, (batch.to(self.device) for batch in batches)
        )

    def logits(self, rows: Rows, domain: str) -> np.ndarray:
        """Return the logits of rows of `domain`, shape (n_rows, n_outputs), float32."""
        parts = ((logits,) for logits in self._predict(rows, domain, self.infer))
        return _joined(parts, len(rows))[0].numpy()

    def features(self, rows: Rows, domain: str) -> np.ndarray:
        """Return the adapted layers' activations side by side, shape (n_rows, d), float32."""
        indices = _in_order(len(rows))
        return torch.cat(self.sample_features(rows, indices, domain), dim=1).numpy()

    def sample_features(self, rows: Rows, indices: list[Index], domain: str) -> tuple[Tensor, ...]:
        """Return the activations of each adapted layer for the rows in these batches."""
        # the plain module: a compiled one keeps the graph that it has, without these hooks
        module = self.plain_module
        with _PREDICTING, LayerCapture(module, self.layers) as capture:
            parts = (
                tuple(f[: len(logits)] for f in self._caught(capture))
                for logits in self._predict(rows, domain, partial(self._pass, module), indices)
            )
            return _joined(parts, sum(map(len, indices)))

    def _predict(
        self,
        rows: Rows,
        domain: str,
        forward: Callable[[Tensor], Tensor],
        indices: list[Index] | None = None,
    ) -> Iterator[Tensor]:
        indices = _in_order(len(rows)) if indices is None else indices
        with _PREDICTING, torch.inference_mode():
            self._set_training(False)
            with self.domain_stats_.of(domain, self.plain_module):
                for batch in rows.batches(indices):
                    padded = _at_least(_KERNEL_ROWS, batch)
                    yield forward(padded)[: len(batch)]


def _in_order(n: int) -> list[Index]:
    return [range(i, min(i + _PREDICT_ROWS, n)) for i in range(0, n, _PREDICT_ROWS)]


def _joined(parts: Iterable[tuple[Tensor, ...]], n: int) -> tuple[Tensor, ...]:
    """Copy the parts, as they come, into tensors of n rows on the CPU.

    Small parts kept until the end would lie scattered between the large activations, and the heap
    would grow by these with every batch.
    """
    wholes: tuple[Tensor, ...] = ()
    start = 0
    for part in parts:
        wholes = wholes or tuple(t.new_empty((n, *t.shape[1:]), device="cpu") for t in part)
        end = start + len(part[0])
        for whole, t in zip(wholes, part, strict=True):
            whole[start:end] = t
        start = end
    return wholes


def _at_least(n: int, batch: Tensor) -> Tensor:
    return (
        batch
        if len(batch) >= n
        else torch.cat([batch, batch[:1].expand(n - len(batch), *batch.shape[1:])])
    )
