"""The running statistics of one domain for the normalisation layers of a module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["DomainStatistics", "batch_norm_layers", "norms_in_eval"]

_NAMES = ("running_mean", "running_var", "num_batches_tracked")


def batch_norm_layers(module: nn.Module) -> list[nn.Module]:
    """Return the layers of `module` that normalise by statistics of the batch.

    They are recognised by the attribute ``running_mean``, which batch and instance normalisation
    of torch and of most other libraries have, whether or not they track the statistics.

    Examples
    --------
    >>> from torch import nn
    >>> batch_norm_layers(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    [BatchNorm1d(2, ...)]
    """
    return [m for m in module.modules() if hasattr(m, "running_mean")]


@contextmanager
def norms_in_eval(module: nn.Module) -> Iterator[None]:
    """Let normalisation layers use their running statistics inside the with block.

    A batch of one row has no variance: torch refuses to normalise it in training mode.
    """
    training = [m for m in batch_norm_layers(module) if m.training]
    for layer in training:
        layer.eval()
    try:
        yield
    finally:
        for layer in training:
            layer.train()


class DomainStatistics(nn.Module):
    """The running statistics of one domain, for the normalisation layers of a module.

    Parameters
    ----------
    module : nn.Module
        The network. It is not registered as a submodule, and it keeps its own buffers.
    shared : bool, default=False
        Whether to hold the buffers of the module themselves, and not copies.

    Attributes
    ----------
    seen : Tensor of shape (), bool
        Whether the statistics hold data of the domain.

    Notes
    -----
    Inside ``with stats.of("target", module):`` the module's layers read and update the buffers
    held here. Before the first target batch both domains use the module's own buffers: a network
    that never saw the target predicts the same for both.

    References
    ----------
    .. [1] Li, Y. et al. (2018). Adaptive batch normalization for practical domain adaptation.
       Pattern Recognition 80.
    .. [2] Chang, W.-G. et al. (2019). Domain-specific batch normalization. CVPR.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> net = nn.BatchNorm1d(1, momentum=1.0)
    >>> stats = DomainStatistics(net)
    >>> _ = net(torch.tensor([[0.0], [2.0]]))
    >>> with stats.of("target", net):
    ...     _ = net(torch.tensor([[10.0], [12.0]]))
    >>> net.running_mean.item()
    1.0
    >>> with stats.of("target", net):
    ...     net.running_mean.item()
    11.0
    """

    seen: Tensor

    def __init__(self, module: nn.Module, *, shared: bool = False) -> None:
        super().__init__()
        for key, buffers, name in _places(batch_norm_layers(module)):
            buffer = buffers[name]
            self.register_buffer(key, buffer if shared else buffer.clone())
        self.register_buffer("seen", torch.tensor(shared))

    @contextmanager
    def of(self, domain: str, module: nn.Module) -> Iterator[None]:
        """Let the layers of `module` use the statistics of `domain` inside the with block.

        Parameters
        ----------
        domain : {"source", "target"}
            "source" leaves the module's own buffers in place.
        module : nn.Module
            The network that the statistics were made for.
        """
        if domain == "source" or not (module.training or self.seen):
            yield
            return
        with self.installed(batch_norm_layers(module)):
            yield

    @contextmanager
    def installed(self, layers: Sequence[nn.Module]) -> Iterator[None]:
        """Put these buffers into `layers` inside the with block, and the former ones back after it.

        Parameters
        ----------
        layers : sequence of nn.Module
            The normalisation layers of the module.
        """
        # in every step of a training: each buffer is looked up once
        own, places = self._buffers, _places(layers)
        before = [buffers[name] for _, buffers, name in places]
        for key, buffers, name in places:
            buffers[name] = own[key]
        try:
            yield
        finally:
            for (key, buffers, name), theirs in zip(places, before, strict=True):
                own[key], buffers[name] = buffers[name], theirs

    def share(self, layers: Sequence[nn.Module]) -> None:
        """Hold the buffers of `layers` themselves from now on."""
        self._buffers |= {key: buffers[name] for key, buffers, name in _places(layers)}

    def mix(self, others: Iterable[DomainStatistics]) -> None:
        """Become the statistics of a mixture of domains in equal shares.

        Parameters
        ----------
        others : iterable of DomainStatistics
            Those of the same module. Domains without data are left out.
        """
        seen = [each for each in others if each.seen]
        if not seen:
            return
        own = {name: buffer for name, buffer in self.named_buffers() if name != "seen"}
        parts = {name: torch.stack([each.get_buffer(name) for each in seen]) for name in own}
        for key, values in parts.items():
            mixed = values.mean(0) if values.is_floating_point() else values.sum(0)
            if key.endswith("running_var"):
                mixed += parts[key.replace("_var", "_mean")].var(0, unbiased=False)
            own[key].copy_(mixed)

    def mark_seen(self) -> None:
        """Declare that the statistics hold data of the domain from now on."""
        self.seen.fill_(True)

    def reestimate(self, module: nn.Module, batches: Iterable[Tensor]) -> None:
        """Recompute the statistics from rows of the domain, as AdaBN does.

        Parameters
        ----------
        module : nn.Module
            The trained network; its weights do not change.
        batches : iterable of Tensor
            The rows, in batches of at least two rows. Smaller batches are skipped; without a
            larger one, the statistics do not change.
        """
        batches = (batch for batch in batches if len(batch) > 1)
        first = next(batches, None)
        if first is None:
            return
        layers: list[Any] = batch_norm_layers(module)
        module.eval()
        momenta = [getattr(layer, "momentum", None) for layer in layers]
        with self.installed(layers), torch.no_grad():
            try:
                for layer in layers:
                    layer.reset_running_stats()
                    layer.train()
                for k, batch in enumerate(chain([first], batches), start=1):
                    for layer in layers:
                        layer.momentum = 1 / k  # the plain mean of all batches
                    module(batch)
            finally:
                for layer, momentum in zip(layers, momenta, strict=True):
                    layer.momentum = momentum
                    layer.eval()
        self.mark_seen()


def _places(layers: Sequence[nn.Module]) -> list[tuple[str, dict[str, Any], str]]:
    """Return the name here, the buffers of the layer and the name there of each statistic."""
    return [
        (f"layer{i}_{name}", layer._buffers, name)
        for i, layer in enumerate(layers)
        for name in _NAMES
        if layer._buffers.get(name) is not None
    ]
