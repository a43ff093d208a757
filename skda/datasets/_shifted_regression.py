"""A made regression on the readings of two instruments."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from ._docs import loader_docs
from ._pairs import LabelledRows, Pair, check_parameters, make_pair

NOISE = 0.1
DESCR = """\
Shifted regression: one quantity, measured by the channels of two instruments.

A sample has two hidden properties z, standard normal and independent, and the label
y = 20 + 5 (z0 + sin(2 z1)). A channel j of the source instrument reads
x_j = w_j0 z0 + w_j1 z1 + .1 e_j; the target instrument reads
x_j = exp(shift a_j) (w_j0 z0 + w_j1 z1 + .1 e_j) + shift b_j, with a_j uniform in [-.5, .5]. All w,
b and e are standard normal. p(y) and p(y | z) are the same in both domains. y_target is for oracles
and scores only.
"""


@loader_docs
def make_shifted_regression(
    n_source: int = 600,
    n_target: int = 600,
    n_features: int = 8,
    *,
    n_target_test: int = 2000,
    shift: float = 2.0,
    random_state: int | np.random.RandomState | None = None,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Pair:
    r"""Make a regression whose target rows come from an instrument with another gain and offset.

    The quantity to predict is the same in both domains, but each channel of the target instrument
    has its own gain and offset, so that a model of the source is far wrong.

    ===========   =======================================
    Outputs                                             1
    Rows          n_source + n_target + n_target_test
    Features      n_features
    ===========   =======================================

    Parameters
    ----------
    n_source, n_target : int, default=600
        Number of source rows and of target rows to adapt to, at least 1.
    n_features : int, default=8
        Number of channels, at least 2.
    n_target_test : int, default=2000
        Number of further target rows, to score on, at least 1.
    shift : float, default=2.0
        Size of the difference between the instruments in gain and offset, in [0, 10]. At 0 the
        domains are alike.
    random_state : int, RandomState instance or None, default=None
        Determines channels and rows. Pass an int for the same table at every call. The same seed
        gives the same source rows and labels at every `shift`.
    <as_frame>
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target, X_target_test : ndarray or DataFrame of shape (n, n_features), float64
            Readings of the source instrument; of the target instrument on other samples, to adapt
            to; and on further samples, to score on.
        y_source, y_target, y_target_test : ndarray or Series of shape (n_part,), float64
            The quantity, of mean 20 and standard deviation 6.1. ``y_target`` is for oracles and
            scores only: not to train and not to select a model.
        gain_target, offset_target : ndarray of shape (n_features,), float64
            The target instrument reads (reading of the source instrument) * gain + offset.
        feature_names : ndarray of shape (n_features,)
            Column names, x0, x1 and so on.
        <output_names>
    <tuple>

    Raises
    ------
    <parameter_errors>

    Notes
    -----
    With :math:`s` the `shift`, and :math:`w, b, z, e` standard normal,

    .. math:: y = 20 + 5 (z_0 + \sin 2 z_1), \quad
              x_j = w_{j0} z_0 + w_{j1} z_1 + .1 e_j, \quad
              x^t_j = e^{s a_j} x_j + s b_j, \quad a_j \sim U(-.5, .5)

    Each channel has its own gain and offset, so that scaling each domain separately
    (:class:`~skda.DomainStandardScaler`) removes the whole shift.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> from skda import make_pipeline
    >>> from skda.datasets import make_shifted_regression
    >>> from skda.preprocessing import DomainStandardScaler
    >>> data = make_shifted_regression(random_state=0)
    >>> test = data.X_target_test, data.y_target_test
    >>> plain = KNeighborsRegressor().fit(data.X_source, data.y_source)
    >>> scaled = make_pipeline(DomainStandardScaler(), KNeighborsRegressor())
    >>> scaled = scaled.fit(data.X_source, data.y_source, X_target=data.X_target)
    >>> round(plain.score(*test), 2), round(scaled.score(*test), 2)
    (0.47, 0.94)
    """
    check_parameters(
        "make_shifted_regression",
        locals(),
        {
            "n_features": [Interval(Integral, 2, None, closed="left")],
            "shift": [Interval(Real, 0, 10, closed="both")],
        },
    )
    rng = check_random_state(random_state)
    weights = rng.normal(size=(2, n_features))
    gain = np.exp(shift * rng.uniform(-0.5, 0.5, size=n_features))
    offset = shift * rng.normal(size=n_features)

    def measured(n_samples: int) -> LabelledRows:
        z = rng.normal(size=(n_samples, 2))
        readings = z @ weights + NOISE * rng.normal(size=(n_samples, n_features))
        return LabelledRows(readings, 20 + 5 * (z[:, 0] + np.sin(2 * z[:, 1])))

    source, target, target_test = map(measured, (n_source, n_target, n_target_test))
    return make_pair(
        source,
        LabelledRows(target.X * gain + offset, target.y),
        LabelledRows(target_test.X * gain + offset, target_test.y),
        feature_names=[f"x{column}" for column in range(n_features)],
        target_names=["quantity"],
        descr=DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
        gain_target=gain,
        offset_target=offset,
    )
