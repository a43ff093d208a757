"""Scaling of each domain within each of its operating conditions."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.cluster.hierarchy import cut_tree, linkage
from scipy.spatial.distance import pdist, squareform
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin, silhouette_score
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .._typing import Array, Domain, Matrix
from ._base import DomainTransformer, transformer_docs

__all__ = ["DomainConditionScaler"]

MAX_CONDITIONS = 20
# Kaufman and Rousseeuw call a structure strong if its mean silhouette is above this
STRONG = 0.7
# number of rows whose clustering gives the start of k-means
N_ROWS = 2000


@transformer_docs
class DomainConditionScaler(DomainTransformer):
    r"""Give every feature mean 0 and variance 1 within each operating condition of each domain.

    Measurements often depend on load, speed, altitude or season more than on the quantity to
    predict. The mean and variance of a domain then mostly reflect its operating conditions. This
    transformer finds the conditions of each domain, by k-means of the columns that describe them,
    and standardises the other columns by the statistics of the row's condition:

    .. math:: z_j = \frac{x_j - \mu^{d}_{c, j}}{\sigma^{d}_{c, j}}

    where c is the condition of domain d whose centre is nearest to the row's condition columns.
    No label is used. The domains are treated separately: one may have conditions that the other
    lacks.

    Parameters
    ----------
    conditions : int, str, or array-like of int or of str
        The columns that describe the condition: numbers, or names if the rows are frames; the
        channels if the rows are series.
    n_conditions : int or "auto", default="auto"
        Number of conditions of each domain, at most one for each distinct row of condition
        columns. "auto" takes, for each domain, the number from 2 to 20 with the largest mean
        silhouette [1]_. If this silhouette is below 0.7, the columns form no clear groups, and
        there is one condition. A column of noise hides the groups of the other columns: leave it
        out, or pass a number.
    keep_conditions : bool, default=False
        Return the condition columns too, unchanged and in their places.

    Attributes
    ----------
    condition_columns_ : ndarray of shape (n_condition_columns,), int64
        Numbers of the condition columns.
    source_centers_, target_centers_ : ndarray of shape (n_conditions, n_condition_columns), float64
        Mean of the condition columns in each condition of the domain, sorted.
    source_spreads_, target_spreads_ : ndarray of shape (n_condition_columns,), float64
        Standard deviation of the condition columns in the domain, the unit of the distances to the
        centres; 1 for a constant column.
    source_scalers_, target_scalers_ : list of StandardScaler
        One for each condition, fitted on the other columns, in the order of the centres.
    <features_in>

    See Also
    --------
    DomainStandardScaler : Scales all rows of a domain together.

    Notes
    -----
    Rows may also be series of shape (n, n_channels, length), such as sensors of a machine. Each
    time step has its own condition, its channels are the columns, and `transform` returns series
    of shape (n, n_features_out, length).

    As in `StandardScaler`, a column that is constant in a condition is not divided there, for
    example in a condition of a single row. A missing value (NaN) is ignored in `fit` and kept in
    `transform`, but a condition column must be complete.

    K-means starts from the groups of Ward's clustering of at most 2000 rows, spread evenly over the
    sorted rows. The silhouettes are those of these groups. Nothing is drawn at random, and the
    order of the rows does not matter.

    References
    ----------
    .. [1] L. Kaufman, P. J. Rousseeuw, "Finding Groups in Data", Wiley 1990: the silhouette.

    Examples
    --------
    A machine runs slowly or fast in the source, and at three speeds in the target:

    >>> from skda.preprocessing import DomainConditionScaler
    >>> X_source = [[10, 1.0], [10, 3.0], [90, 50.0], [90, 70.0]]
    >>> X_target = [[10, 5.0], [10, 7.0], [50, 30.0], [50, 34.0], [90, 90.0], [90, 98.0]]
    >>> scaler = DomainConditionScaler(conditions=[0])
    >>> scaler.fit_transform(X_source, X_target=X_target)
    array([[-1.],
           [ 1.],
           [-1.],
           [ 1.]])
    >>> scaler.transform([[50, 36.0], [90, 94.0]])
    array([[2.],
           [0.]])
    >>> scaler.target_centers_
    array([[10.],
           [50.],
           [90.]])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "conditions": [Integral, str, "array-like"],
        "n_conditions": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "keep_conditions": ["boolean"],
    }

    def __init__(
        self,
        conditions: int | str | Sequence[int] | Sequence[str],
        *,
        n_conditions: int | Literal["auto"] = "auto",
        keep_conditions: bool = False,
    ) -> None:
        self.conditions = conditions
        self.n_conditions = n_conditions
        self.keep_conditions = keep_conditions

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns that `transform` returns.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            None stands for the names seen in `fit`, or else "x0", "x1" and so on.

        Returns
        -------
        names : ndarray of str objects
        """
        check_is_fitted(self)
        names: Array = _check_feature_names_in(self, input_features)
        return names if self.keep_conditions else names[self._others()]

    def _fit_domains(self, source: Array, target: Array) -> None:
        if source.ndim > 3 or source.ndim != target.ndim:
            raise ValueError(
                f"{type(self).__name__} takes tables of shape (n, n_features), or series of shape "
                f"(n, n_channels, length), in both domains. Got X_source of shape {source.shape} "
                f"and X_target of shape {target.shape}."
            )
        self.condition_columns_ = self._numbers_of(self.conditions)
        for domain, X in (("source", source), ("target", target)):
            fitted = self._fit_domain(X, f"X_{domain}")
            for name, value in zip(("centers", "spreads", "scalers"), fitted, strict=True):
                setattr(self, f"{domain}_{name}_", value)

    def _numbers_of(self, columns: Any) -> Array:
        """Return the numbers of the columns that the user names."""
        names = list(getattr(self, "feature_names_in_", ()))
        n = self.n_features_in_
        known = {name: i for i, name in enumerate(names)} | {i: i % n for i in range(-n, n)}
        numbers = {
            known.get(each, -1)
            if isinstance(each, (str, Integral)) and not isinstance(each, bool)
            else -1
            for each in np.asarray(columns, dtype=object).ravel().tolist()
        }
        if -1 in numbers or not 0 < len(numbers) < n:
            named = f"the names {names[:20]}" if names else "no column names"
            raise ValueError(
                f"The 'conditions' parameter of {type(self).__name__} must name some columns, not "
                f"all, of X_source, which has n_features = {n} and {named}. Got {columns!r}: pass "
                "the numbers or names of the columns that describe the condition."
            )
        return np.array(sorted(numbers))

    def _others(self) -> Array:
        """Return the numbers of the columns that are scaled."""
        return np.setdiff1d(np.arange(self.n_features_in_), self.condition_columns_)

    def _fit_domain(self, X: Array, name: str) -> tuple[Matrix, Matrix, list[StandardScaler]]:
        rows = _time_steps(X)
        conditions = rows[:, self.condition_columns_]
        self._check_complete(conditions, name)
        centers, spreads = _find_conditions(conditions, self.n_conditions)
        of_rows, others = _nearest(conditions, centers, spreads), rows[:, self._others()]
        scalers = [
            StandardScaler().set_output(transform="default").fit(others[of_rows == condition])
            for condition in range(len(centers))
        ]
        return centers, spreads, scalers

    def _check_complete(self, conditions: Array, name: str) -> None:
        missing = self.condition_columns_[np.isnan(conditions).any(axis=0)]
        if len(missing):
            raise ValueError(
                f"{name} has missing values (NaN) in the condition columns {missing.tolist()}, so "
                "that the condition of these rows is unknown. Fill them in, for example with "
                "sklearn.impute.SimpleImputer, or leave these rows out."
            )

    def _map_rows(self, X: Array, domain: Domain, /) -> Array:
        centers, spreads, scalers = (
            getattr(self, f"{domain}_{name}_") for name in ("centers", "spreads", "scalers")
        )
        rows, others = _time_steps(X), self._others()
        conditions = rows[:, self.condition_columns_]
        self._check_complete(conditions, "X")
        of_rows = _nearest(conditions, centers, spreads)
        mapped = rows.copy()
        for condition, scaler in enumerate(scalers):
            chosen = np.flatnonzero(of_rows == condition)
            if len(chosen):
                mapped[np.ix_(chosen, others)] = scaler.transform(rows[np.ix_(chosen, others)])
        if not self.keep_conditions:
            mapped = mapped[:, others]
        shape = (len(X), *X.shape[2:], mapped.shape[1])
        return np.ascontiguousarray(np.moveaxis(mapped.reshape(shape), -1, 1))

    def _row_checks(self) -> dict[str, Any]:
        return super()._row_checks() | {"allow_nd": True}

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


def _time_steps(X: Array) -> Array:
    """Return the rows of a table, or the time steps of series as rows."""
    return np.moveaxis(X, 1, -1).reshape(-1, X.shape[1])


def _find_conditions(rows: Array, n_conditions: int | Literal["auto"]) -> tuple[Matrix, Matrix]:
    """Return the centres and the deviations of all rows, which do not depend on their order."""
    distinct, counts = np.unique(rows.astype(np.float64), axis=0, return_counts=True)
    scaler = StandardScaler().set_output(transform="default").fit(distinct, sample_weight=counts)
    # k-means cannot separate rows that are closer together
    rounded = scaler.transform(distinct).round(5)
    scaled, place = np.unique(rounded, axis=0, return_inverse=True)
    weights = np.bincount(place.ravel(), counts)
    ends = np.cumsum(weights)
    places = np.linspace(0, ends[-1] - 1, int(min(ends[-1], N_ROWS))).astype(int)
    sample = scaled[np.searchsorted(ends, places, side="right")]
    groups = _groups(sample, n_conditions)
    starts = np.array([sample[groups == group].mean(axis=0) for group in np.unique(groups)])
    clusterer = KMeans(len(starts), init=starts, n_init=1).fit(scaled, sample_weight=weights)
    of_distinct = clusterer.labels_[place.ravel()]
    centers = np.array(
        [
            np.average(distinct[of_distinct == c], axis=0, weights=counts[of_distinct == c])
            for c in np.unique(of_distinct)
        ]
    )
    return centers[np.lexsort(centers.T[::-1])], scaler.scale_


def _nearest(conditions: Array, centers: Matrix, spreads: Matrix) -> Array:
    """Return the number of the nearest centre of each row."""
    origin = centers[0]  # squares of large numbers would lose small differences
    nearest: Array = pairwise_distances_argmin(
        (conditions - origin) / spreads, (centers - origin) / spreads
    )
    return nearest


def _groups(rows: Array, n_groups: int | Literal["auto"]) -> Array:
    """Return the number of the group of each row, from the tree of Ward's clustering."""
    n_distinct = len(np.unique(rows, axis=0))
    numbers = (
        list(range(2, min(MAX_CONDITIONS, n_distinct, len(rows) - 1) + 1))
        if n_groups == "auto"
        else [min(n_groups, n_distinct)]
    )
    one: Array = np.zeros(len(rows), dtype=int)
    if numbers in ([], [1]):
        return one
    distances = pdist(rows)
    groupings: list[Array] = [*cut_tree(linkage(distances, "ward"), numbers).T]
    if n_groups != "auto":
        return groupings[0]
    square = squareform(distances)
    silhouettes = [silhouette_score(square, groups, metric="precomputed") for groups in groupings]
    clearest = int(np.argmax(silhouettes))
    return groupings[clearest] if silhouettes[clearest] >= STRONG else one
