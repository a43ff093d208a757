"""How far the features of two domains differ, one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.stats import chi2_contingency, ks_2samp
from torch.utils.data import Dataset

from .._inputs.columns import column_names, reorder_columns
from .._inputs.datasets import refuse_containers
from .._inputs.host import as_host_array
from .._inputs.naming import naming
from .._inputs.validation import unwrap
from .._typing import Rows
from ..training.data.inputs import is_inputs

__all__ = ["feature_shift"]

# above this many rows the exact Kolmogorov-Smirnov p-value is slow, and equal to the asymptotic one
_EXACT_ROWS = 500


def feature_shift(X_source: Rows, X_target: Rows) -> pd.DataFrame:
    r"""Compare the features of two domains one by one, the largest difference first.

    Parameters
    ----------
    X_source : frame, array-like or sparse matrix of shape (n_source, n_features)
        Rows of the source. Further axes (images) are flattened. In a frame, strings, categories
        and booleans are categorical and may be mixed with numbers; missing values are allowed.
    X_target : as `X_source`, of shape (n_target, n_features)
        Rows of the target. Columns of two frames are matched by name.

    Returns
    -------
    DataFrame of shape (n_features, 7)
        Indexed by the name of the feature, "x0", "x1", ... for rows without names, with

        - "kind": "numeric" or "categorical";
        - "shift": in [0, 1], the larger of "statistic" and the difference of the missing shares, by
          which the rows are sorted;
        - "statistic": in [0, 1], the Kolmogorov-Smirnov statistic of a numeric feature, the total
          variation distance of a categorical one, between the values that are not missing;
        - "p_value": of that statistic, and for a categorical feature of the chi-squared test;
        - "mean_difference": target mean minus source mean, in units of the mean standard deviation;
          infinite for a feature that is constant in each domain, NaN for a categorical one;
        - "missing_source", "missing_target": shares of missing values.

        The statistic, p-value and mean difference are NaN where a domain has no value at all.

    Raises
    ------
    ValueError
        If there are no rows, the domains do not have the same features, a feature is numeric in one
        domain and categorical in the other, or holds dates, complex or infinite numbers.

    Notes
    -----
    With the shares :math:`p` and :math:`q` of the categories, the distribution functions :math:`F`,
    and the means :math:`m` and variances :math:`v` (divided by the number of rows),

    .. math::
        \mathrm{TV} = \tfrac12 \sum_k |p_k - q_k|, \qquad
        \mathrm{KS} = \max_x |F_s(x) - F_t(x)|, \qquad
        \mathrm{SMD} = (m_t - m_s) / \sqrt{(v_s + v_t) / 2}.

    Each part of "shift" is the largest difference, between the domains, of the probability of an
    event. The events are value <= x, any set of categories, and "is missing".

    The p-values are those of single features: of a hundred features without a shift, about five
    have one below 0.05. Between small samples of a feature with many categories, the distance is
    large without any shift. Each feature is compared alone: domains with equal features may still
    differ in how the features depend on each other.

    References
    ----------
    P. C. Austin. Balance diagnostics for comparing the distribution of baseline covariates between
    treatment groups in propensity-score matched samples. Statistics in Medicine, 2009.

    Examples
    --------
    >>> import pandas as pd
    >>> from skda.inspection import feature_shift
    >>> source = pd.DataFrame({"age": [30.0, 40.0, 50.0], "city": ["Bern", "Bern", "Rome"]})
    >>> target = pd.DataFrame({"age": [40.0, 50.0, 60.0], "city": ["Rome", "Rome", "Oslo"]})
    >>> feature_shift(source, target)[["kind", "shift", "mean_difference"]].round(3)
                    kind  shift  mean_difference
    feature
    city     categorical  0.667              NaN
    age          numeric  0.333            1.225
    """
    source, target = _paired_frames(X_source, X_target)
    compared = []
    for j, name in enumerate(source.columns):
        pair = {"X_source": _column(source, j), "X_target": _column(target, j)}
        compared.append(_compare(pair, name))
    table = pd.DataFrame(compared, index=pd.Index(source.columns, name="feature"))
    return table.sort_values("shift", ascending=False, kind="stable")


def _compare(pair: dict[str, pd.Series], name: str) -> dict[str, Any]:
    """Return the row of the table for one feature."""
    present = {domain: column[column.notna()].infer_objects() for domain, column in pair.items()}
    missing = {domain: 1 - len(present[domain]) / len(pair[domain]) for domain in pair}
    kinds = {domain: _kind(present[domain], name, domain) for domain in pair}
    known = {kind for kind in kinds.values() if kind is not None}
    if len(known) > 1:
        raise ValueError(
            f"The feature {name!r} is {kinds['X_source']} in X_source and {kinds['X_target']} in "
            "X_target. Pass it in both domains as numbers, or in both as strings or categories."
        )
    kind = known.pop() if known else "numeric"
    found = {"statistic": np.nan, "p_value": np.nan, "mean_difference": np.nan}
    if all(len(column) for column in present.values()):
        compare = _compare_numbers if kind == "numeric" else _compare_categories
        with naming(f"feature {name!r}"):
            found |= compare(*present.values())
    missing_shift = abs(missing["X_source"] - missing["X_target"])
    return {
        "kind": kind,
        "shift": float(np.fmax(found["statistic"], missing_shift)),
        **found,
        "missing_source": missing["X_source"],
        "missing_target": missing["X_target"],
    }


def _kind(present: pd.Series, name: str, domain: str) -> str | None:
    """Return the kind of a feature, None if all values are missing; refuse dates and the like."""
    if not len(present):
        return None
    if present.dtype.kind in "mMc":
        raise ValueError(
            f"The feature {name!r} of {domain} has the dtype {present.dtype}. Pass real numbers, "
            "for instance days since a date, or strings."
        )
    if present.dtype.kind not in "iuf":
        return "categorical"
    if not np.isfinite(present.to_numpy(dtype=np.float64)).all():
        raise ValueError(
            f"The feature {name!r} of {domain} holds an infinite value. Pass finite numbers, and "
            "NaN for a missing one."
        )
    return "numeric"


def _compare_numbers(source: pd.Series, target: pd.Series) -> dict[str, float]:
    x, y = (column.to_numpy(dtype=np.float64) for column in (source, target))
    method = "exact" if max(len(x), len(y)) <= _EXACT_ROWS else "asymp"
    tested = ks_2samp(x, y, method=method)
    # relative to one value, a constant feature has a spread of exactly 0
    x, y = x / 2 - x[0] / 2, y / 2 - x[0] / 2
    unit = max(np.abs(x).max(), np.abs(y).max()) or 1.0  # the squares must not overflow
    x, y = x / unit, y / unit
    difference, spread = y.mean() - x.mean(), np.sqrt((x.var() + y.var()) / 2)
    if spread > 0:
        difference /= spread
    elif difference != 0:
        difference = np.copysign(np.inf, difference)
    return {
        "statistic": float(tested.statistic),
        "p_value": float(tested.pvalue),
        "mean_difference": float(difference),
    }


def _compare_categories(source: pd.Series, target: pd.Series) -> dict[str, float]:
    x, y = (column.to_numpy(dtype=object) for column in (source, target))
    codes, categories = pd.factorize(np.concatenate([x, y]))
    counts: NDArray[np.intp] = np.array(
        [np.bincount(part, minlength=len(categories)) for part in np.split(codes, [len(x)])]
    )
    shares = counts / counts.sum(axis=1, keepdims=True)
    return {
        "statistic": float(np.abs(shares[0] - shares[1]).sum() / 2),
        "p_value": float(chi2_contingency(counts, correction=False).pvalue),
    }


def _column(frame: pd.DataFrame, j: int) -> pd.Series:
    column = frame.iloc[:, j]
    return column.sparse.to_dense() if isinstance(column.dtype, pd.SparseDtype) else column


def _paired_frames(X_source: Rows, X_target: Rows) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both domains as frames with the same columns in the same order."""
    X_source, X_target = unwrap(X_source, "X_source"), unwrap(X_target, "X_target")
    X_target = reorder_columns(X_target, like=X_source)
    source, target = _as_frame(X_source, "X_source"), _as_frame(X_target, "X_target")
    names, others = column_names(X_source, "X_source"), column_names(X_target, "X_target")
    if names is not None and others is not None and list(names) != list(others):
        raise ValueError(
            "X_source and X_target must have the same columns. Only in X_source: "
            f"{sorted({*names} - {*others})}; only in X_target: {sorted({*others} - {*names})}. "
            "Pass both with the columns that they share."
        )
    if source.shape[1] != target.shape[1]:
        raise ValueError(
            f"X_source has {source.shape[1]} features, but X_target has {target.shape[1]}. "
            "Pass the same features of both domains."
        )
    if names is None:
        names = others if others is not None else [f"x{j}" for j in range(source.shape[1])]
    source.columns = target.columns = list(names)
    return source, target


