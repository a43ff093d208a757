"""Handwritten digits as source, and scanned handwritten digits as target."""

from numbers import Real

import numpy as np
from scipy import ndimage
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from ._digits import TARGET_NAMES, check_digit_parameters, split_digits
from ._docs import loader_docs
from ._pairs import LabelledRows, Pair, make_pair

# Values at severity 1. With them a small convolutional network has a target accuracy of one third
# when trained on the source, and of nearly 1 when trained on target labels.
TILT, TILT_SPREAD = 15.0, 3.0
THICKENING = 0.5
PAPER, LIGHT = 0.3, 0.2
CONTRAST = 0.55
NOISE = 0.04
DESCR = """\
Scanned digits: real handwritten digits, and other real digits as a second device would scan them.

Source: digits of scikit-learn's load_digits (UCI Optical Recognition of Handwritten Digits, 8 x 8),
enlarged to 16 x 16, 0 is paper and 1 is ink. Target: other digits of that set (no image is in two
parts, but a writer may be), turned clockwise by about 15 degrees, with thicker strokes of .55 of
the ink and sensor noise, on grey paper with uneven light from another direction in each image.
The parts are stratified by digit. y_target is for oracles and scores only. rows_source,
rows_target and rows_target_test are the rows of load_digits that the images come from.

Origin: Alpaydin & Kaynak 1998, UCI 80, as bundled with scikit-learn. Licence: CC BY 4.0 (UCI).
"""


def _turned(images: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Turn each image clockwise about its centre by its own angle."""
    centre = (np.array(images.shape[1:]) - 1) / 2
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    # From the turned image back to the upright one, in (row, column) coordinates.
    back = np.moveaxis(np.array([[cos, -sin], [sin, cos]]), -1, 0)
    return np.stack(
        [
            ndimage.affine_transform(image, matrix, centre - matrix @ centre, order=1)
            for image, matrix in zip(images, back, strict=True)
        ]
    )


def _one_channel(images: np.ndarray, y: np.ndarray) -> LabelledRows:
    return LabelledRows(images[:, None].astype(np.float32), y)


def scan(ink: np.ndarray, severity: float, random_state: np.random.RandomState) -> np.ndarray:
    """Simulate a scanner of low quality on images (n_samples, height, width) from 0 to 1 (ink).

    The severity, from 0 (none) to 1, is the strength of all effects. `random_state` is advanced by
    the same draws for each severity. Returns images of the same shape, from 0 to 1.

    >>> ink = np.eye(16)[None]
    >>> bool((scan(ink, 0.0, np.random.RandomState(0)) == ink).all())
    True
    """
    n_samples, height, width = ink.shape
    degrees = random_state.normal(TILT, TILT_SPREAD, size=(n_samples,))
    direction = random_state.uniform(0, 2 * np.pi, size=(n_samples, 1, 1))
    noise = random_state.normal(0, NOISE, size=ink.shape)

    turned = _turned(ink, severity * degrees)
    thick = ndimage.grey_dilation(turned, size=(1, 2, 2))
    strokes = turned + severity * THICKENING * (thick - turned)
    contrast = 1 - severity * (1 - CONTRAST)
    down, right = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    paper = PAPER + LIGHT * (np.cos(direction) * right + np.sin(direction) * down)
    scanned: np.ndarray = np.clip(contrast * strokes + severity * (paper + noise), 0, 1)
    return scanned


@loader_docs
def make_scanned_digits(
    n_source: int = 900,
    n_target: int = 600,
    *,
    severity: float = 1.0,
    random_state: int | np.random.RandomState | None = None,
    return_X_y: bool = False,
) -> Pair:
    r"""Make digits and scanned digits: images of one kind from two devices.

    The source consists of real handwritten digits that come with scikit-learn. The target consists
    of other digits of that set on grey, unevenly lit paper: thicker, turned, of lower contrast and
    noisy.

    ===========   ==================================
    Classes                                       10
    Rows          1797, in the three parts together
    Features      1 x 16 x 16, from 0 to 1
    ===========   ==================================

    Parameters
    ----------
    <digit_counts>
    severity : float, default=1.0
        Strength of the shift in [0, 1]. At 0 the target images are as clean as the source. The
        same seed gives the same digits at every severity.
    random_state : int, RandomState instance or None, default=None
        Determines which digits go where and what the scanner does. Pass an int for the same
        images at every call.
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        <digits>
        <names>
    <tuple>

    Raises
    ------
    <parameter_errors>

    See Also
    --------
    make_digits_on_photos : The same digits in colour on photographs, a harder shift.

    Notes
    -----
    With u the upright digit turned by a normal angle of mean 15 and standard deviation 3 degrees,
    and d(u) its grey dilation by 2 x 2 pixels, a scanned image is

    .. math:: \operatorname{clip}_{[0, 1]}\left(.55\,(u + d(u)) / 2 + .3
              + .2\,(x \cos\phi + y \sin\phi) + \varepsilon\right)

    where x and y run from -1 to 1 over the image, the angle of the light is drawn from a
    uniform distribution once for each image, and the noise is normal with standard deviation .04.

    References
    ----------
    .. [1] E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
       Learning Repository, 1998.

    Examples
    --------
    >>> from skda.datasets import make_scanned_digits
    >>> digits = make_scanned_digits(random_state=0)
    >>> digits.X_source.shape, digits.X_target.shape, digits.X_target_test.shape
    ((900, 1, 16, 16), (600, 1, 16, 16), (297, 1, 16, 16))
    >>> round(float(digits.X_source.mean()), 2), round(float(digits.X_target.mean()), 2)
    (0.3, 0.48)
    """
    check_digit_parameters(
        "make_scanned_digits", locals(), severity=[Interval(Real, 0, 1, closed="both")]
    )
    rng = check_random_state(random_state)
    split = split_digits(n_source, n_target, rng)
    target = scan(split.target.X, severity, rng)
    target_test = scan(split.target_test.X, severity, rng)
    return make_pair(
        _one_channel(split.source.X, split.source.y),
        _one_channel(target, split.target.y),
        _one_channel(target_test, split.target_test.y),
        feature_names=["grey"],
        target_names=TARGET_NAMES,
        descr=DESCR,
        return_X_y=return_X_y,
        **split.rows,
    )
