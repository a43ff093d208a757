"""Images in files as a torch Dataset, and as one array."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, validate_parameter_constraints
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from .._inputs.host import as_pixels

__all__ = ["ImageFiles"]

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})

_CONSTRAINTS: dict[str, list[Any]] = {
    "size": [Interval(Integral, 1, None, closed="left")],
    "transform": [callable, None],
}


class ImageFiles(Dataset[Any]):
    """Image files as a Dataset that reads each on access, for images that do not fit in memory.

    Parameters
    ----------
    paths : sequence of str or path, such as a column of a frame
    y : array-like of shape (n_images,) or None, default=None
        Labels. With labels, items are pairs (image, label).
    size : int, default=224
        Height and width of the images: the shorter side is scaled to it, bilinear and
        antialiased, and the middle is cut out.
    transform : callable or None, default=None
        Makes a row of a PIL image in RGB, in place of scaling and cutting, for example one of
        ``torchvision.transforms.v2``. It may be random: each epoch then draws anew. A PIL image
        that it returns becomes uint8 pixels.

    Attributes
    ----------
    paths : list of Path
    targets : ndarray of shape (n_images,) or None
    unchanging : bool
        Whether an image is the same at each reading, which is so without a `transform`.

    Raises
    ------
    ValueError
        If a file is not there, the labels are not one a path, or a parameter is not allowed.

    Notes
    -----
    Pixels stay uint8, (3, height, width), until an estimator makes a batch; a `skda.nn.Backbone`
    normalises them. Reading needs pillow: ``pip install "skda[vision]"``. With
    ``iterator_train__num_workers=4`` four processes read.

    Examples
    --------
    >>> import os, tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         os.mkdir(os.path.join(folder, name))
    ...         Image.new("RGB", (40, 30)).save(os.path.join(folder, name, "1.png"))
    ...     images = ImageFiles.from_folder(folder, size=16)
    ...     image, label = images[1]
    ...     array = images.load()
    >>> image.shape, image.dtype, str(label)
    (torch.Size([3, 16, 16]), torch.uint8, 'dog')
    >>> array.shape
    (2, 3, 16, 16)
    """

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        y: Any = None,
        *,
        size: int = 224,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        validate_parameter_constraints(_CONSTRAINTS, locals(), type(self).__name__)
        self.paths = _listed(paths)
        self.targets = None if y is None else np.asarray(y)
        self.size = size
        self.transform = transform
        if self.targets is not None:
            _check_targets(self.targets, len(self.paths))
        missing = next((path for path in self.paths if not path.is_file()), None)
        if missing is not None:
            raise ValueError(f"The 'paths' parameter names a file that is not there: {missing}.")

    @classmethod
    def from_folder(cls, folder: str | os.PathLike[str], **options: Any) -> Self:
        """List the images of a folder that has one folder for each class.

        Parameters
        ----------
        folder : str or path
            As for ``torchvision.datasets.ImageFolder``; the labels are the names of its folders.
        **options
            `size` and `transform`.

        Returns
        -------
        ImageFiles
            In the order of the paths.
        """
        root = Path(folder)
        below = sorted(p for p in root.glob("*/**/*") if p.suffix.lower() in SUFFIXES)
        if not below:
            raise ValueError(
                f"The 'folder' parameter must have a folder of images for each class. Got {root}, "
                "which has none."
            )
        return cls(below, [path.relative_to(root).parts[0] for path in below], **options)

    @property
    def unchanging(self) -> bool:
        """Whether an image is the same at each reading."""
        return self.transform is None

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.paths)

    def __getitem__(self, i: int) -> Any:
        """Return an image, or the pair of an image and its label."""
        row = self._row(int(i))
        return row if self.targets is None else (row, np.asarray(self.targets[i]).item())

    def load(self, *, verbose: bool = False) -> NDArray[np.uint8]:
        """Read all images into one array, for data that fit in memory.

        Parameters
        ----------
        verbose : bool, default=False
            Show the progress and the time left.

        Returns
        -------
        ndarray of shape (n_images, 3, height, width), uint8
            With a `transform`, the rows that it returns, stacked.
        """
        numbers = tqdm(range(len(self)), desc="images", disable=not verbose)
        return np.stack([np.asarray(self._row(i)) for i in numbers])

    def _row(self, i: int) -> Any:
        try:
            from PIL import Image, ImageOps
        except ImportError as error:
            raise ImportError(
                'Reading images needs the package pillow: pip install "skda[vision]".'
            ) from error
        with Image.open(self.paths[i]) as file:
            image = file.convert("RGB")
        if self.transform is not None:
            return as_pixels(self.transform(image))
        box = self.size, self.size
        return as_pixels(ImageOps.fit(image, box, Image.Resampling.BILINEAR))


def _listed(paths: Any) -> list[Path]:
    """Return several paths; a single one would be read letter by letter."""
    single = isinstance(paths, (str, bytes, os.PathLike)) or not isinstance(paths, Iterable)
    listed = [] if single else [Path(path) for path in paths]
    if not listed:
        raise ValueError(
            "The 'paths' parameter must be a list of one path or more. Got "
            f"{paths!r} instead: pass [path] of an image, or the folder of all to "
            "ImageFiles.from_folder."
        )
    return listed


def _check_targets(targets: NDArray[Any], n_paths: int) -> None:
    if targets.ndim == 0 or targets.size != len(targets) or len(targets) != n_paths:
        found = len(targets) if targets.ndim == 1 else f"shape {targets.shape}"
        raise ValueError(
            f"The 'y' parameter must have one label for each of the {n_paths} paths. Got {found}."
        )
