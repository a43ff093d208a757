"""A network in the units of its user: rows with their offset, labels with their mean and scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["Centred", "InUnits", "Units", "in_input_units"]

_FAR = 2.0**14  # scales from zero; from there on float32 rounds a label by a thousandth of a scale


class Units(NamedTuple):
    """The units in which a network was trained.

    `centre` is what is subtracted from its rows: an array, a mapping of one for each of several
    inputs, or None. `mean` and `scale` are those of a regressor's labels; None if not known.
    """

    centre: Any = None
    mean: Any = None
    scale: Any = None


def in_input_units(network: nn.Module, centre: Any) -> nn.Module:
    """Return a network that subtracts the centre from its rows; the network itself without one."""
    by_name = centre if isinstance(centre, Mapping) else {"": centre}
    return network if all(each is None for each in by_name.values()) else Centred(network, centre)


class Centred(nn.Module):
    """A network for centred rows, which takes rows with their offset.

    `centre` is an array, or a mapping of one for each of several inputs, None for some. Rows with a
    centre are float64 or integers: float32 would have lost the differences of their values.
    """

    def __init__(self, network: nn.Module, centre: Any) -> None:
        super().__init__()
        self.network = network
        self.by_name = isinstance(centre, Mapping)
        for name, values in (centre if self.by_name else {"": centre}).items():
            buffer = None if values is None else torch.tensor(values, dtype=torch.float64)
            self.register_buffer(f"centre_{name}", buffer)

    @property
    def centre(self) -> Any:
        """The centre as it was given, in arrays."""
        arrays = {
            name.removeprefix("centre_"): None if values is None else values.cpu().numpy()
            for name, values in self._buffers.items()
        }
        return arrays if self.by_name else arrays[""]

    def forward(self, *rows: Any, **inputs: Tensor) -> Tensor:
        """Return the outputs of the network for the centred rows."""
        if self.by_name and rows:
            if not isinstance(rows[0], Mapping):
                raise TypeError("The network takes its inputs by name, network(**inputs).")
            inputs = {**rows[0], **inputs}
        args = () if self.by_name else tuple(self._centred("", part) for part in rows)
        inputs = {name: self._centred(name, part) for name, part in inputs.items()}
        outputs: Tensor = self.network(*args, **inputs)
        return outputs

    def _centred(self, name: str, rows: Tensor) -> Tensor:
        centre = self._buffers.get(f"centre_{name}" if self.by_name else "centre_")
        if centre is None:
            return rows
        for tensor, what in ((rows, f"{name or 'rows'} of"), (centre, "a centre in")):
            if tensor.is_floating_point() and tensor.dtype != torch.float64:
                raise TypeError(
                    "The network was fitted on columns whose differences float32 cannot hold. It "
                    f"takes float64 rows, and keeps its centre in float64. Got {what} "
                    f"{str(tensor.dtype).removeprefix('torch.')} instead. Pass "
                    "torch.as_tensor(X, dtype=torch.float64), and leave out .float()."
                )
        if not rows.is_floating_point():
            return (rows.long() - centre.long()).float()  # exact
        return (rows.double() - centre).float()  # torch.export keeps a check of the type


class InUnits(nn.Module):
    """A network for standardised labels, whose outputs are scaled back.

    `mean` and `scale`, of shape (n_outputs,), are those of the labels. The outputs are float32, or
    float64 where float32 cannot hold the differences of the labels.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, network: nn.Module, mean: Any, scale: Any) -> None:
        super().__init__()
        self.network = network
        far = np.any(np.abs(mean) > _FAR * np.asarray(scale))
        dtype = torch.float64 if far else torch.float32
        self.register_buffer("mean", torch.tensor(mean, dtype=dtype))
        self.register_buffer("scale", torch.tensor(scale, dtype=dtype))

    def forward(self, *rows: Tensor, **inputs: Tensor) -> Tensor:
        """Return the predictions, shape (n_rows, n_outputs)."""
        outputs: Tensor = self.network(*rows, **inputs)
        return outputs * self.scale + self.mean
