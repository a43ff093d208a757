"""A transformer from images to the features of a pretrained network."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any, ClassVar, Self

import joblib
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from ._building.calling import first_run
from ._building.modules import resolve_device
from ._inputs.datasets import CheckedDataset
from ._inputs.host import as_host_array
from ._inputs.validation import fitted_state_kept
from .datasets import ImageFiles
from .nn import Backbone, Layer, LayerCapture, load_backbone
from .nn._copy import copy_net
from .training.data.rows import as_rows
from .training.modes import training_modes
from .training.watch.as_text import text_and_unknown

__all__ = ["PretrainedFeatures"]


class PretrainedFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Map images to the features of a pretrained network, for any estimator after it.

    The network stays fixed, so that its features are computed once. The next step, such as a
    search over lam, then trains on a table.

    Parameters
    ----------
    network : str or nn.Module, default="efficientnet_lite0"
        A name that `skda.nn.load_backbone` takes, or a network; a `skda.nn.Backbone` also
        normalises pixels. The features are the input of the network's classifier.
    batch_size : int or "auto", default="auto"
        Rows in one forward pass. "auto" is 16 on a CPU, whose cache holds the activations of so
        many photographs, and 64 on other devices.
    cache : path of a folder or None, default=None
        Where features are kept. Features of the same rows and the same network are read from this
        folder, in another process too. The weights of the network, its attributes and the code of
        your own classes are compared. Features of a Dataset that may change, as with a random
        transform, are computed anew, and so are those of a network that cannot be pickled, with a
        warning.
    device : str, default="auto"
        "auto" is cuda or mps where there is one, else cpu.
    verbose : int, default=0
        1 shows the progress and the time left.

    Attributes
    ----------
    network_ : Backbone
        The network, in eval mode.

    Notes
    -----
    Nothing is learned from the rows in `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from skda import DANNClassifier, make_pipeline
    >>> from skda.preprocessing import PretrainedFeatures
    >>> rng = np.random.default_rng(0)
    >>> photos = rng.integers(0, 256, (8, 3, 32, 32)).astype(np.uint8)
    >>> features = PretrainedFeatures(load_backbone(size=None))
    >>> pipe = make_pipeline(features, DANNClassifier(max_epochs=2, random_state=0))
    >>> pipe = pipe.fit(photos, np.arange(8) % 2, X_target=255 - photos)
    >>> pipe[0].transform(photos).shape
    (8, 1280)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "network": [str, nn.Module],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "cache": [str, os.PathLike, None],
        "device": [str],
        "verbose": ["verbose"],
    }

    network_: Backbone

    def __init__(
        self,
        network: Any = "efficientnet_lite0",
        *,
        batch_size: int | str = "auto",
        cache: str | os.PathLike[str] | None = None,
        device: str = "auto",
        verbose: int = 0,
    ) -> None:
        self.network = network
        self.batch_size = batch_size
        self.cache = cache
        self.device = device
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's interface
        """Load the network and run it once.

        Parameters
        ----------
        X : array-like of shape (n, n_channels, height, width), Dataset, or paths of shape (n,)
            Images, uint8 or float, or the paths of files: these are read by
            `skda.datasets.ImageFiles` at the network's size.
        y : ignored

        Returns
        -------
        self
        """
        self._validate_params()
        with fitted_state_kept(self), training_modes():
            network = load_backbone(self.network) if isinstance(self.network, str) else self.network
            backbone = network if isinstance(network, Backbone) else Backbone(network)
            rows = self._rows(X, backbone)
            if len(rows) == 0:
                raise ValueError("X is empty: it has no rows. Pass at least one image.")
            (few,) = rows.batches([np.arange(min(2, len(rows)))])
            self.network_ = copy_net(backbone).cpu().eval()
            first_run(self.network_, few)
            self.network_.note_head()
            self._row_shape = tuple(few.shape[1:])
            self._n_features_out = self._computed(rows, [np.arange(1)]).shape[1]
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return the features of images.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n, n_features_out), float32
        """
        check_is_fitted(self)
        rows = self._rows(X, self.network_)
        if len(rows) == 0:
            raise ValueError("X is empty: it has no rows. Pass at least one image.")
        on_cpu = resolve_device(self.device).type == "cpu"
        at_once = (16 if on_cpu else 64) if self.batch_size == "auto" else int(self.batch_size)
        batches = [np.arange(i, min(i + at_once, len(rows))) for i in range(0, len(rows), at_once)]
        key = None if self.cache is None else _key_of(X)
        with training_modes():
            if key is None:
                return self._computed(rows, batches)
            network, unknown = text_and_unknown({"network": self.network_})
            if unknown:  # another network of the same class would get these features
                warnings.warn(
                    "The features are not cached: the 'network' parameter holds an object that "
                    f"cannot be pickled ({unknown[0][1]}), so that a change of this object would "
                    "not be seen. Remove the object from the network, or set cache=None.",
                    UserWarning,
                    stacklevel=2,
                )
                return self._computed(rows, batches)
            kept = joblib.Memory(self.cache, verbose=0).cache(_call, ignore=["compute"])
            found: NDArray[np.float32] = kept(
                joblib.hash((key, network)), lambda: self._computed(rows, batches)
            )
            return found

    @torch.no_grad()
    def _computed(self, rows: Any, batches: list[Any]) -> NDArray[np.float32]:
        device = resolve_device(self.device)
        network = self.network_.to(device)
        shown: Iterator[Any] = tqdm(
            rows.batches(batches), "features", len(batches), disable=not self.verbose
        )
        found = []
        try:
            with LayerCapture(network, [Layer(network.head, "input")]) as capture:
                for batch in shown:
                    self._check_row(tuple(batch.shape[1:]))
                    network(batch.to(device))
                    found.append(capture.pop()[0].float().cpu().numpy())
        finally:
            self.network_.cpu()
        features = np.concatenate(found)
        lost = ~np.isfinite(features).reshape(len(features), -1).all(axis=1)
        if lost.any():
            raise ValueError(
                f"X has {lost.sum()} rows, the first of them row {lost.argmax()}, whose features "
                "are NaN or infinite. Look for NaN or very large numbers in these rows."
            )
        return features

    def _check_row(self, shape: tuple[int, ...]) -> None:
        """Refuse rows that torch would take for something else, such as one image for three."""
        fitted = vars(self).get("_row_shape", shape)  # pickles of older versions lack it
        if len(shape) != len(fitted) or shape[0] != fitted[0]:
            raise ValueError(
                f"X has rows of shape {shape}, but {type(self).__name__} was fitted on rows of "
                f"shape {fitted}. Only the height and width of images may differ."
            )

    def _rows(self, X: Any, backbone: Backbone) -> Any:
        if _are_paths(X):
            X = ImageFiles(X, size=backbone.size or 224)
        if isinstance(X, Dataset):
            return as_rows(CheckedDataset(X, "X"))
        rows = np.asarray(as_host_array(X, "X"))
        if rows.ndim < 2 or rows.dtype.kind not in "buif":
            raise ValueError(
                "X must be images (n, n_channels, height, width), a Dataset of these, or paths. "
                f"Got {rows.dtype} of shape {rows.shape} instead."
            )
        return as_rows(rows)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.requires_fit = True
        return tags


def _call(key: str, compute: Any) -> Any:  # noqa: ARG001 - joblib looks the result up by the key
    return compute()


def _are_paths(X: Any) -> bool:
    # of a frame or a dict, iter gives the names, and of a generator it takes the first path
    if isinstance(X, (Dataset, Mapping, Iterator)) or hasattr(X, "columns"):
        return False
    first = next(iter(X), None) if hasattr(X, "__iter__") else None
    return isinstance(first, (str, os.PathLike))


def _key_of(X: Any) -> Any:
    """Return the key of rows in the cache, or None if the rows may change."""
    if _are_paths(X):
        X = ImageFiles(X)
    if isinstance(X, ImageFiles):
        files = [(str(path.resolve()), path.stat().st_mtime_ns) for path in X.paths]
        return (files, X.size) if X.unchanging else None
    return None if isinstance(X, Dataset) else joblib.hash(np.asarray(as_host_array(X, "X")))
