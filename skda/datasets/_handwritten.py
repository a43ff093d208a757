"""Handwritten digits of three kinds: MNIST, USPS and MNIST-M."""

import os
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from ._digits import TARGET_NAMES
from ._docs import loader_docs
from ._fetch import Arrays, DataHome, DataStore, get_data_home
from ._openml_digits import OPENML_DIGITS, fetch_openml_digits
from ._pairs import LabelledRows, Pair, check_pair, make_pair
from ._resize import resize_images

CALLER = "fetch_handwritten_digits"
DOMAINS = ("mnist", "usps", "mnistm")
ARRAYS = ("X_train", "y_train", "X_test", "y_test")
COUNT = [Interval(Integral, 1, None, closed="left"), None]
# MNIST-M's training digits are MNIST's from here on.
MNIST_WITHOUT_MNISTM = 50000
STORES = {
    name: DataStore(f"digits_{name}", prepared_sha256)
    for name, prepared_sha256 in {
        "mnist": "d2fc8bab397b964798b4c839bd1e705e10a4bb65f4d56a88002229d145796751",
        "usps": "6eb1e68ec0e0a74119dbfa609cf59671092937bf70bbfd5576f42e14e3dd1b47",
        "mnistm": "6e2f53e5e4cdb2983e6c834b72c7b6e9fe9e8add51e8a50e85bc87c35211cfb7",
    }.items()
}
MNISTM_REMEDY = (
    "MNIST-M has no public home any more: pass an .npz file with the arrays X_train, y_train, "
    "X_test, y_test as mnistm_path, or put the prepared digits_mnistm.npz into data_home or the "
    "folder that the environment variable SKDA_DATA_HOME names. The documentation of "
    "fetch_handwritten_digits has the recipe to make one."
)
DESCR = """\
Handwritten digits 0 to 9 in three domains. mnist: 60000 + 10000 grey images 28 x 28. usps: 7291 +
2007 grey images 16 x 16 of scanned envelopes. mnistm: MNIST digits blended into patches of
photographs, 28 x 28 in colour; it has the official 9001 test images and, in the prepared file, 8000
training images made from the MNIST training digits 50000 to 57999. If one domain is mnistm, then
mnist has its first 50000 training digits only, so that no digit is in both domains, and grey images
repeat their channel three times.

Source and target rows are training images, X_target_test are all test images of the target.
Images of another size are resized bilinearly, with antialiasing.

Origin: LeCun, Bottou, Bengio & Haffner 1998 (MNIST, CC BY-SA 3.0 as commonly stated); Hull 1994
and LeCun et al. 1990 (USPS, research use); Ganin & Lempitsky, ICML 2015, and Arbelaez et al., PAMI
2011 (MNIST-M, photographs for non-commercial research).
"""


