"""Linear algebra of several subspace methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from .._typing import Matrix

__all__ = ["principal_axes", "settle_n_components", "symmetric_power"]


def principal_axes(X: Matrix) -> Matrix:
    """Return the orthonormal directions in which the rows of `X` vary, the widest first.

    The rows are centred first. Returns shape (n_features, rank), one direction a column; no column
    if all rows are equal.

    >>> abs(principal_axes(np.array([[0.0, 1.0], [4.0, 1.0]])))
    array([[1.],
           [0.]])
    """
    # scikit-learn's PCA keeps directions without variance and refuses constant rows
    centred = X - X.mean(axis=0)
    _, widths, axes = scipy.linalg.svd(centred, full_matrices=False)
    # rounding errors are relative to the size of the rows before centring
    noise = np.finfo(np.float64).eps * max(X.shape) * np.linalg.norm(X)
    kept: Matrix = axes[widths > noise].T
    return kept


def symmetric_power(matrix: Matrix, exponent: float, floor: float = 0.0) -> Matrix:
    """Raise a symmetric positive semi-definite matrix to a real power, such as 0.5 for the root.

    Only the lower triangle is read. `floor` is a lower bound of the exact eigenvalues: smaller
    computed eigenvalues are set to it.

    >>> symmetric_power(np.diag([4.0, 9.0]), 0.5)
    array([[2., 0.],
           [0., 3.]])
    """
    values, vectors = scipy.linalg.eigh(matrix)
    power: Matrix = (vectors * np.maximum(values, floor) ** exponent) @ vectors.T
    return power


def settle_n_components(estimator: Any, n_components: int | None, largest: int, reason: str) -> int:
    """Return the number of components, or raise if the data have fewer.

    None stands for `largest`, the largest possible number, which `reason` explains. If `largest` is
    0 or smaller than `n_components`, a ValueError that names the estimator is raised.
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
