"""Resizing of images, so that several data sets have one size."""

from numbers import Integral

import numpy as np
import torch
from sklearn.utils import gen_batches
from torch.nn.functional import interpolate

ROWS_AT_ONCE = 4096


def resize_images(images: np.ndarray, size: int) -> np.ndarray:
    """Resize uint8 images bilinearly, with antialiasing where they shrink.

    Parameters
    ----------
    images : ndarray of shape (n, n_channels, height, width), uint8
        The images; they are not modified.
    size : int
        Height and width wanted, in pixels.

    Returns
    -------
    resized : ndarray of shape (n, n_channels, size, size), uint8
        `images` itself if it already has this size.

    Raises
    ------
    ValueError
        `images` is not a 4-D uint8 array or is empty, or `size` is not an int above 0.
    TypeError
        `images` is not an array.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.datasets import resize_images
    >>> resize_images(np.full((1, 1, 16, 16), 7, dtype=np.uint8), 28).shape
    (1, 1, 28, 28)
    """
    if not isinstance(images, np.ndarray):
        raise TypeError(
            "images must be a uint8 array of shape (n, n_channels, height, width). Got "
            f"{type(images).__name__} instead."
        )
    if images.ndim != 4 or images.dtype != np.uint8 or images.size == 0:
        raise ValueError(
            "images must be a uint8 array of shape (n, n_channels, height, width). Got "
            f"{images.dtype} of shape {images.shape} instead."
        )
    if not isinstance(size, Integral) or size < 1:
        raise ValueError(f"size must be an int in the range [1, inf). Got {size!r} instead.")
    if images.shape[2:] == (size, size):
        return images
    resized = np.empty((*images.shape[:2], size, size), dtype=np.uint8)
    for rows in gen_batches(len(images), ROWS_AT_ONCE):
        pixels = torch.tensor(images[rows], dtype=torch.float32)
        pixels = interpolate(pixels, (size, size), mode="bilinear", antialias=True)
        resized[rows] = pixels.round().clamp(0, 255).numpy()
    return resized