@loader_docs
def fetch_handwritten_digits(
    source: str = "mnist",
    target: str = "usps",
    *,
    size: int = 28,
    dtype: str = "uint8",
    n_source: int | None = None,
    n_target: int | None = None,
    random_state: int = 0,
    mnistm_path: DataHome = None,
    openml: Mapping[str, tuple[str, int]] | None = None,
    data_home: DataHome = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
) -> Pair:
    """Load two kinds of handwritten digits (classification, images).

    ===============   ==================================================
    Classes                                                           10
    Training images   60000 (mnist), 7291 (usps), 8000 (mnistm, prepared)
    Test images       10000 (mnist), 2007 (usps), 9001 (mnistm, official)
    Shape             (1, size, size), with mnistm (3, size, size)
    ===============   ==================================================

    Parameters
    ----------
    source, target : {"mnist", "usps", "mnistm"}
        Two different kinds.
    size : {28, 16}, default=28
        Height and width of the images returned, in pixels.
    dtype : {"uint8", "float32"}, default="uint8"
        Pixels 0 .. 255 as uint8, or divided by 255 as float32.
    n_source, n_target : int, default=None
        Number of training images to draw at random, without replacement; None takes all.
        The usual small protocol is 2000 of mnist and 1800 of usps.
    random_state : int, default=0
        Seed of the draw.
    mnistm_path : str or path-like, default=None
        An ``.npz`` file with the uint8 arrays ``X_train, X_test`` of shape
        (n, 28, 28, 3) and their labels ``y_train, y_test``, read without checksum. None
        reads ``digits_mnistm.npz`` from `data_home`.
    openml : mapping of str to (name, version), default=None
        Data sets at OpenML for ``"mnist"`` or ``"usps"``, used where `data_home` holds no
        prepared file. None means ``("mnist_784", 1)`` and ``("USPS", 2)``.
    <data_home>
    download_if_missing : bool, default=True
        False raises an OSError, instead of asking OpenML, where there is no prepared file.
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target, X_target_test : ndarray of shape (n, n_channels, size, size)
            Images of `dtype`, bright digits on dark ground where grey.
        y_source, y_target, y_target_test : ndarray of shape (n,), int64
            Digits. ``y_target`` is for oracles and scores only.
        feature_names : ndarray of shape (n_channels,)
            Channels.
        target_names : ndarray of shape (10,)
            ``"0"`` to ``"9"``.
        DESCR : str
            Description.

    Raises
    ------
    FileNotFoundError
        MNIST-M is asked for and not found.
    OSError
        OpenML cannot be reached.
    ValueError
        A parameter is not allowed, a prepared file has a wrong checksum, or OpenML's
        data is not what is expected.

    Notes
    -----
    Recipe of MNIST-M: for each MNIST digit (as background mask its pixels > 0) take a random
    28 x 28 patch of a BSDS500 photograph; the image is the patch, with 255 - patch where
    the mask is set. Use training digits from number 50000 on for ``X_train``, and the
    published test images, cut from 32 x 32 to their inner 28 x 28, for ``X_test``.

    References
    ----------
    .. [1] Y. Ganin, V. Lempitsky, "Unsupervised Domain Adaptation by Backpropagation",
       ICML 2015.
    .. [2] M. Long et al., "Transfer Feature Learning with Joint Distribution
       Adaptation", ICCV 2013 (2000 / 1800 images).

    Examples
    --------
    >>> from skda.datasets import fetch_handwritten_digits
    >>> data = fetch_handwritten_digits(
    ...     "mnist", "usps", n_source=2000, n_target=1800
    ... )  # doctest: +SKIP
    >>> data.X_target.shape, data.X_target_test.shape  # doctest: +SKIP
    ((1800, 1, 28, 28), (2007, 1, 28, 28))
    """
    check_pair(
        CALLER,
        DOMAINS,
        locals(),
        size=[Options(Integral, {16, 28})],
        dtype=[StrOptions({"uint8", "float32"})],
        n_source=COUNT,
        n_target=COUNT,
        random_state=[Interval(Integral, 0, None, closed="left")],
        mnistm_path=[str, os.PathLike, None],
        openml=[Mapping, None],
    )
    digits = {
        name: _read_mnistm(mnistm_path, data_home)
        if name == "mnistm"
        else _read_grey(name, data_home, download_if_missing, openml or {})
        for name in (source, target)
    }
    n_channels = 3 if "mnistm" in digits else 1
    if digits.keys() == {"mnist", "mnistm"}:
        train = {key: digits["mnist"][key][:MNIST_WITHOUT_MNISTM] for key in ARRAYS[:2]}
        digits["mnist"] = {**digits["mnist"], **train}

    rng = np.random.default_rng(random_state)
    rows = []
    for name, parameter, n in ((source, "n_source", n_source), (target, "n_target", n_target)):
        X, y = digits[name]["X_train"], digits[name]["y_train"]
        # drawn even if all images are taken, so that the target's draw does not depend on n_source
        drawn = rng.permutation(len(y))
        if n is not None:
            if n > len(y):
                raise ValueError(
                    f"The {parameter!r} parameter of {CALLER} must be at most {len(y)}, the number "
                    f"of training images of {name}. Got {n} instead."
                )
            X, y = X[drawn[:n]], y[drawn[:n]]
        rows.append(LabelledRows(_to_images(X, n_channels, size, dtype), y))
    X_test = _to_images(digits[target]["X_test"], n_channels, size, dtype)
    source_rows, target_rows = rows
    return make_pair(
        source_rows,
        target_rows,
        LabelledRows(X_test, digits[target]["y_test"]),
        feature_names=["red", "green", "blue"] if n_channels == 3 else ["grey"],
        target_names=TARGET_NAMES,
        descr=DESCR,
        return_X_y=return_X_y,
    )


def _read_grey(
    name: str,
    data_home: DataHome,
    download_if_missing: bool,
    openml: Mapping[str, tuple[str, int]],
) -> Arrays:
    unknown = set(openml) - set(OPENML_DIGITS)
    if unknown:
        raise ValueError(
            f"The 'openml' parameter of {CALLER} must have the keys 'mnist' and 'usps' at most. "
            f"Got {', '.join(map(repr, sorted(unknown)))} too."
        )
    prepared = STORES[name].read_prepared(data_home)
    if prepared is not None:
        return {key: prepared[key] for key in ARRAYS}
    if not download_if_missing:
        raise OSError(
            f"{STORES[name].prepared_path(data_home)} is missing and download_if_missing=False. "
            "Put the prepared file there, or allow the download from OpenML."
        )
    entry = OPENML_DIGITS[name]
    if name in openml:
        openml_name, version = openml[name]
        entry = replace(entry, name=openml_name, version=version)
    return fetch_openml_digits(entry, get_data_home(data_home))


def _read_mnistm(path: DataHome, data_home: DataHome) -> Arrays:
    store = STORES["mnistm"]
    arrays = store.read_local(path, data_home, required=ARRAYS, remedy=MNISTM_REMEDY)
    read = {key: arrays[key] for key in ARRAYS}
    for part in ("train", "test"):
        X, y = read[f"X_{part}"], read[f"y_{part}"]
        if X.dtype != np.uint8 or X.shape != (len(y), 28, 28, 3):
            raise ValueError(
                f"X_{part} of {path} must be uint8 of shape (len(y_{part}), 28, 28, 3) = "
                f"({len(y)}, 28, 28, 3). Got {X.dtype} of shape {X.shape} instead."
            )
    return read


def _to_images(X: np.ndarray, n_channels: int, size: int, dtype: str) -> np.ndarray:
    images = X[:, None] if X.ndim == 3 else X.transpose(0, 3, 1, 2)
    images = resize_images(images, size)
    if images.shape[1] != n_channels:
        images = images.repeat(n_channels, axis=1)
    if dtype == "float32":
        return np.asarray(np.divide(images, 255, dtype=np.float32))
    return np.ascontiguousarray(images)
