"""Widths of the layers of a described network, found in a bounded amount of memory."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from .._building.modules import probe
from ..nn import MLP, ConvNet, ConvNet1d, ShallowNet
from ..nn.capture import Layer
from ..training import isolated_rng
from ._errors import ModelFileError
from ._limit import allowed_bytes
from ._rows import rows_of_zeros

__all__ = ["widths_by_rows", "widths_by_shapes"]

_CONVOLUTIONS = nn.Conv1d, nn.Conv2d
_NORMALISATIONS = nn.BatchNorm1d, nn.BatchNorm2d
# These layers treat each row separately. A pass of zero rows takes no memory and still gives the
# shapes; all of them but batch normalisations check the size of a row even without rows.
_ROW_BY_ROW = {
    *(MLP, ConvNet, ConvNet1d, ShallowNet, nn.Sequential, nn.Identity, nn.Flatten, nn.Linear),
    *(*_CONVOLUTIONS, *_NORMALISATIONS, nn.LayerNorm, nn.Dropout, nn.Dropout1d),
    *(nn.Dropout2d, nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d),
    *(nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.ReLU, nn.ReLU6, nn.ELU),
    *(nn.LeakyReLU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Tanh, nn.Sigmoid, nn.Softplus),
    *(nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Softsign, nn.LogSigmoid, nn.PReLU),
}
_LARGEST_LAYER = 1 << 32  # bytes


def widths_by_rows(module: nn.Module, estimator: Any, layers: list[Layer]) -> tuple[int, ...]:
    """Return the widths of the layers of a user's own network."""
    with isolated_rng(0, torch.device("cpu")):  # it may draw numbers
        return _probe(module, estimator, layers, rows_of_zeros(estimator, 2))


def widths_by_shapes(
    module: nn.Module, estimator: Any, layers: list[Layer], n_bytes: int
) -> tuple[int, ...]:
    """Return the widths of the layers of a network that a file of `n_bytes` describes.

    All shapes must fit. A pass of zero rows checks this where a row takes little memory. Other
    networks get rows and weights without data, for which torch imports its compiler.
    """
    try:
        widths = _widths_without_rows(module, estimator, layers, allowed_bytes(n_bytes))
        if widths is not None:
            return widths
        shapes, rows = _without_data(module), rows_of_zeros(estimator, 2, "meta")
        with _LargestLayer(shapes) as largest:
            widths = _probe(shapes, estimator, layers, rows)
    except Exception as error:
        kind = estimator._outputs  # noqa: SLF001
        raise ModelFileError(
            f"its network cannot take rows of shape {tuple(estimator.input_shape_)} to "
            f"{kind.name} of {estimator._n_outputs} {kind.things} "  # noqa: SLF001
            f"({type(error).__name__}: {error}). Save it again"
        ) from error
    if largest.n_bytes > _LARGEST_LAYER:
        raise ModelFileError(
            f"a layer of its network takes {largest.n_bytes / 1e9:.3g} GB for two rows. Save it "
            "again"
        )
    return widths


def _probe(module: nn.Module, estimator: Any, layers: list[Layer], rows: Any) -> tuple[int, ...]:
    return probe(module, rows, layers, estimator._n_outputs, estimator._outputs)  # noqa: SLF001


def _without_data(module: nn.Module) -> nn.Module:
    without_data = {
        id(t): nn.Parameter(t.to("meta"), False) if isinstance(t, nn.Parameter) else t.to("meta")
        for t in [*module.parameters(), *module.buffers()]
    }
    return copy.deepcopy(module, without_data)


def _widths_without_rows(
    module: nn.Module, estimator: Any, layers: list[Layer], allowed: int
) -> tuple[int, ...] | None:
    """Return the widths, unless a row takes more than the allowed bytes in a layer."""
    if not all(map(_is_row_by_row, module.modules())):
        return None
    with _LargestLayer(module) as largest:
        try:
            widths = _probe(module, estimator, layers, rows_of_zeros(estimator, 0))
        except Exception:  # the pass without data says what is wrong
            return None
    if largest.n_bytes > allowed:
        return None
    for layer, shape in largest.normalised:
        _normalise_two_rows(layer, shape)
    return widths


def _normalise_two_rows(layer: Any, shape: tuple[int, ...]) -> None:
    """Raise if a batch normalisation has another row size, which it does not check without rows."""
    rows, mean, var = torch.zeros(1).expand(2, *shape), layer.running_mean, layer.running_var
    batch_norm(rows, mean, var, layer.weight, layer.bias, training=mean is None)


def _is_row_by_row(layer: nn.Module) -> bool:
    flattens_rows = getattr(layer, "start_dim", 1) != 1
    pads_by_copy = getattr(layer, "padding_mode", "zeros") != "zeros"
    return type(layer) in _ROW_BY_ROW and not flattens_rows and not pads_by_copy


class _LargestLayer:
    """Notes the largest memory, in bytes, that a layer takes for its input and output.

    It also notes the batch normalisations, each with the shape of its rows.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.n_bytes = 0.0
        self.normalised: list[tuple[nn.Module, tuple[int, ...]]] = []

    def __enter__(self) -> _LargestLayer:
        layers = self.module.modules()
        self._handles = [layer.register_forward_hook(self._note) for layer in layers]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _note(self, layer: Any, given: tuple[Any, ...], made: Any) -> None:
        numbers = [_numbers(value) for value in (*given, made) if isinstance(value, Tensor)]
        if isinstance(layer, _CONVOLUTIONS):  # it copies its input once for each weight
            numbers.append(_numbers(made) / made.shape[1] * layer.weight[0].numel())
        if isinstance(layer, _NORMALISATIONS):
            self.normalised.append((layer, tuple(made.shape[1:])))
        self.n_bytes = max(self.n_bytes, 4 * sum(numbers))


def _numbers(tensor: Tensor) -> int:
    """Return the number of entries; without rows, that of one row."""
    return math.prod(max(n, 1) for n in tensor.shape)
