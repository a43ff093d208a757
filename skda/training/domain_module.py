"""A network that knows the domain of its rows: one forward for training and prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..nn import Backbone, DomainStatistics, Layer, LayerCapture, batch_norm_layers, norms_in_eval
from ..nn._copy import copy_net
from ..nn._scaled import ScaledInput, start_like
from .data.inputs import Inputs, cut, join
from .locks import new_lock
from .term import DomainOutput

__all__ = ["DomainModule", "is_beyond_embedding"]

DOMAINS = ("source", "target")


class DomainModule(nn.Module):
    """A user's network, its captured layers, the statistics of each domain and the precision.

    Parameters
    ----------
    module : nn.Module
        From rows to logits. It is not registered as a submodule: the net holds it.
    layers : sequence of Layer
        The adapted layers.
    per_domain : bool, default=True
        Whether each domain has its own batch statistics.
    amp : {"bf16"} or None, default=None
        Precision of the module's matrix products; logits and features are float32.

    Attributes
    ----------
    plain : nn.Module
        The user's network.
    statistics : ModuleDict of str to DomainStatistics
        The running statistics of each domain. The network holds those of "source", except in a
        forward pass of another domain. With several sources, "source0" and so on have those of
        each, and "source" those of the sources' mixture in equal shares.
    apart : bool
        Whether the domains pass one after the other, because some layer mixes the rows of a batch.
    lock : RLock
        Held while one caller sets the network's hooks or statistics.
    """

    plain: nn.Module
    statistics: Any  # torch types the values of a ModuleDict as Module

    def __init__(
        self,
        module: nn.Module,
        layers: Sequence[Layer] = (),
        *,
        per_domain: bool = True,
        amp: str | None = None,
    ) -> None:
        super().__init__()
        vars(self)["plain"] = module  # not __setattr__, which would register it
        self.layers = layers
        self.amp = amp
        self.norms = tuple(batch_norm_layers(module))
        mixes = module.mixes_rows if isinstance(module, Backbone) else bool(self.norms)
        self.apart = per_domain and mixes
        self.statistics = nn.ModuleDict(
            {name: DomainStatistics(module, shared=name == "source") for name in DOMAINS}
        )
        self.capture: LayerCapture | None = None
        self.use(module)
        self.lock = new_lock()

    def add_sources(self, n: int) -> None:
        """Add statistics for each of several sources."""
        for k in range(n):
            self.statistics[f"source{k}"] = DomainStatistics(self.plain).to(self.device)

    def start_target_like(self, first: DomainModule) -> None:
        """Start the target's statistics where those of the first stage's network were started."""
        if isinstance(self.plain, ScaledInput):
            with self._by("target"), first._by("target"):
                start_like(self.plain, cast(ScaledInput, first.plain))

    def take_sources(self, first: DomainModule) -> None:
        """Copy the statistics of each of several sources from the first stage's network."""
        for name, statistics in first.statistics.items():
            if name not in DOMAINS:
                self.statistics[name].load_state_dict(statistics.state_dict())

    def use(self, compiled: Callable[[Tensor], Tensor]) -> None:
        """Call this form of the network, for instance a compiled one, in `forward`."""
        vars(self)["called"] = compiled

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return cast(torch.device, self.statistics["target"].seen.device)

    @contextmanager
    def capturing(self, *, compiled: bool = True) -> Iterator[None]:
        """Return features from `forward` inside the with block.

        Parameters
        ----------
        compiled : bool, default=True
            Whether to call the compiled network, if there is one. A network that was compiled
            before the block keeps its graph without the hooks.
        """
        before = self.capture, vars(self)["called"]
        with LayerCapture(self.plain, self.layers) as self.capture:
            if not compiled:
                self.use(self.plain)
            try:
                yield
            finally:
                self.capture = before[0]
                self.use(before[1])

    def forward(self, rows: Tensor, domain: str = "source") -> DomainOutput:
        """Pass rows of one domain through the network, with the statistics of that domain.

        Parameters
        ----------
        rows : Tensor of shape (n, ...)
        domain : str, default="source"
            A key of `statistics`.

        Returns
        -------
        DomainOutput
            With features inside a `capturing` block only.
        """
        alone = rows.shape[0] == 1
        if domain == "source" and not alone:
            return self._pass(rows)
        statistics = self.statistics[domain]
        training = self.plain.training
        if training and not alone:
            statistics.mark_seen()
        with ExitStack() as stack:
            if (training and not alone) or statistics.seen:
                stack.enter_context(self._by(domain))
            if alone:  # one row has no variance
                stack.enter_context(norms_in_eval(self.plain))
            return self._pass(rows)

    def forward_sources(self, rows: Tensor, sizes: Sequence[int], domain: str) -> DomainOutput:
        """Pass labelled rows, with several sources each by its own statistics.

        Parameters
        ----------
        rows : Tensor of shape (n, ...)
        sizes : sequence of int
            Number of rows of each of several sources, which lie one below the other; empty where
            there is one source.
        domain : str
            Domain of the rows where there is one source.
        """
        if not (sizes and self.apart):
            output: DomainOutput = self(rows, "source" if sizes else domain)
            return output._replace(sizes=tuple(sizes))
        parts = enumerate(cut(rows, sizes))
        outputs = [self(part, f"source{k}") for k, part in parts if part.shape[0]]
        features, logits, *_ = zip(*outputs, strict=True)
        layers = tuple(map(torch.cat, zip(*features, strict=True)))
        return DomainOutput(layers, torch.cat(logits), sizes=tuple(sizes))

    def forward_both(
        self, source: Tensor, target: Tensor, sizes: tuple[int, ...] = ()
    ) -> tuple[DomainOutput, DomainOutput]:
        """Pass a batch of each domain, in one forward pass if no layer mixes rows.

        Parameters
        ----------
        source : Tensor of shape (n_s, ...)
        target : Tensor of shape (n_t, ...)
        sizes : tuple of int, default=()
            Number of rows of each of several sources.

        Returns
        -------
        tuple of two DomainOutput
        """
        if self.apart:
            return self.forward_sources(source, sizes, "source"), self(target, "target")
        features, logits, *_ = self._pass(join([source, target]))
        # the backward pass of one split is faster than that of two slices
        of_domains = [source.shape[0], target.shape[0]]
        logits_s, logits_t = logits.split_with_sizes(of_domains)
        layers = [layer.split_with_sizes(of_domains) for layer in features]
        features_s, features_t = zip(*layers, strict=True) if layers else ((), ())
        return (
            DomainOutput(features_s, logits_s, None, features, sizes),
            DomainOutput(features_t, logits_t, None, features),
        )

    def mix_sources(self) -> None:
        """Set the statistics of "source" to those of the mixture, if there are several sources."""
        self.statistics["source"].share(self.norms)
        others = [of for name, of in self.statistics.items() if name not in DOMAINS]
        self.statistics["source"].mix(others)

    def network_of(self, domain: str) -> nn.Module:
        """Return a copy of the network in eval mode, with the statistics of a domain."""
        with self.lock, self._by(domain) if self.statistics[domain].seen else nullcontext():
            return copy_net(self.plain).eval()

    def reestimate(self, domain: str, batches: Iterable[Tensor]) -> None:
        """Recompute the statistics of a domain from all of its rows (AdaBN)."""
        with self.lock:
            self.statistics[domain].reestimate(self.plain, batches)

    def _by(self, domain: str) -> AbstractContextManager[None]:
        """Put the statistics of a domain into the network inside the with block."""
        if domain == "source":
            return nullcontext()
        self.statistics["source"].share(self.norms)
        installed: AbstractContextManager[None] = self.statistics[domain].installed(self.norms)
        return installed

    def _pass(self, rows: Tensor) -> DomainOutput:
        called = vars(self)["called"]
        try:
            if self.amp is None:
                logits = called(rows)
                return DomainOutput(self.capture.pop() if self.capture else (), logits)
            with torch.autocast(rows.device.type, dtype=torch.bfloat16):
                logits = called(rows).float()
        except (IndexError, RuntimeError) as error:
            if not is_beyond_embedding(error):
                raise
            raise _out_of_range(rows, error) from error
        features = self.capture.pop() if self.capture else ()
        return DomainOutput(tuple(f.float() for f in features), logits)

    def _apply(self, *args: Any, **kwargs: Any) -> DomainModule:
        super()._apply(*args, **kwargs)  # such as `to`: the network is on that device already
        self.statistics["source"].share(self.norms)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process."""
        state = super().__getstate__()
        return {k: v for k, v in state.items() if k not in ("lock", "capture")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make a lock for this process."""
        super().__setstate__(state)
        self.capture, self.lock = None, new_lock()


def is_beyond_embedding(error: Any) -> bool:
    """Say whether an error is that of an embedding which cannot look up an integer."""
    of_bag = "index_size" in str(error) or "not in the valid range" in str(error)
    return isinstance(error, IndexError) or of_bag


def _out_of_range(rows: Any, error: Exception) -> Exception:
    """Return an error that names the range of the integers; without integers, the error itself."""
    parts = rows.values() if isinstance(rows, Inputs) else [rows]
    integers = [part for part in parts if not part.is_floating_point()]
    if not integers:
        return error
    found = ", ".join(f"{int(part.min())} to {int(part.max())}" for part in integers)
    return ValueError(
        "X_source, X_target or X has integers that the module cannot look up: in this batch they "
        f"run from {found}. Encode others as one that its embedding has, or make it larger. "
        f"({error})"
    )
