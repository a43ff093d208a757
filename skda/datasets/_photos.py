"""Handwritten digits as source, and digits blended into photographs as target."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.datasets import load_sample_images
from sklearn.utils import check_random_state

from ._digits import SIDE, TARGET_NAMES, check_digit_parameters, split_digits
from ._docs import loader_docs
from ._pairs import LabelledRows, Pair, make_pair

DESCR = """\
Digits on photographs: real handwritten digits, and other real digits blended into photographs by
the recipe of MNIST-M.

Source: digits of scikit-learn's load_digits (UCI Optical Recognition of Handwritten Digits, 8 x 8),
enlarged to 16 x 16, 0 is paper and 1 is ink, the same in three channels. Target: other digits of
that set (no image is in two parts, but a writer may be), each as |digit - patch| with a random
patch of one of scikit-learn's two sample photographs, in full resolution. The parts are stratified
by digit. y_target is for oracles and scores only. rows_source, rows_target and rows_target_test
are the rows of load_digits that the images come from.

Origin: Alpaydin & Kaynak 1998, UCI 80, as bundled with scikit-learn. Licence: CC BY 4.0 (UCI).
Photographs china.jpg (danielbuechele) and flower.jpg (vultilion), as bundled with scikit-learn.
Licence: CC BY 2.0.
"""


def draw_patches(n_samples: int, random_state: np.random.RandomState) -> np.ndarray:
    """Cut random patches out of scikit-learn's sample photographs.

    Returns shape (n_samples, 3, 16, 16): red, green and blue from 0 to 1. Every place in every
    photograph is equally likely; `random_state` is advanced.

    >>> draw_patches(5, np.random.RandomState(0)).shape
    (5, 3, 16, 16)
    """
    photos = np.stack(load_sample_images().images)
    windows = sliding_window_view(photos, (SIDE, SIDE), axis=(1, 2))
    place = tuple(random_state.randint(length, size=n_samples) for length in windows.shape[:3])
    return windows[place] / 255.0


def _blend(digits: LabelledRows, patches: np.ndarray) -> LabelledRows:
    return LabelledRows(np.abs(digits.X[:, None] - patches).astype(np.float32), digits.y)


@loader_docs
def make_digits_on_photos(
    n_source: int = 900,
    n_target: int = 600,
    *,
    random_state: int | np.random.RandomState | None = None,
    return_X_y: bool = False,
) -> Pair:
    """Make digits and digits on photographs, a small MNIST-M without a download.

    The source consists of real handwritten digits that come with scikit-learn. The target consists
    of other digits of that set, blended into patches of scikit-learn's two sample photographs.
    Reading the photographs needs pillow.

    ===========   ==================================
    Classes                                       10
    Rows          1797, in the three parts together
    Features      3 x 16 x 16, from 0 to 1
    ===========   ==================================

    Parameters
    ----------
    <digit_counts>
    random_state : int, RandomState instance or None, default=None
        Determines which digits go where, and the patches. Pass an int for the same images at
        every call.
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        <digits>
        <names>
    <tuple>

    Raises
    ------
    ImportError
        Pillow is not installed.
    <parameter_errors>

    See Also
    --------
    make_scanned_digits : The same digits on grey paper, an easier shift.

    Notes
    -----
    A target image is :math:`|d - p|` with d the digit, the same in all channels, and p a patch
    of a photograph, as in MNIST-M [1]_. The patches of training and test images may overlap. The
    images are 16 x 16 because the digits have 8 x 8 pixels: a larger size would cost time
    and add no detail.

    References
    ----------
    .. [1] Y. Ganin et al., "Domain-Adversarial Training of Neural Networks", Journal of Machine
       Learning Research 17(59), 2016.
    .. [2] E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
       Learning Repository, 1998.

    Examples
    --------
    >>> from skda.datasets import make_digits_on_photos
    >>> digits = make_digits_on_photos(random_state=0)
    >>> digits.X_source.shape, digits.X_target.shape, digits.X_target_test.shape
    ((900, 3, 16, 16), (600, 3, 16, 16), (297, 3, 16, 16))
    >>> digits.feature_names.tolist()
    ['red', 'green', 'blue']
    """
    check_digit_parameters("make_digits_on_photos", locals())
    rng = check_random_state(random_state)
    split = split_digits(n_source, n_target, rng)
    return make_pair(
        _blend(split.source, np.zeros((1, 3, 1, 1))),
        _blend(split.target, draw_patches(len(split.target.y), rng)),
        _blend(split.target_test, draw_patches(len(split.target_test.y), rng)),
        feature_names=["red", "green", "blue"],
        target_names=TARGET_NAMES,
        descr=DESCR,
        return_X_y=return_X_y,
        **split.rows,
    )
