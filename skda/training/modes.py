"""Switch off the modes that the caller set in torch while skda computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

__all__ = ["no_autocast", "training_modes"]

_DEVICES = ("cpu", "cuda", "mps")


@contextmanager
def no_autocast() -> Iterator[None]:
    """Switch off the caller's autocast and default device inside the with block.

    The parameter `amp` alone sets the precision, and new tensors are on the CPU.
    """
    with ExitStack() as stack:
        # older torch does not report a default device that is set by a with block
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
