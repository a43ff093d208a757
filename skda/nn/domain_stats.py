"""One set of running statistics per domain for the normalisation layers of a module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import Tensor, nn

__all__ = ["DomainStatistics", "batch_norm_layers", "norms_in_eval"]

_NAMES = ("running_mean", "running_var", "num_batches_tracked")


def batch_norm_layers(module: nn.Module) -> list[nn.Module]:
    """Return the layers of `module` that normalise by statistics of the batch.

    Recognised by the attribute ``running_mean``, as batch and instance normalisation of torch
    and of most other libraries have it, whether or not the statistics are tracked.

    Examples
    --------
    >>> from torch import nn
    >>> batch_norm_layers(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    [BatchNorm1d(2, ...)]
    """
    return [m for m in module.modules() if hasattr(m, "running_mean")]


@contextmanager
def norms_in_eval(module: nn.Module) -> Iterator[None]:
    """Let the normalisation layers of `module` use their running statistics meanwhile.

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
    """The target's running statistics of a module whose own buffers hold the source's.

    Parameters
    ----------
    module : nn.Module
        The network. It is not registered as a submodule, and it keeps its own buffers.

    Notes
    -----
    Inside ``with stats.of("target", module):`` the module's layers read and update the target's
    buffers. Before the first target batch the two domains share the source's, so a network that
    never saw the target predicts the same for both.

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

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        for key, _, _, buffer in _tracked(module):
            self.register_buffer(key, buffer.clone())
        self.register_buffer("seen", torch.tensor(False))

    @contextmanager
    def of(self, domain: str, module: nn.Module) -> Iterator[None]:
        """Let the layers of `module` use the statistics of `domain` meanwhile.

        Parameters
        ----------
        domain : {"source", "target"}
        module : nn.Module
            The network that the statistics were made for.
        """
        if domain == "source" or not (module.training or self.seen):
            yield
            return
        self._swap(module)
        try:
            yield
        finally:
            self._swap(module)

    def mark_seen(self) -> None:
        """Declare that the target's statistics hold target data from now on."""
        self.seen.fill_(True)

    def _swap(self, module: nn.Module) -> None:
        for key, layer, name, buffer in _tracked(module):
            layer._buffers[name] = self._buffers[key]
            self._buffers[key] = buffer

    def reestimate(self, module: nn.Module, batches: Iterable[Tensor]) -> None:
        """Recompute the target's statistics from target rows, as AdaBN does.

        Parameters
        ----------
        module : nn.Module
            The trained network; its weights stay as they are.
        batches : iterable of Tensor
            The target rows, in batches of at least two rows. Smaller ones are passed over; if
            there is no other, the statistics stay as they are.
        """
        batches = (batch for batch in batches if len(batch) > 1)
        first = next(batches, None)
        if first is None:
            return
        layers = batch_norm_layers(module)
        module.eval()
        momenta = [getattr(layer, "momentum", None) for layer in layers]
        self._swap(module)
        try:
            for layer in layers:
                layer.reset_running_stats()  # type: ignore[operator]
                layer.train()
            with torch.no_grad():
                for k, batch in enumerate(chain([first], batches), start=1):
                    for layer in layers:
                        layer.momentum = 1 / k  # type: ignore[assignment]  # the plain mean of all
                    module(batch)
        finally:
            self._swap(module)
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum  # type: ignore[assignment]
                layer.eval()
        self.mark_seen()


def _tracked(module: nn.Module) -> Iterator[tuple[str, nn.Module, str, Tensor]]:
    for i, layer in enumerate(batch_norm_layers(module)):
        for name in _NAMES:
            buffer = layer._buffers.get(name)
            if buffer is not None:
                yield f"layer{i}_{name}", layer, name, buffer
