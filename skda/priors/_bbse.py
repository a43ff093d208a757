"""Shares of the classes from the confusion matrix (BBSE)."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

from ._labels import CheckedSource, check_source, check_target

RIDGE = 1e-3


def confusion_matrix_of_shares(
    probabilities_source: ArrayLike, y_source: ArrayLike, *, classes: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Mean predicted probabilities of the rows of each class: the soft confusion matrix.

    Parameters
    ----------
    probabilities_source : array-like of shape (n_source, n_classes)
        Class probabilities of source rows on which the classifier was not trained.
    y_source : array-like of shape (n_source,)
        Their labels; every class must occur.
    classes : array-like of shape (n_classes,) or None, default=None
        Label of each column. None is the sorted labels that occur in `y_source`.

    Returns
    -------
    ndarray of shape (n_classes, n_classes), dtype float64
        Entry (i, j) is the mean of p(i | x) over the rows of class j, so that columns sum to 1.
        Its condition number, ``numpy.linalg.cond``, says by how much an error in the predicted
        shares may grow in the estimated ones.

    Raises
    ------
    ValueError
        If the rows are no probabilities, the lengths differ, or a class does not occur.

    Examples
    --------
    >>> from skda.priors import confusion_matrix_of_shares
    >>> confusion_matrix_of_shares([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], ["a", "a", "b"])
    array([[0.8, 0.2],
           [0.2, 0.8]])
    """
    return _means_of_classes(check_source(probabilities_source, y_source, classes))


def _means_of_classes(source: CheckedSource) -> NDArray[np.float64]:
    one_hot = np.eye(source.proba.shape[1])[source.columns]
    matrix: NDArray[np.float64] = (source.proba.T @ one_hot) / one_hot.sum(axis=0)
    return matrix


def bbse_priors(
    probabilities_source: ArrayLike,
    y_source: ArrayLike,
    probabilities_target: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    ridge: float = RIDGE,
) -> NDArray[np.float64]:
    r"""Shares of the classes in the target, from the errors on source rows (BBSE).

    Parameters
    ----------
    probabilities_source : array-like of shape (n_source, n_classes)
        Class probabilities of source rows on which the classifier was not trained.
    y_source : array-like of shape (n_source,)
        Their labels; every class must occur.
    probabilities_target : array-like of shape (n_target, n_classes)
        Class probabilities of target rows.
    classes : array-like of shape (n_classes,) or None, default=None
        Label of each column. None is the sorted labels that occur in `y_source`.
    ridge : float, default=1e-3
        Weight of the squared distance to the source's shares, at least 0. It decides where the
        classifier cannot tell classes apart.

    Returns
    -------
    ndarray of shape (n_classes,), dtype float64
        Shares, at least 0, that sum to 1.

    Raises
    ------
    ValueError
        If the rows are no probabilities, lengths or widths differ, a class does not occur in
        `y_source`, or `ridge` is negative.

    Notes
    -----
    With the soft confusion matrix :math:`M_{ij} = E_s[p_i(x) | y = j]`, the mean probabilities of
    the target :math:`\mu_i = E_t[p_i(x)]` and the source's shares :math:`p`,

    .. math:: q = \arg\min_{q \ge 0} \lVert M q - \mu \rVert^2 + r \lVert q - p \rVert^2,

    divided by its sum. In the paper's terms, :math:`C = M\,\mathrm{diag}(p)`, the weights are
    :math:`w_j = q_j / p_j`, and the ridge draws them towards 1.

    If the rows of each class have the same distribution in both domains (label shift), the estimate
    is consistent for any classifier with an invertible M, calibrated or not. Known failure: under
    covariate shift, the errors on the target differ from M.

    References
    ----------
    Z. Lipton, Y.-X. Wang, A. Smola. Detecting and correcting for label shift with black box
    predictors. ICML 2018. K. Azizzadenesheli et al. Regularized learning for domain adaptation
    under label shifts. ICLR 2019 (the ridge).

    Examples
    --------
    >>> from skda.priors import bbse_priors
    >>> source = [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.2, 0.8]]
    >>> bbse_priors(source, [0, 0, 1, 1], [[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.2, 0.8]]).round(2)
    array([0.75, 0.25])
    """
    if not isinstance(ridge, Real) or not 0 <= ridge < np.inf:
        raise ValueError(f"ridge must be a float in the range [0, inf). Got {ridge!r} instead.")
    source = check_source(probabilities_source, y_source, classes)
    matrix = _means_of_classes(source)
    target = check_target(probabilities_target, len(matrix))
    rows = np.vstack([matrix, np.sqrt(ridge) * np.eye(len(matrix))])
    wanted = np.concatenate([target.mean(axis=0), np.sqrt(ridge) * source.shares])
    found = nnls(rows, wanted)[0]
    shares: NDArray[np.float64] = found / found.sum()
    return shares
