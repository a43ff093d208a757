"""torch's modes, which are the caller's, put aside while skda computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

__all__ = ["no_autocast", "training_modes"]

_DEVICES = ("cpu", "cuda", "mps")


@contextmanager
def no_autocast() -> Iterator[None]:
    """Compute in the precision that the parameter `amp` says inside the with block.

    What is made without a device is made on the CPU, also under `torch.set_default_device`.
    """
    with ExitStack() as stack:
        # older torch does not tell of a device that is a context alone
        if torch.empty(0).device.type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for device in _DEVICES:
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        yield


@contextmanager
def training_modes() -> Iterator[None]:
    """Compute gradients inside the with block, also in a caller's `torch.inference_mode`."""
    with no_autocast(), torch.inference_mode(False), torch.enable_grad():
        yield
