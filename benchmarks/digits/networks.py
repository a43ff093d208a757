"""The networks for digits, their images laid out so that convolutions are fast on a CPU."""

from typing import Any

import torch
from torch import Tensor, nn

from skda.nn import ConvNet


class FastConvNet(ConvNet):
    """skda's own network for images; "channels last" halves its time and changes rounding only."""

    def __init__(self, n_channels: int, n_classes: int, **options: Any) -> None:
        super().__init__(n_channels, n_classes, **options)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images.contiguous(memory_format=torch.channels_last))


class GaninNet(nn.Module):
    """Two 5x5 convolutions, whose output is adapted, and three linear layers.

    The linear layers (100, 100), the convolutions and the place of the discriminator are those of
    Ganin & Lempitsky 2015, but the first convolution has half the channels, for speed (16 and 48).
    Added are batch normalisation, dropout, and a first layer that scales each image to mean 0 and
    standard deviation 1.
    """

    adapt_layers = "features"

    def __init__(self, n_channels: int, n_classes: int, dropout: float = 0.25) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(n_channels)
        self.features = nn.Sequential(
            nn.Conv2d(n_channels, 16, 5),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 48, 5),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(48),
            nn.ReLU(),
            nn.Dropout2d(dropout),
            nn.Flatten(),
        )
        self.classifier = nn.Sequential(
            nn.Linear(48 * 4 * 4, 100),
            nn.BatchNorm1d(100),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(100, 100),
            nn.BatchNorm1d(100),
            nn.ReLU(),
            nn.Linear(100, n_classes),
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        images = self.norm(images).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.classifier(self.features(images))
        return logits
