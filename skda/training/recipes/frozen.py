"""Features of a frozen network, computed once for all epochs of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from ...nn import Backbone, Layer, LayerCapture
from ..data.domains import DomainPair
from ..data.inputs import InputRows
from ..data.rows import ArrayRows, Rows
from ..domain_module import DomainModule
from ..predict import batches_in_order

__all__ = ["body_computed_once"]


@contextmanager
def body_computed_once(module: DomainModule, domains: DomainPair) -> Iterator[DomainPair]:
    """Replace the rows by the features of a frozen body inside the with block.

    Parameters
    ----------
    module : DomainModule
        Any network but a `Backbone` keeps its rows.
    domains : DomainPair

    Yields
    ------
    DomainPair
        `domains` itself if rows come from a Dataset that may change them from epoch to epoch, if
        a layer below the classifier is adapted, or if the network changes the classifier's
        output.
    """
    backbone = module.plain
    if not (
        isinstance(backbone, Backbone)
        and backbone.frozen
        and all(f"{layer.name}.".startswith(f"{backbone.head}.") for layer in module.layers)
        and all(_stays(rows) for rows in (domains.source, domains.target))
        and _head_is_last(module, backbone, domains.source)
    ):
        yield domains
        return
    source = _features(module, domains.source, "source", np.unique(domains.subset))
    target = domains.target
    if target is not None:
        target = _features(module, target, "target", np.arange(len(target)))
    with backbone.on_features():
        yield domains.replace(source=source, target=target)


def _stays(rows: Rows | None) -> bool:
    """Say whether the rows are the same whenever they are read."""
    if isinstance(rows, InputRows):
        return all(_stays(part) for part in rows.parts.values())
    dataset = getattr(getattr(rows, "dataset", None), "dataset", None)
    return rows is None or isinstance(rows, ArrayRows) or getattr(dataset, "unchanging", False)


def _head_is_last(module: DomainModule, backbone: Backbone, rows: Rows) -> bool:
    """Say whether the network returns the output of its classifier unchanged."""
    few = np.arange(min(2, len(rows)))
    features = torch.from_numpy(_features(module, rows, "source", few).array[few])
    linear = next(
        m for m in backbone.get_submodule(backbone.head).modules() if isinstance(m, nn.Linear)
    )
    if features.shape[1] != linear.in_features:
        return False
    with torch.no_grad(), backbone.on_features():
        alone = backbone.eval()(features.to(module.device))
    with torch.no_grad():
        (batch,) = rows.batches([few])
        whole = backbone(batch.to(module.device))
    return torch.is_tensor(whole) and torch.allclose(alone, whole, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def _features(module: DomainModule, rows: Rows, domain: str, index: np.ndarray) -> ArrayRows:
    """Return the input of the classifier for the rows of `index`; other rows stay 0."""
    backbone: Any = module.plain.eval()
    features = None
    with LayerCapture(backbone, [Layer(backbone.head, "input")]) as capture:
        order = [index[np.asarray(i)] for i in batches_in_order(rows, len(index), module.device)]
        for i, batch in zip(order, rows.batches(order), strict=True):
            module(batch.to(module.device, non_blocking=True), domain)
            (found,) = capture.pop()
            if features is None:
                features = np.zeros((len(rows), found.shape[1]), np.float32)
            features[i] = found.float().cpu().numpy()
    return ArrayRows(features)
