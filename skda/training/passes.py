"""How a net passes the rows of two domains: together, or each by its own statistics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from ..nn import DomainStatistics, Layer, LayerCapture, norms_in_eval
from .adaptation import Passed
from .batches import Batch

__all__ = ["DomainPasses"]


class DomainPasses:
    """The part of `AdaptationNet` that passes rows through the module."""

    device: Any
    layers: Sequence[Layer]
    amp: str | None
    seeds: Any
    # set when the net is initialised
    module_: Any
    domain_stats_: DomainStatistics
    # set for a fit
    capture_: LayerCapture
    labelled_domain_: str
    apart_: bool

    _set_training: Callable[..., None]

    @property
    def plain_module(self) -> nn.Module:
        """The user's module, also where skorch compiled it."""
        return getattr(self.module_, "_orig_mod", self.module_)

    def forward_domains(self, batch: Batch) -> tuple[Passed, Passed | None]:
        """Pass the rows of both domains; in one pass where no layer mixes rows."""
        if batch.target is None:
            return self._forward(batch.source, batch.y_source, self.labelled_domain_), None
        if self.apart_:
            source = self._forward(batch.source, batch.y_source, "source")
            return source, self._forward_target(batch)
        rows = [self._to_device(batch.source), self._to_device(batch.target)]
        both = self._forward(torch.cat(rows), None, "source")
        # a split has one backward, two slices have two
        sizes = [batch.source.shape[0], batch.target.shape[0]]
        logits_s, logits_t = both.logits.split_with_sizes(sizes)
        parts = [features.split_with_sizes(sizes) for features in both.features]
        features_s, features_t = tuple(s for s, _ in parts), tuple(t for _, t in parts)
        y_source, y_target = self._to_device(batch.y_source), self._to_device(batch.y_target)
        return (
            Passed(features_s, logits_s, y_source, both.features),
            Passed(features_t, logits_t, y_target, both.features),
        )

    def _forward_target(self, batch: Batch) -> Passed:
        if batch.target.shape[0] > 1:
            self.domain_stats_.mark_seen()
        return self._forward(batch.target, batch.y_target, "target")

    def _forward(self, rows: Tensor, y: Tensor | None, domain: str) -> Passed:
        alone = rows.shape[0] == 1
        if domain == "source" and not alone:
            logits = self.infer(rows)
            return Passed(self._caught(self.capture_), logits, self._to_device(y))
        if alone and not self.domain_stats_.seen:
            domain = "source"
        # one row has no variance to be normalised by
        norms = norms_in_eval(self.plain_module) if alone else nullcontext()
        with self.domain_stats_.of(domain, self.plain_module), norms:
            logits = self.infer(rows)
        return Passed(self._caught(self.capture_), logits, self._to_device(y))

    def infer(self, x: Tensor, **fit_params: Any) -> Tensor:
        """Pass rows through the module, in the precision asked for; logits are float32."""
        return self._pass(self.module_, x, **fit_params)

    def _pass(self, module: Callable[..., Tensor], rows: Tensor, **fit_params: Any) -> Tensor:
        rows = self._to_device(rows)
        if self.amp is None:
            return module(rows, **fit_params)
        with torch.autocast(rows.device.type, dtype=torch.bfloat16):
            return module(rows, **fit_params).float()

    def _caught(self, capture: LayerCapture) -> tuple[Tensor, ...]:
        features = capture.pop()
        return features if self.amp is None else tuple(f.float() for f in features)

    def _to_device(self, tensor: Any) -> Any:
        return None if tensor is None else tensor.to(self.device, non_blocking=True)