def _as_frame(X: Rows, name: str) -> pd.DataFrame:
    """Return the rows as a new frame, whose columns can be renamed; the data are not copied."""
    if X is not None:
        refuse_containers(X, name)
    if X is None or isinstance(X, (Dataset, str)) or is_inputs(X):
        raise ValueError(
            f"The '{name}' parameter must be a frame, an array or a sparse matrix of rows. Got "
            f"{type(X).__name__} instead. Pass the features of its rows as one of these."
        )
    X = as_host_array(X, name)
    if issparse(X):
        frame = pd.DataFrame.sparse.from_spmatrix(X)
    elif isinstance(X, pd.DataFrame):
        frame = X.copy(deep=False)
    elif hasattr(X, "columns"):  # of polars
        frame = pd.DataFrame({column: X[column].to_numpy() for column in X.columns})
    else:
        with naming(name):
            rows = X if hasattr(X, "dtype") else np.asarray(X, dtype=object)
            if rows.ndim < 2:
                raise ValueError(f"must have the shape (n_rows, n_features). Got {rows.shape}.")
            frame = pd.DataFrame(rows.reshape(len(rows), math.prod(rows.shape[1:])))
    if 0 in frame.shape:
        raise ValueError(f"{name} is empty, of shape {frame.shape}. Pass at least one row.")
    return frame
