"""How far apart two samples are: the proxy A-distance and a test of the MMD."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.stats import permutation_test
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from .._inputs.array_checks import check_features
from .._inputs.columns import reorder_columns
from .._typing import Rows
from ..losses._core.distances import median_of_pairs, pairwise_squared_distances
from ..losses._core.kernels import KernelFamily
from ..model_selection import proxy_a_distance as negative_a_distance
from ..model_selection.validators.domain_classifier import INVERSE_PENALTIES

__all__ = ["SAMPLING_CONSTRAINTS", "MMDTest", "mmd_test", "proxy_a_distance"]

SAMPLING_CONSTRAINTS: dict[str, list[Any]] = {
    "n_rows": [Interval(Integral, 2, None, closed="left"), None],
    "random_state": ["random_state"],
}
_A_DISTANCE_CONSTRAINTS: dict[str, list[Any]] = {
    "C": [Interval(Real, 0, None, closed="neither"), "array-like"],
    "cv": [Interval(Integral, 2, None, closed="left")],
    **SAMPLING_CONSTRAINTS,
}
_MMD_CONSTRAINTS: dict[str, list[Any]] = {
    "n_kernels": [Interval(Integral, 1, None, closed="left")],
    "spacing": [Interval(Real, 1, None, closed="neither")],
    "bandwidth": [Interval(Real, 0, None, closed="neither"), None],
    "standardize": ["boolean"],
    "n_permutations": [Interval(Integral, 1, None, closed="left")],
    **SAMPLING_CONSTRAINTS,
}


def proxy_a_distance(
    X_source: Rows,
    X_target: Rows,
    *,
    C: float | Iterable[float] = INVERSE_PENALTIES,
    cv: int = 5,
    n_rows: int | None = 2000,
    random_state: Any = None,
) -> float:
    """Proxy A-distance: how well a linear classifier separates the domains.

    Parameters
    ----------
    X_source : {array-like, frame, sparse matrix} of shape (n_source, ...)
        Source rows, or their features; further axes (images) are flattened. Columns are
        standardised.
    X_target : {array-like, frame, sparse matrix} of shape (n_target, ...)
        Target rows.
    C : float or iterable of float, default=(0.001, 0.01, 0.1, 1.0)
        Inverse strength of the domain classifier's L2 penalty. If there are several, that with the
        least held-out log loss is used.
    cv : int, default=5
        Number of folds; every row is classified by a model that was not trained on it.
    n_rows : int or None, default=2000
        Rows of each domain to draw, at most. None takes all.
    random_state : int, RandomState or None, default=None
        Fixes the draw and the folds.

    Returns
    -------
    float
        2 if a hyperplane separates the domains, about 0 if they have the same distribution.

    Raises
    ------
    ValueError
        If a parameter is not allowed, the domains have different columns, or one has fewer than two
        rows.

    See Also
    --------
    skda.model_selection.proxy_a_distance : Minus this number, a validator.
    mmd_test : Sees differences that no hyperplane separates, as of a rotation.

    Notes
    -----
    2 (1 - 2 err), where err is the held-out error of a logistic regression, averaged over the
    domains so that their sizes do not matter. By chance it may be a little below 0.

    References
    ----------
    S. Ben-David, J. Blitzer, K. Crammer, F. Pereira. Analysis of representations for domain
    adaptation. NIPS 2007. S. Ben-David et al. A theory of learning from different domains. Machine
    Learning 79, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.inspection import proxy_a_distance
    >>> source = np.arange(20.0).reshape(-1, 1)
    >>> proxy_a_distance(source, source + 100, random_state=0)
    2.0
    """
    validate_parameter_constraints(_A_DISTANCE_CONSTRAINTS, locals(), "proxy_a_distance")
    rng = check_random_state(random_state)
    source, target = _drawn(X_source, X_target, n_rows, rng)
    return -negative_a_distance(source, target, C=C, cv=cv, random_state=int(rng.randint(2**31)))


@dataclass(frozen=True)
class MMDTest:
    """Result of `mmd_test`.

    Parameters
    ----------
    statistic : float
        Unbiased estimate of the squared MMD; it may be below 0.
    pvalue : float
        Share of permutations whose estimate is at least as high.
    n_permutations : int
        Number of permutations that were used: fewer than asked for where all were used.
    """

    statistic: float
    pvalue: float
    n_permutations: int


def mmd_test(
    X_source: Rows,
    X_target: Rows,
    *,
    n_kernels: int = 5,
    spacing: float = 2.0,
    bandwidth: float | None = None,
    standardize: bool = True,
    n_permutations: int = 500,
    n_rows: int | None = 1000,
    random_state: Any = None,
) -> MMDTest:
    r"""Test whether two samples have the same distribution, by the MMD and permutations.

    Parameters
    ----------
    X_source : {array-like, frame, sparse matrix} of shape (n_source, ...)
        Source rows, or their features; further axes (images) are flattened.
    X_target : {array-like, frame, sparse matrix} of shape (n_target, ...)
        Target rows.
    n_kernels : int, default=5
        Number of Gaussian kernels, as in `skda.losses.mk_mmd2`. 1 is a single one.
    spacing : float, default=2.0
        Ratio of successive bandwidths, above 1.
    bandwidth : float or None, default=None
        Bandwidth in the middle of the family, in squared units of the (standardised) columns. None
        is the median of the squared distances between all rows of both samples.
    standardize : bool, default=True
        Whether to divide each column by its standard deviation over both samples, so that units do
        not matter.
    n_permutations : int, default=500
        Number of random permutations; the p-value is at least 1 / (n_permutations + 1). If there
        are no more permutations than this, all are used, each once.
    n_rows : int or None, default=1000
        Rows of each domain to draw, at most. None takes all; memory grows with their square.
    random_state : int, RandomState or None, default=None
        Fixes the draw and the permutations.

    Returns
    -------
    MMDTest

    Raises
    ------
    ValueError
        If a parameter is not allowed, the domains have different columns, or one has fewer than two
        rows.

    Notes
    -----
    The statistic is the unbiased estimate

    .. math:: \frac{1}{n(n-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m(m-1)} \sum_{i \ne j}
              k(y_i, y_j) - \frac{2}{nm} \sum_{i,j} k(x_i, y_j)

    of the kernel of `skda.losses.mk_mmd2`. The kernel is computed once; a permutation decides only
    which of its rows are source rows.

    The p-value says whether there is a difference, not whether the difference matters: with many
    rows, even a tiny difference has a small p-value.

    References
    ----------
    A. Gretton et al. A kernel two-sample test. JMLR 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.inspection import mmd_test
    >>> rng = np.random.default_rng(0)
    >>> source, other = rng.normal(0, 1, (100, 2)), rng.normal(0, 2, (80, 2))
    >>> found = mmd_test(source, other, random_state=0)
    >>> bool(found.pvalue < 0.01)
    True
    >>> bool(mmd_test(source, rng.normal(0, 1, (80, 2)), random_state=0).pvalue > 0.05)
    True
    """
    validate_parameter_constraints(_MMD_CONSTRAINTS, locals(), "mmd_test")
    rng = check_random_state(random_state)
    drawn = _drawn(X_source, X_target, n_rows, rng)
    source, target = (rows.toarray() if issparse(rows) else rows for rows in drawn)
    if standardize:
        spread = np.vstack([source, target]).std(axis=0)
        spread[spread == 0] = 1
        source, target = source / spread, target / spread
    distances = pairwise_squared_distances(torch.from_numpy(source), torch.from_numpy(target))
    kernel = KernelFamily(n_kernels, spacing, bandwidth).mean(distances, median_of_pairs).numpy()
    index = np.arange(len(kernel))
    found = permutation_test(
        (index[: len(source)], index[len(source) :]),
        _UnbiasedMMD2(kernel),
        vectorized=True,
        axis=-1,
        n_resamples=n_permutations,
        batch=100,
        alternative="greater",
        random_state=rng,
    )
    return MMDTest(float(found.statistic), float(found.pvalue), len(found.null_distribution))


class _UnbiasedMMD2:
    """The unbiased squared MMD of many partitions of a pooled sample, from its kernel matrix."""

    def __init__(self, kernel: NDArray[np.float64]) -> None:
        self.kernel = kernel - np.diag(kernel.diagonal())
        self.row_sums = self.kernel.sum(axis=1)
        self.total = self.row_sums.sum()

    def __call__(
        self, source: NDArray[np.intp], target: NDArray[np.intp], axis: int = -1
    ) -> NDArray[np.float64]:
        """Return one estimate for each partition; the last axis holds the indices of the rows."""
        n, m = source.shape[axis], target.shape[axis]
        of_source = np.zeros((*source.shape[:-1], n + m))
        np.put_along_axis(of_source, source, 1.0, axis=-1)
        within_source = ((of_source @ self.kernel) * of_source).sum(axis=-1)
        of_row = of_source @ self.row_sums
        between = of_row - within_source
        within_target = self.total - of_row - between
        estimate: NDArray[np.float64] = (
            within_source / (n * (n - 1)) + within_target / (m * (m - 1)) - 2 * between / (n * m)
        )
        return estimate


def _drawn(
    X_source: Rows, X_target: Rows, n_rows: int | None, rng: np.random.RandomState
) -> tuple[Any, Any]:
    """Return the rows as matrices with the same columns, at most `n_rows` of each domain."""
    X_target = reorder_columns(X_target, like=X_source)
    source, target = check_features(X_source, "X_source"), check_features(X_target, "X_target")
    if source.shape[1] != target.shape[1]:
        raise ValueError(
            "X_source and X_target must have the same columns. Got "
            f"{source.shape[1]} and {target.shape[1]}."
        )
    for rows, name in ((source, "X_source"), (target, "X_target")):
        if rows.shape[0] < 2:
            raise ValueError(f"{name} must have at least two rows. Got {rows.shape[0]}.")
    of_source, of_target = (some_rows(rows.shape[0], n_rows, rng) for rows in (source, target))
    return source[of_source], target[of_target]


def some_rows(n: int, n_rows: int | None, rng: np.random.RandomState) -> NDArray[np.intp]:
    """Return the indices of at most `n_rows` of n rows, in their order; None is all."""
    if n_rows is None or n <= n_rows:
        return np.arange(n)
    return np.sort(rng.permutation(n)[:n_rows])
