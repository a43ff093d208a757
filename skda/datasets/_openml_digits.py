"""MNIST and USPS from OpenML, converted to the arrays of the prepared files."""

import os
from dataclasses import dataclass

import numpy as np
from sklearn import datasets as sklearn_datasets

from ._fetch import DATA_HOME_VARIABLE


@dataclass(frozen=True)
class OpenMLDigits:
    """How OpenML stores one data set of digits, training images first.

    Images are side x side pixels in [low, high]; `first_label` is the label of the digit 0.
    `train_counts` is the published number of training images of each digit: it shows whether the
    rows are in the published order. The last `n_test` images are for testing.
    """

    name: str
    version: int
    side: int
    low: float
    high: float
    first_label: int
    train_counts: tuple[int, ...]
    n_test: int


OPENML_DIGITS = {
    "mnist": OpenMLDigits(
        name="mnist_784",
        version=1,
        side=28,
        low=0.0,
        high=255.0,
        first_label=0,
        train_counts=(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
        n_test=10000,
    ),
    "usps": OpenMLDigits(
        name="USPS",
        version=2,
        side=16,
        low=-1.0,
        high=1.0,
        first_label=1,
        train_counts=(1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644),
        n_test=2007,
    ),
}


def fetch_openml_digits(
    digits: OpenMLDigits, data_home: str | os.PathLike[str]
) -> dict[str, np.ndarray]:
    """Download digits from OpenML, or read them from scikit-learn's cache in ``data_home/openml``.

    Returns ``X_train, X_test`` of shape (n, side, side) and ``y_train, y_test`` of shape (n,),
    uint8. An unreachable OpenML is an OSError; an unexpected shape, range or order is a ValueError.
    """
    identity = f"{digits.name!r}, version {digits.version}"
    try:
        data = sklearn_datasets.fetch_openml(
            name=digits.name, version=digits.version, as_frame=False, data_home=str(data_home)
        )
    except OSError as error:
        raise OSError(
            f"Could not fetch {identity} from OpenML: {error}. Check the network and call again, "
            f"or let data_home or the environment variable {DATA_HOME_VARIABLE} name a folder that "
            "holds the prepared digits_mnist.npz or digits_usps.npz."
        ) from error
    X = np.asarray(data.data, dtype=np.float32)
    y = np.asarray(data.target).astype(np.int64) - digits.first_label
    n_train, n_pixels = sum(digits.train_counts), digits.side**2
    if X.shape != (n_train + digits.n_test, n_pixels):
        expected = (n_train + digits.n_test, n_pixels)
        raise ValueError(_unexpected(identity, f"its shape is {X.shape}, not {expected}"))
    if X.min() < digits.low or X.max() > digits.high:
        found, wanted = [float(X.min()), float(X.max())], [digits.low, digits.high]
        raise ValueError(_unexpected(identity, f"its pixels are in {found}, not {wanted}"))
    digit, count = np.unique(y[:n_train], return_counts=True)
    if dict(zip(digit, count, strict=True)) != dict(enumerate(digits.train_counts)):
        raise ValueError(
            _unexpected(identity, f"its first {n_train} rows are not the published training set")
        )
    pixels = np.rint((X - digits.low) / (digits.high - digits.low) * 255).astype(np.uint8)
    pixels, labels = pixels.reshape(-1, digits.side, digits.side), y.astype(np.uint8)
    return {
        "X_train": pixels[:n_train],
        "y_train": labels[:n_train],
        "X_test": pixels[n_train:],
        "y_test": labels[n_train:],
    }


def _unexpected(identity: str, what: str) -> str:
    return (
        f"OpenML's {identity} is not as expected: {what}. Name another data set with the openml "
        "parameter, or bring the prepared file."
    )
