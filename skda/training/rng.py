"""Seeds for every part of training, without touching the global generators."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch

__all__ = ["NO_SEEDS", "Seeds", "isolated_rng"]

# torch draws initial weights and dropout masks from one generator per process, so two threads
# that train at once (joblib's "threading" backend) would take numbers from each other
_LOCK = threading.RLock()


class Seeds(NamedTuple):
    """One seed for each thing that is random, so that none of them shifts the others."""

    module: int
    adaptation: int
    batches: int
    training: int

    @classmethod
    def draw(cls, random_state: np.random.RandomState) -> Seeds:
        """Draw all seeds from a RandomState, always the same number of draws."""
        return cls(*(int(s) for s in random_state.randint(2**31 - 1, size=len(cls._fields))))


NO_SEEDS = Seeds(0, 0, 0, 0)


@contextmanager
def isolated_rng(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators inside the with block and put their old state back afterwards.

    Parameters
    ----------
    seed : int
        Seed of the CPU generator and, off the CPU, of the device's.
    device : torch.device
        Where the training runs.
    """
    accelerator = device.type != "cpu"
    devices = list(range(torch.cuda.device_count())) if device.type == "cuda" else []
    kind = device.type if accelerator else "cuda"
    with _LOCK, torch.random.fork_rng(devices=devices, device_type=kind):
        torch.default_generator.manual_seed(seed)
        if accelerator:
            getattr(torch, device.type).manual_seed(seed)
        yield
