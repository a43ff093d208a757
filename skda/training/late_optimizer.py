"""The optimizer of a loaded net, which is made on first access."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch.optim import Optimizer

__all__ = ["LateOptimizer", "is_on_demand", "optimizers_on_demand"]

_on_demand = ContextVar("on_demand", default=False)


@contextmanager
def optimizers_on_demand() -> Iterator[None]:
    """Let nets that are initialised inside the with block make their optimizer on first access.

    The first optimizer of a process imports torch's compiler, which takes two seconds. A net that
    only predicts needs none.
    """
    token = _on_demand.set(True)
    try:
        yield
    finally:
        _on_demand.reset(token)


def is_on_demand() -> bool:
    """Say whether optimizers are made on first access."""
    return _on_demand.get()


class LateOptimizer:
    """Mixin of a skorch net whose `optimizer_` may be made on first access."""

    optimizer: Any
    optimizer_: Optimizer
    _register_attribute: Callable[..., None]  # skorch's, which knows optimizers by it

    def initialize_optimizer(self, *args: Any) -> Any:
        """Make the optimizer, or leave that to the first access."""
        torch_s = isinstance(self.optimizer, type) and issubclass(self.optimizer, Optimizer)
        if is_on_demand() and torch_s:
            self._register_attribute("optimizer_", None)
            return self
        return super().initialize_optimizer(*args)  # type: ignore[misc]

    def __getattr__(self, name: str) -> Any:
        if name == "optimizer_" and vars(self).get("initialized_"):
            self.initialize_optimizer()
            return self.optimizer_
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
