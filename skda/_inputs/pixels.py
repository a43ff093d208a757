"""PIL images as pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["as_pixels"]


def as_pixels(row: Any) -> Tensor | Any:
    """Return a PIL image as uint8 pixels (n_channels, height, width), anything else as it is."""
    if not hasattr(row, "getbands"):  # pillow need not be installed
        return row
    pixels = torch.from_numpy(np.array(row))
    return pixels.unsqueeze(0) if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()
