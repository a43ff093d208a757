"""Two inter-twinning moons, and the same moons turned."""

from numbers import Real

import numpy as np
from sklearn.datasets import make_moons
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from ._docs import loader_docs
from ._pairs import LabelledRows, Pair, check_parameters, make_pair

# The mean of scikit-learn's moons: their arcs have the mean heights 2 / pi and 1 / 2 - 2 / pi.
CENTRE = np.array([0.5, 0.25])
SCALE = 2.0
DESCR = """\
Rotated moons: the inter-twinning moons of Ganin et al. 2016.

Source: scikit-learn's make_moons, moved to the mean 0 and enlarged by 2. Target and target test:
further draws of these moons, turned counter-clockwise about the mean. Both classes have the same
number of points in each part. y_target is for oracles and scores only.

Origin: Ganin et al., JMLR 2016, section 5.1.
"""


@loader_docs
def make_rotated_moons(
    n_source: int = 300,
    n_target: int = 300,
    *,
    n_target_test: int = 1000,
    angle: float = 35.0,
    noise: float = 0.05,
    random_state: int | np.random.RandomState | None = None,
    return_X_y: bool = False,
) -> Pair:
    """Make the two inter-twinning moons and the same moons rotated.

    ===========   =======================================
    Classes                                             2
    Rows          n_source + n_target + n_target_test
    Features                                            2
    ===========   =======================================

    Parameters
    ----------
    n_source, n_target : int, default=300
        Number of source points and of target points to adapt to, at least 2. Each class has half of
        the points; if the number is odd, class 1 has one more.
    n_target_test : int, default=1000
        Number of further target points, to score on, at least 2.
    angle : float, default=35.0
        Rotation of the target about the mean of the moons, counter-clockwise, in degrees.
    noise : float, default=0.05
        Standard deviation of the normal noise around moons of radius 1, before they are enlarged to
        the radius 2.
    random_state : int, RandomState instance or None, default=None
        Determines order and noise. Pass an int for the same points at every call. The same
        seed gives the same points before the rotation at every angle.
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target, X_target_test : ndarray of shape (n_part, 2), float64
            The moons, the rotated moons to adapt to, and further rotated moons to score on.
        y_source, y_target, y_target_test : ndarray of shape (n_part,), int64
            0 for the upper moon, 1 for the lower. ``y_target`` is for oracles and scores only: not
            to train and not to select a model.
        feature_names : ndarray of shape (2,)
            Column names.
        <names>
    <tuple>

    Raises
    ------
    <parameter_errors>

    Notes
    -----
    A point is :math:`2 R (m - (.5, .25))` with m a point of :func:`sklearn.datasets.make_moons`,
    whose mean is (.5, .25), and R the rotation (none in the source). In the paper [1]_ a net of 15
    hidden units learns from 300 source points, 150 of each class. The script of its authors uses
    the same scale and rotation, but subtracts the mean of the drawn source points.

    References
    ----------
    .. [1] Y. Ganin et al., "Domain-Adversarial Training of Neural Networks", Journal of Machine
       Learning Research 17(59), 2016.

    Examples
    --------
    >>> from skda.datasets import make_rotated_moons
    >>> X_source, y_source, X_target, y_target = make_rotated_moons(random_state=0, return_X_y=True)
    >>> X_source.shape, X_target.shape
    ((300, 2), (300, 2))
    >>> from sklearn.svm import SVC
    >>> svm = SVC().fit(X_source, y_source)
    >>> svm.score(X_source, y_source), round(svm.score(X_target, y_target), 2)
    (1.0, 0.86)
    """
    check_parameters(
        "make_rotated_moons",
        locals(),
        {
            "angle": [Interval(Real, None, None, closed="neither")],
            "noise": [Interval(Real, 0, None, closed="left")],
        },
        least=2,
    )
    rng = check_random_state(random_state)

    def moons(n_samples: int, degrees: float) -> LabelledRows:
        points, y = make_moons(n_samples, noise=noise, random_state=rng)
        cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        return LabelledRows(SCALE * (points - CENTRE) @ np.array([[cos, sin], [-sin, cos]]), y)

    return make_pair(
        moons(n_source, 0.0),
        moons(n_target, angle),
        moons(n_target_test, angle),
        feature_names=["x0", "x1"],
        target_names=["upper", "lower"],
        descr=DESCR,
        return_X_y=return_X_y,
    )
