"""The built-in networks: small ones for tables, for images and for series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from ._scaled import ScaledInput, scaled

__all__ = ["MLP", "ConvNet", "ConvNet1d", "ShallowNet"]


class MLP(ScaledInput):
    """Multi-layer perceptron for tables, with a normalised input and bottleneck.

    Batch normalisation of the input, with each domain's own statistics, is per-domain z-scoring.
    Batch normalisation of the last hidden layer, the bottleneck, keeps the scale of the features
    under adaptation.

    Parameters
    ----------
    n_features : int
        Number of input columns.
    n_classes : int
        Number of classes.
    hidden : sequence of int, default=(128, 64)
        Widths of the hidden layers; adaptation works on the last.
    activation : callable, default=nn.ReLU
        Class of the activation.
    batch_norm : bool, default=True
        Batch-normalise the input and the last hidden layer.
    dropout : float, default=0.0
        Dropout after each hidden layer.

    Examples
    --------
    >>> import torch
    >>> MLP(4, 3, hidden=(8,))(torch.zeros(5, 4)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        n_features: int,
        n_classes: int,
        hidden: Sequence[int] = (128, 64),
        activation: Callable[[], nn.Module] = nn.ReLU,
        batch_norm: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if batch_norm:
            layers.append(nn.BatchNorm1d(n_features, affine=False))
        for i, (width_in, width_out) in enumerate(pairwise([n_features, *hidden]), start=1):
            layers.append(nn.Linear(width_in, width_out))
            if batch_norm and i == len(hidden):
                layers.append(nn.BatchNorm1d(width_out))
            layers.append(activation())
            if dropout:
                layers.append(nn.Dropout(dropout))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear([n_features, *hidden][-1], n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (n_rows, n_classes), of rows of shape (n_rows, n_features)."""
        logits: Tensor = self.classifier(self.features(scaled(self, x)))
        return logits


class _ConvolutionalNet(ScaledInput):
    """Base of the built-in networks of images and series, which define the convolutions."""

    _n_places: ClassVar[int]  # numbers of a channel after the convolutions

    def __init__(
        self,
        n_channels: int,
        n_classes: int,
        width: int = 16,
        bottleneck: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(*self._convolutions(n_channels, width))
        self.bottleneck = nn.Sequential(
            nn.Flatten(),
            nn.Linear(2 * width * self._n_places, bottleneck),
            nn.BatchNorm1d(bottleneck),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.classifier = nn.Linear(bottleneck, n_classes)

    @staticmethod
    def _convolutions(n_channels: int, width: int) -> list[nn.Module]:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (n, n_classes), of rows of shape (n, n_channels, ...)."""
        logits: Tensor = self.classifier(self.bottleneck(self.convolutions(scaled(self, x))))
        return logits


class ConvNet(_ConvolutionalNet):
    """Small convolutional network for images of any size and number of channels.

    Two 3x3 convolutions with batch normalisation, then a batch-normalised bottleneck, which makes
    adversarial adaptation stable, then a linear classifier.

    Parameters
    ----------
    n_channels : int
        Number of input channels.
    n_classes : int
        Number of classes.
    width : int, default=16
        Channels of the first convolution; the second has twice as many.
    bottleneck : int, default=64
        Width of the features that adaptation works on.
    dropout : float, default=0.0
        Dropout on the bottleneck.

    Examples
    --------
    >>> import torch
    >>> ConvNet(3, 10)(torch.zeros(5, 3, 28, 28)).shape
    torch.Size([5, 10])
    """

    _n_places = 4 * 4

    @staticmethod
    def _convolutions(n_channels: int, width: int) -> list[nn.Module]:
        return [
            # brings pixels 0..255 and 0..1, and those of two cameras, to one scale
            nn.BatchNorm2d(n_channels, affine=False),
            nn.Conv2d(n_channels, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.AdaptiveAvgPool2d(4),
        ]


class ConvNet1d(_ConvolutionalNet):
    """Small convolutional network for series of any length and number of channels.

    Two convolutions over seven steps with batch normalisation, the largest responses in each
    quarter of the series, then a batch-normalised bottleneck and a linear classifier.

    Parameters
    ----------
    n_channels, n_classes, width, bottleneck, dropout
        As in `ConvNet`.

    Examples
    --------
    >>> import torch
    >>> ConvNet1d(3, 10)(torch.zeros(5, 3, 128)).shape
    torch.Size([5, 10])
    """

    _n_places = 4

    @staticmethod
    def _convolutions(n_channels: int, width: int) -> list[nn.Module]:
        return [
            nn.BatchNorm1d(n_channels, affine=False),
            nn.Conv1d(n_channels, width, 7, padding=3),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.MaxPool1d(2, ceil_mode=True),
            nn.Conv1d(width, 2 * width, 7, padding=3),
            nn.BatchNorm1d(2 * width),
            nn.ReLU(),
            nn.AdaptiveMaxPool1d(4),
        ]


class ShallowNet(ScaledInput):
    """One hidden layer, adapted before its activation: the network of DaNN.

    The input, a table or flattened images, is batch-normalised. With each domain's own statistics,
    this is per-domain z-scoring.

    Parameters
    ----------
    n_features : int
        Number of inputs of a row.
    n_classes : int
        Number of classes.
    width : int, default=256
        Units of the hidden layer.
    dropout : float, default=0.5
        Dropout after the hidden layer.

    Examples
    --------
    >>> import torch
    >>> ShallowNet(2 * 3 * 3, 4)(torch.zeros(5, 2, 3, 3)).shape
    torch.Size([5, 4])
    """

    adapt_layers = "hidden"

    def __init__(
        self, n_features: int, n_classes: int, width: int = 256, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            nn.Flatten(), nn.BatchNorm1d(n_features, affine=False), nn.Linear(n_features, width)
        )
        self.classifier = nn.Sequential(nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, shape (n_rows, n_classes), of rows of any shape."""
        logits: Tensor = self.classifier(self.hidden(scaled(self, x)))
        return logits
