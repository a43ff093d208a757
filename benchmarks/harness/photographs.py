"""The photographs of Office-Caltech10, and their features by a pretrained network, kept on disk."""

import os
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from torch import nn

from skda.datasets import ImageFiles
from skda.nn import load_backbone
from skda.preprocessing import PretrainedFeatures

# where photographs and features are kept between runs
KEPT = Path(tempfile.gettempdir()) / "skda_office_caltech_photos"
ARCHIVE = "office_caltech_images.zip"
WIDTH = 256


@cache
def photographs(domain: str, size: int) -> ImageFiles:
    """Return the photographs of a domain: shorter side scaled to `size`, middle cut out."""
    folder = KEPT / "images"
    if not folder.exists():
        partial = KEPT / f"images_of_{os.getpid()}"  # so that a broken-off extraction is not used
        with zipfile.ZipFile(Path(os.environ["SKDA_DATA_HOME"]) / ARCHIVE) as archive:
            archive.extractall(partial)
        partial.rename(folder)
    return ImageFiles.from_folder(folder / domain, size=size)


@cache
def features(domain: str, size: int, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return EfficientNet-Lite0's features and the labels of each `every`-th photograph."""
    images = photographs(domain, size)
    rows = ImageFiles(images.paths[::every], size=size)
    network = PretrainedFeatures(load_backbone(size=None), cache=KEPT / "features", verbose=1)
    return network.fit_transform(rows), images.targets[::every]


def head_network(n_features: int, n_classes: int) -> nn.Module:
    """Return the head that papers put on a pretrained network: 256 units and a classifier."""
    layers = nn.Linear(n_features, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU()
    return nn.Sequential(*layers, nn.Linear(WIDTH, n_classes))
