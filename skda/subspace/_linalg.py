"""Linear algebra that the subspace methods share."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from .._typing import Matrix

__all__ = ["principal_axes", "settle_n_components", "symmetric_power"]


def principal_axes(X: Matrix) -> Matrix:
    """Return the orthonormal directions in which the rows of `X` vary, the widest first.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows; centred here.

    Returns
    -------
    axes : ndarray of shape (n_features, rank)
        One direction a column; none where all rows are equal.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.subspace._linalg import principal_axes
    >>> abs(principal_axes(np.array([[0.0, 1.0], [4.0, 1.0]])))
    array([[1.],
           [0.]])
    """
    # scikit-learn's PCA neither drops directions without variance nor takes constant rows
    centred = X - X.mean(axis=0)
    _, widths, axes = scipy.linalg.svd(centred, full_matrices=False)
    # rounding errors are relative to the size of the rows before centring
    noise = np.finfo(np.float64).eps * max(X.shape) * np.linalg.norm(X)
    kept: Matrix = axes[widths > noise].T
    return kept


def symmetric_power(matrix: Matrix, exponent: float, floor: float = 0.0) -> Matrix:
    """Raise a symmetric positive semi-definite matrix to a real power.

    Parameters
    ----------
    matrix : ndarray of shape (n, n)
        Symmetric; only its lower triangle is read.
    exponent : float
        The power, as 0.5 for the square root.
    floor : float, default=0.0
        A lower bound of the exact eigenvalues: a computed eigenvalue below it is set to it.

    Returns
    -------
    power : ndarray of shape (n, n)
        Symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.subspace._linalg import symmetric_power
    >>> symmetric_power(np.diag([4.0, 9.0]), 0.5)
    array([[2., 0.],
           [0., 3.]])
    """
    values, vectors = scipy.linalg.eigh(matrix)
    power: Matrix = (vectors * np.maximum(values, floor) ** exponent) @ vectors.T
    return power


def settle_n_components(estimator: Any, n_components: int | None, largest: int, reason: str) -> int:
    """Return the number of components, or raise if the data have fewer.

    Parameters
    ----------
    estimator : estimator
        Named in the message.
    n_components : int or None
        What was asked for, positive; None for all.
    largest : int
        The most that there can be.
    reason : str
        What `largest` is, for the message.

    Returns
    -------
    n_components : int
        `n_components`, or `largest` where that is None.

    Raises
    ------
    ValueError
        If `largest` is 0 or smaller than `n_components`.
    """
    who = type(estimator).__name__
    if largest == 0:
        raise ValueError(f"{who} needs rows that differ. In X_source or X_target all are equal.")
    if n_components is None:
        return largest
    if n_components > largest:
        raise ValueError(
            f"The 'n_components' parameter of {who} must be at most {largest} for these data: "
            f"{reason}. Got {n_components} instead."
        )
    return n_components
