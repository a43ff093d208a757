"""A table with covariate shift."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval

from ._docs import loader_docs
from ._pairs import LabelledRows, Pair, check_parameters, make_pair

# The slope gives the best classifier an accuracy of .9, the offset balances the classes.
SLOPE = 4.0
OFFSET = 0.75
DESCR = """\
Covariate shift: p(x) moves between the domains, p(y | x) does not.

All features are standard normal and independent, but the mean of x0 is -shift / 2 in the source
and +shift / 2 in the target. In both, p(y = 1 | x) = 1 / (1 + exp(-4 (x1 - x0^2 / 2 + .75))):
only x0 and x1 matter, and this function is even in x0, so both domains have the same class shares.
proba_source, proba_target and proba_target_test are p(y = 1 | x) of the rows; the best prediction
is 1 if p(y = 1 | x) exceeds one half. density_ratio_source is p_target(x) / p_source(x) of the
source rows, exp(shift * x0). y_target is for oracles and scores only.
"""


def positive_probability(X: np.ndarray) -> np.ndarray:
    """Return p(y = 1 | x), (n_samples,), of rows of :func:`make_covariate_shift`.

    >>> positive_probability(np.array([[0.0, -0.75]]))
    array([0.5])
    """
    probability: np.ndarray = expit(SLOPE * (X[:, 1] - X[:, 0] ** 2 / 2 + OFFSET))
    return probability


@loader_docs
def make_covariate_shift(
    n_source: int = 600,
    n_target: int = 600,
    n_features: int = 5,
    *,
    n_target_test: int = 2000,
    shift: float = 1.5,
    random_state: int | np.random.RandomState | None = None,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Pair:
    r"""Make a table with covariate shift: p(x) differs, p(y | x) is the same.

    The mean of one feature differs between the domains, and the boundary between the classes bends
    along this feature. A straight boundary that fits the source is therefore wrong for the target.
    Weighting the source rows by the density ratio, which is known here, corrects this.

    ===========   =======================================
    Classes                                             2
    Rows          n_source + n_target + n_target_test
    Features      n_features, two of them informative
    ===========   =======================================

    Parameters
    ----------
    n_source, n_target : int, default=600
        Number of source rows and of target rows to adapt to, at least 1.
    n_features : int, default=5
        Number of columns, at least 2. The first two decide the class, the others are noise.
    n_target_test : int, default=2000
        Number of further target rows, to score on, at least 1.
    shift : float, default=1.5
        Distance between the domains' means of the first column, in standard deviations, in
        [0, 10]. At 0 the domains are alike.
    random_state : int, RandomState instance or None, default=None
        Determines rows and labels. Pass an int for the same table at every call.
    <as_frame>
    <return_X_y>

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        X_source, X_target, X_target_test : ndarray or DataFrame of shape (n, n_features), float64
            Source rows, target rows to adapt to, and further target rows to score on.
        y_source, y_target, y_target_test : ndarray or Series of shape (n_part,), int64
            Classes 0 and 1. ``y_target`` is for oracles and scores only: not to train and not to
            select a model.
        proba_source, proba_target, proba_target_test : ndarray of shape (n_part,), float64
            p(y = 1 | x). The Bayes classifier predicts 1 where it exceeds one half.
        density_ratio_source : ndarray of shape (n_source,), float64
            p_target(x) / p_source(x) of the source rows, the true importance weights.
        feature_names : ndarray of shape (n_features,)
            Column names, x0, x1 and so on.
        <names>
    <tuple>

    Raises
    ------
    <parameter_errors>

    Notes
    -----
    With :math:`s` the `shift`,

    .. math:: x_0 \sim N(\mp s / 2, 1), \quad x_j \sim N(0, 1), \quad
              p(y = 1 | x) = \sigma(4 (x_1 - x_0^2 / 2 + .75)), \quad
              p_t(x) / p_s(x) = e^{s x_0}

    The posterior is even in :math:`x_0`, so p(y) is the same in both domains too. Importance
    weighting [1]_ was proposed for this setting. Methods that align the two domains have no
    justification here: they remove :math:`x_0`, which the labels depend on.

    References
    ----------
    .. [1] H. Shimodaira, "Improving predictive inference under covariate shift by weighting the
       log-likelihood function", Journal of Statistical Planning and Inference 90(2), 2000.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skda.datasets import make_covariate_shift
    >>> data = make_covariate_shift(random_state=0)
    >>> plain = LogisticRegression().fit(data.X_source, data.y_source)
    >>> weighted = LogisticRegression().fit(
    ...     data.X_source, data.y_source, sample_weight=data.density_ratio_source
    ... )
    >>> for model in (plain, weighted):
    ...     print(round(model.score(data.X_target_test, data.y_target_test), 2))
    0.62
    0.82
    """
    check_parameters(
        "make_covariate_shift",
        locals(),
        {
            "n_features": [Interval(Integral, 2, None, closed="left")],
            "shift": [Interval(Real, 0, 10, closed="both")],
        },
    )
    rng = check_random_state(random_state)
    counts = {"source": n_source, "target": n_target, "target_test": n_target_test}
    parts: dict[str, LabelledRows] = {}
    probabilities: dict[str, Any] = {}
    for part, n_samples in counts.items():
        X = rng.normal(size=(n_samples, n_features))
        X[:, 0] += -shift / 2 if part == "source" else shift / 2
        probability = positive_probability(X)
        parts[part] = LabelledRows(X, rng.uniform(size=n_samples) < probability)
        probabilities[f"proba_{part}"] = probability
    return make_pair(
        parts["source"],
        parts["target"],
        parts["target_test"],
        feature_names=[f"x{column}" for column in range(n_features)],
        target_names=["0", "1"],
        descr=DESCR,
        as_frame=as_frame,
        return_X_y=return_X_y,
        density_ratio_source=np.exp(shift * parts["source"].X[:, 0]),
        **probabilities,
    )
