"""Checks of the arrays that validators and estimators of shares take."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils import check_array

from .datasets import refuse_containers
from .host import as_host_array, refuse_dates
from .naming import naming


def check_probabilities(proba: ArrayLike, name: str = "proba") -> NDArray[np.float64]:
    """Return class probabilities (n_rows, n_classes) as float64; messages name them `name`.

    Raises ValueError unless every row is a probability distribution. A row may miss the sum of 1 by
    1e-3, as in single precision.
    """
    if _is_plain(proba):  # the usual case in a search, hundreds of times
        checked: NDArray[np.float64] = np.asarray(proba, dtype=np.float64)
    else:
        with naming(name):
            checked = check_array(as_host_array(proba, name), dtype=np.float64, input_name=name)
    if (checked < 0).any() or not np.allclose(checked.sum(axis=1), 1.0, atol=1e-3):
        raise ValueError(
            f"{name} must hold class probabilities: no entry below 0, every row summing to 1. "
            "Pass the output of predict_proba, not logits."
        )
    return checked


def _is_plain(array: Any) -> bool:
    """Say whether `check_array` would accept an array as it is."""
    plain = type(array) is np.ndarray and array.dtype in (np.float32, np.float64)
    return plain and array.ndim == 2 and array.size > 0 and bool(np.isfinite(array).all())


def check_features(features: ArrayLike, name: str = "features") -> NDArray[np.float64]:
    """Return finite features (n_rows, n_features) as float64, an ndarray or a CSR matrix.

    Further axes, of images, are flattened. Raises ValueError for other features, and for one axis.
    """
    refuse_containers(features, name)
    refuse_dates(features, name)
    features = as_host_array(features, name)
    with naming(name):
        if not issparse(features):
            dense = np.asarray(features)
            features = dense.reshape(len(dense), -1) if dense.ndim > 2 else dense
        checked: NDArray[np.float64] = check_array(
            features, dtype=np.float64, accept_sparse="csr", input_name=name
        )
    return checked


def check_dense_features(features: ArrayLike, name: str = "features") -> NDArray[np.float64]:
    """Return the result of `check_features`, with sparse rows as an ndarray."""
    checked: Any = check_features(features, name)
    dense: NDArray[np.float64] = checked.toarray() if issparse(checked) else checked
    return dense


def check_row_values(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return losses or weights as float64 (n_rows,): finite numbers of at least 0.

    Raises ValueError for others, also for a column (n_rows, 1): with a vector, numpy would
    broadcast it to (n_rows, n_rows).
    """
    with naming(name):
        checked = np.asarray(as_host_array(values, name), dtype=np.float64)
    if checked.ndim != 1 or checked.size == 0:
        raise ValueError(
            f"{name} must have shape (n_rows,) with at least one row. Got shape {checked.shape}; "
            "a column becomes a vector with .ravel()."
        )
    if not np.isfinite(checked).all() or (checked < 0).any():
        raise ValueError(f"{name} must be finite numbers in the range [0, inf).")
    return checked


def check_same_length(**arrays: NDArray[Any]) -> None:
    """Raise ValueError unless all arrays have the same length."""
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise ValueError(f"Every array must have one entry a row, but {listed}.")


def check_share(value: Any, name: str) -> None:
    """Raise ValueError unless a value is a number in [0, 1]."""
    if not isinstance(value, Real) or not 0 <= float(value) <= 1:
        raise ValueError(f"{name} must be a float in the range [0, 1]. Got {value!r} instead.")
