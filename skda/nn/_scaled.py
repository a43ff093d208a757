"""The input of built-in networks: columns in any unit, and statistics that start near the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .domain_stats import batch_norm_layers

__all__ = [
    "ScaledInput",
    "adopt_scale",
    "choose_scale",
    "scaled",
    "start_at",
    "start_like",
    "untrained_norm",
]

_SMALL = 1 / 32  # below it the eps of batch normalisation begins to count
_HUGE = 2.0**50  # above it squares come near the largest float32
_FAR = 4  # a mean of so many standard deviations is far from 0; such a deviation is far from 1


class ScaledInput(nn.Module):
    """Base of networks that normalise their input by a batch normalisation without weights.

    Attributes
    ----------
    scale : Tensor or None
        Powers of two that the input is multiplied by, which is exact; None where no column needs
        one, so that such a network has the usual state_dict.
    """

    scale: Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", None)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        adopt_scale(self, state_dict, prefix)
        super()._load_from_state_dict(state_dict, prefix, *args)


def scaled(net: ScaledInput, x: Tensor) -> Tensor:
    """Return the input in units in which no column is tiny."""
    return x if net.scale is None else x * net.scale


def untrained_norm(net: ScaledInput) -> Any:
    """Return the normalisation of the input, if there is one that has seen no batch."""
    norm = _input_norm(net)
    return norm if norm is not None and norm.num_batches_tracked == 0 else None


def _input_norm(net: ScaledInput) -> Any:
    norms: list[Any] = batch_norm_layers(net)
    return next((m for m in norms if not m.affine), None)


def choose_scale(net: ScaledInput, samples: Sequence[Tensor]) -> None:
    """Set `scale` so that no column of the samples (n, ...) has a tiny or an infinite variance."""
    widest, largest = [], []
    for sample in samples:
        column = sample.double()
        over = _axes(net, sample)
        mean = column.mean(over, keepdim=True)
        far = (column - mean).abs().amax(over, keepdim=True)
        largest.append(far[0])
        constant = far <= 1e-6 * mean.abs()  # but for rounding
        widest.append(far.masked_fill(constant | (far >= _SMALL), 1.0)[0])
    exponent = torch.frexp(torch.stack(widest).amin(0)).exponent.clamp_min(-120) - 1
    huge = torch.stack(largest).amax(0)
    exponent = torch.where(huge > _HUGE, torch.frexp(huge).exponent.clamp_max(120), exponent)
    if (exponent < -1).any() or (huge > _HUGE).any():
        net.scale = torch.ldexp(torch.ones(exponent.shape), -exponent)


def start_at(net: ScaledInput, sample: Tensor, always: bool = False) -> None:
    """Start running statistics from those of a sample where these are far from 0 and 1.

    A short training would not reach them. A batch of one row has no variance and changes no running
    statistic: `always` is for such batches. A domain whose statistics are a copy of a start of
    another domain has its own start.
    """
    norm = untrained_norm(net)
    columns = (sample if net.scale is None else sample * net.scale.cpu()).double()
    over = _axes(net, sample)
    mean, std = columns.mean(over).flatten(), columns.std(over, correction=0).flatten()
    off = (mean.abs() > _FAR * std) | (std > _FAR) | always | _moved(norm).cpu()
    varies = std > 1e-6 * mean.abs()
    for buffer, start, where in (
        (norm.running_mean, mean, off),
        (norm.running_var, std.square(), off & varies),
    ):
        buffer.copy_(torch.where(where, start.float(), buffer.cpu()))


def start_like(net: ScaledInput, first: ScaledInput) -> None:
    """Start running statistics of a trained network where `start_at` set those of `first`."""
    norm, start = _input_norm(net), untrained_norm(first)
    if start is None:
        return
    moved = _moved(start)
    norm.running_mean.copy_(torch.where(moved, start.running_mean, norm.running_mean))
    norm.running_var.copy_(torch.where(moved, start.running_var, norm.running_var))


def _moved(norm: Any) -> Tensor:
    """Say for which columns `start_at` has set the statistics."""
    moved: Tensor = (norm.running_mean != 0) | (norm.running_var != 1)
    return moved


def _axes(net: ScaledInput, sample: Tensor) -> tuple[int, ...]:
    by_channel = sample.shape[1] == untrained_norm(net).num_features
    return (0, *range(2, sample.ndim)) if by_channel else (0,)


def adopt_scale(net: ScaledInput, state: Mapping[str, Any], prefix: str = "") -> None:
    """Take over the scale of a state_dict that is to be loaded, or None if it has none."""
    scale = state.get(f"{prefix}scale")
    net.scale = None if scale is None else scale.to(next(net.parameters()).device).clone()
