"""The network for digits."""

from torch import Tensor, nn


class LeNet(nn.Module):
    """LeNet's two 5x5 convolutions for 28x28 images, with batch normalisation."""

    def __init__(self, n_channels: int, n_classes: int, bottleneck: int = 100) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.BatchNorm2d(n_channels, affine=False),
            nn.Conv2d(n_channels, 20, 5),
            nn.BatchNorm2d(20),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(20, 50, 5),
            nn.BatchNorm2d(50),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(50 * 4 * 4, bottleneck),
            nn.BatchNorm1d(bottleneck),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(bottleneck, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(images))
        return logits
