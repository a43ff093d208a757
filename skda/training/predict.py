"""Logits and features of rows from a trained network, in large batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from .data.domains import DomainPair
from .data.inputs import join
from .data.rows import Index, Rows, even_batches
from .domain_module import DomainModule
from .errors import DivergenceError
from .modes import no_autocast
from .term import DomainOutput, Features

__all__ = [
    "batches_in_order",
    "outputs_by_batch",
    "predict_features",
    "predict_logits",
    "reestimate_statistics",
    "sample_both",
    "sample_features",
]

_PREDICT_ROWS = 1024
# fewer rows of large images, whose activations in a network are many times as large
_PREDICT_NUMBERS = 1 << 23
# on a CPU, the activations of fewer images stay in the cache: twice as fast
_IN_CACHE = 1 << 19
# with fewer rows, about four, matrix products round differently: a row's prediction must not
# depend on the number of rows beside it
_KERNEL_ROWS = 16


def predict_logits(
    module: DomainModule, rows: Rows, domain: str, index: np.ndarray | None = None
) -> np.ndarray:
    """Return the logits of rows of `domain`, shape (n_rows, n_outputs), float32.

    `index` selects some of the rows.
    """
    n = len(rows) if index is None else len(index)
    indices = batches_in_order(rows, n, module.device)
    if index is not None:
        indices = [index[i] for i in indices]
    outputs = _outputs(module, rows, domain, indices)
    logits = _joined(((output.logits,) for output in outputs), n)[0]
    return _defined(logits, "logits").numpy()


def predict_features(module: DomainModule, rows: Rows, domain: str) -> np.ndarray:
    """Return the adapted layers' activations side by side, shape (n_rows, d), float32."""
    indices = batches_in_order(rows, len(rows), module.device)
    features = sample_features(module, rows, domain, indices)
    return _defined(torch.cat(features, dim=1), "features").numpy()


def outputs_by_batch(
    module: DomainModule, rows: Rows, domain: str, features: bool
) -> Iterator[np.ndarray]:
    """Yield the logits, or else the features, of all rows, one batch after the other."""
    indices, start = batches_in_order(rows, len(rows), module.device), 0
    for output in _outputs(module, rows, domain, indices, features):
        part = torch.cat(output.features, dim=1) if features else output.logits
        name = "features" if features else "logits"
        yield _defined(part, name, f" from row {start} on").cpu().numpy()
        start += len(part)


def _defined(outputs: Tensor, name: str, where: str = "") -> Tensor:
    """Return the outputs; raise if those of some rows are undefined."""
    # a class may be ruled out by a logit of -inf
    of_rows = outputs.amax(dim=1) if name == "logits" else outputs.abs().amax(dim=1)
    n_bad = int((~of_rows.isfinite()).sum())
    if n_bad:
        raise DivergenceError(
            f"The network's {name} are NaN or infinite for {n_bad} of {len(outputs)} rows of X"
            f"{where}. "
            "Look for extreme values in these rows, or train again with a lower 'lr' or 'lam' and "
            "scaled input, e.g. with StandardScaler in a pipeline."
        )
    return outputs


def sample_features(
    module: DomainModule, rows: Rows, domain: str, indices: list[Index]
) -> Features:
    """Return the activations of each adapted layer for the rows in these batches, on the CPU."""
    outputs = _outputs(module, rows, domain, indices, features=True)
    return _joined((output.features for output in outputs), sum(map(len, indices)))


def sample_both(
    module: DomainModule, domains: DomainPair, source: str, n_rows: int, seed: Sequence[int]
) -> tuple[Features, Features]:
    """Return the features of up to `n_rows` random rows of each domain, by its statistics.

    `source` is the name of the source's statistics.
    """
    rng = np.random.default_rng(seed)
    target = cast(Rows, domains.target)
    drawn_source, drawn_target = domains.draw_source(rng), rng.permutation(len(target))
    return (
        sample_features(module, domains.source, source, [drawn_source[:n_rows]]),
        sample_features(module, target, "target", [drawn_target[:n_rows]]),
    )


def reestimate_statistics(module: DomainModule, rows: Rows, domain: str, seed: int) -> None:
    """Recompute the statistics of a domain from all of its rows (AdaBN)."""
    # shuffled: a batch of rows that are sorted by class would have too small a variance
    order = np.random.default_rng(seed).permutation(len(rows))
    batches = rows.batches(even_batches(order, _at_once(rows, _PREDICT_NUMBERS)))
    module.reestimate(domain, (batch.to(module.device) for batch in batches))


def _outputs(
    module: DomainModule, rows: Rows, domain: str, indices: list[Index], features: bool = False
) -> Iterator[DomainOutput]:
    device = module.device
    for batch in rows.batches(indices):
        n = len(batch)
        batch = _at_least(_KERNEL_ROWS, batch).to(device, non_blocking=True)
        capturing: AbstractContextManager[None] = (
            module.capturing(compiled=False) if features else nullcontext()
        )
        # the lock is free while data load: other threads may predict, and the process may fork.
        # no inference mode: a network may compute a gradient in its forward pass
        with module.lock, torch.no_grad(), no_autocast(), capturing:
            module.plain.eval()
            output = module(batch, domain)
        yield DomainOutput(tuple(f[:n] for f in output.features), output.logits[:n])


def batches_in_order(rows: Rows, n: int, device: torch.device) -> list[Index]:
    """Cut the numbers below n into batches of a size at which `rows` pass a network fast."""
    at_once = _at_once(rows, _IN_CACHE if device.type == "cpu" else _PREDICT_NUMBERS)
    return [range(i, min(i + at_once, n)) for i in range(0, n, at_once)]


def _at_once(rows: Any, n_numbers: int) -> int:
    """Return the size of a batch; one of images or series has about `n_numbers` numbers."""
    of_data = getattr(rows, "dataset", rows)  # a Dataset's shape is that of one row
    data = getattr(of_data, "array", getattr(of_data, "tensor", of_data))
    shape = getattr(data, "shape", ())
    of_a_row = (shape if data is of_data else shape[1:]) if isinstance(shape, tuple) else ()
    n_numbers = n_numbers if len(of_a_row) > 1 else _PREDICT_NUMBERS
    return min(_PREDICT_ROWS, max(_KERNEL_ROWS, n_numbers // max(1, math.prod(of_a_row))))


def _joined(parts: Iterable[Features], n: int) -> Features:
    """Copy each part at once into tensors of n rows on the CPU.

    Small parts that are kept until the end would scatter between the large activations, and the
    heap would grow with every batch.
    """
    wholes: Features = ()
    start = 0
    for part in parts:
        wholes = wholes or tuple(t.new_empty((n, *t.shape[1:]), device="cpu") for t in part)
        end = start + len(part[0])
        for whole, t in zip(wholes, part, strict=True):
            whole[start:end] = t
        start = end
    return wholes


def _at_least(n: int, batch: Any) -> Any:
    """Fill a batch up to n rows by copies of its first one."""
    return batch if len(batch) >= n else join([batch, batch[torch.zeros(n - len(batch)).long()]])
