"""Calibration of class probabilities: temperature, biases, calibration error."""

from __future__ import annotations

from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize
from scipy.special import log_softmax, softmax

from .._inputs.array_checks import check_probabilities, check_row_values, check_same_length
from .._inputs.memmap import MappedPages
from ._labels import class_columns

# the probabilities of networks have single precision: smaller numbers are rounded to 0
_SMALLEST = float(np.finfo(np.float32).tiny)
_TEMPERATURES = (1e-3, 1e3)
_ROWS_OF_A_BLOCK = 1 << 16


class Calibration(NamedTuple):
    """Softmax of the logits over a temperature plus a bias for each class.

    Attributes
    ----------
    temperature : float
    biases : ndarray of shape (n_classes,)
    """

    temperature: float
    biases: NDArray[np.float64]

    def __call__(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the calibrated probabilities of rows of shape (n_rows, n_classes)."""
        logits = _logits(probabilities) / self.temperature + self.biases
        calibrated: NDArray[np.float64] = softmax(logits, axis=1)
        return calibrated


def fit_calibration(
    probabilities: NDArray[np.float64],
    columns: NDArray[np.intp],
    *,
    biased: bool,
    sample_weight: NDArray[np.float64] | None = None,
) -> Calibration:
    """Find the calibration with the least log loss on rows; `columns` holds those of their labels.

    `biased` says whether each class has a bias, or all have 0. The loss is convex in the inverse
    temperature and the biases. Their squared distance from 1 and 0, over twice the effective number
    of rows, is added: where the classifier makes no error, the log loss has no minimum.
    """
    logits = _logits(probabilities)
    n_rows, n_classes = logits.shape
    weights = np.full(n_rows, 1.0) if sample_weight is None else sample_weight
    weights = weights / weights.sum()
    penalty = (weights**2).sum()  # one over the effective number of rows
    rows, start = np.arange(n_rows), np.zeros(1 + n_classes)
    start[0] = 1.0

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_proba = log_softmax(values[0] * logits + values[1:], axis=1)
        error = np.exp(log_proba)
        error[rows, columns] -= 1.0
        error *= weights[:, np.newaxis]
        gradient = np.concatenate([[(error * logits).sum()], error.sum(axis=0)])
        away = values - start
        value = -(weights * log_proba[rows, columns]).sum() + penalty / 2 * (away**2).sum()
        return float(value), gradient + penalty * away

    inverse = (1 / _TEMPERATURES[1], 1 / _TEMPERATURES[0])
    bounds = [inverse, *([(None, None) if biased else (0.0, 0.0)] * n_classes)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Calibration(float(1 / found[0]), found[1:])


def fit_temperature(
    probabilities: ArrayLike,
    y: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    r"""Temperature at which a classifier has the least log loss on labelled rows.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities of rows on which the classifier was not trained.
    y : array-like of shape (n_rows,)
        Their labels.
    classes : array-like of shape (n_classes,) or None, default=None
        Label of each column. None is the sorted labels that occur in `y`.
    sample_weight : array-like of shape (n_rows,) or None, default=None
        Weights of the rows. Source rows, weighted by the density ratio of the domains, give the
        temperature for the target.

    Returns
    -------
    float
        Between .001 and 1000: above 1 where the classifier is too confident.

    Raises
    ------
    ValueError
        If the rows are no probabilities, lengths differ, a label is unknown, or the weights are
        negative or all 0.

    See Also
    --------
    apply_temperature : The probabilities at this temperature.

    Notes
    -----
    The least weighted mean of :math:`-\log \mathrm{softmax}(\log p / T)_y`. A small ridge draws 1/T
    to 1, so that the temperature stays finite where no row is wrong.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger. On calibration of modern neural networks. ICML 2017.
    S. Park, O. Bastani, J. Weimer, I. Lee. Calibrated prediction with covariate shift via
    unsupervised domain adaptation. AISTATS 2020 (the weights).

    Examples
    --------
    >>> import numpy as np
    >>> from skda.priors import fit_temperature
    >>> sure = np.array([[0.99, 0.01]] * 100)  # but right in 80 of 100 rows only
    >>> temperature = fit_temperature(sure, [0] * 80 + [1] * 20)
    >>> round(temperature, 1)
    3.3
    """
    proba = check_probabilities(probabilities, "probabilities")
    columns = class_columns(y, proba, classes, "y", "probabilities")
    weights = None if sample_weight is None else check_row_values(sample_weight, "sample_weight")
    if weights is not None:
        check_same_length(sample_weight=weights, probabilities=proba)
        if weights.sum() == 0:
            raise ValueError("sample_weight must not all be 0: no row is left then.")
    return fit_calibration(proba, columns, biased=False, sample_weight=weights).temperature


def apply_temperature(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Probabilities of a classifier whose logits are divided by a temperature.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities.
    temperature : float
        Above 0; above 1 makes them less extreme. The most probable class stays the same.

    Returns
    -------
    ndarray of shape (n_rows, n_classes), dtype float64

    Raises
    ------
    ValueError
        If the rows are no probabilities, or the temperature is not above 0.

    Examples
    --------
    >>> from skda.priors import apply_temperature
    >>> apply_temperature([[0.8, 0.2]], 2.0).round(3)
    array([[0.667, 0.333]])
    """
    if not isinstance(temperature, Real) or not 0 < temperature < np.inf:
        raise ValueError(
            f"temperature must be a float in the range (0, inf). Got {temperature!r} instead."
        )
    proba = check_probabilities(probabilities, "probabilities")
    return Calibration(float(temperature), np.zeros(proba.shape[1]))(proba)


def apply_in_place(probabilities: NDArray[np.floating], temperature: float) -> None:
    """Do what `apply_temperature` does, block by block: the array may be a large memory map."""
    pages = MappedPages(probabilities)
    for start in range(0, len(probabilities), _ROWS_OF_A_BLOCK):
        block = probabilities[start : start + _ROWS_OF_A_BLOCK]
        block[:] = apply_temperature(block, temperature)
        pages.touch(1, block.nbytes)


def match_confidence(probabilities: ArrayLike, confidence: float) -> float:
    r"""Temperature at which the mean confidence of a classifier is a given number.

    Pass an estimate of the accuracy on the target: on average, the classifier is then as sure of
    target rows as it is right. No target label is needed.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities.
    confidence : float
        Wanted mean of the largest probability of each row, in (0, 1].

    Returns
    -------
    float
        For `apply_temperature`, between .001 and 1000. Where no temperature gives the confidence
        (such as one below ``1 / n_classes``), it is the limit whose confidence is nearer.

    Raises
    ------
    ValueError
        If the rows are no probabilities, or `confidence` is not in (0, 1].

    Notes
    -----
    The solution for T of :math:`\tfrac1n \sum_i \max_k \mathrm{softmax}(\log p_i / T)_k = c`; the
    left side falls with T.

    Examples
    --------
    >>> from skda.priors import apply_temperature, match_confidence
    >>> sure = [[0.99, 0.01], [0.1, 0.9]]
    >>> temperature = match_confidence(sure, 0.8)
    >>> round(temperature, 2)
    2.32
    >>> float(apply_temperature(sure, temperature).max(axis=1).mean().round(3))
    0.8
    """
    if not isinstance(confidence, Real) or not 0 < confidence <= 1:
        raise ValueError(
            f"confidence must be a float in the range (0, 1]. Got {confidence!r} instead."
        )
    logits = _logits(check_probabilities(probabilities, "probabilities"))

    def excess(log_temperature: float) -> float:
        calibrated = softmax(logits / np.exp(log_temperature), axis=1)
        return float(calibrated.max(axis=1).mean()) - confidence

    lowest, highest = np.log(_TEMPERATURES)
    if excess(highest) >= 0:
        return _TEMPERATURES[1]
    if excess(lowest) <= 0:
        return _TEMPERATURES[0]
    return float(np.exp(brentq(excess, lowest, highest)))


def expected_calibration_error(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    n_bins: int = 15,
) -> float:
    r"""Mean difference between the confidence and the accuracy of a classifier (ECE).

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels.
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities.
    classes : array-like of shape (n_classes,) or None, default=None
        Label of each column. None is the sorted labels that occur in `y_true`.
    n_bins : int, default=15
        Number of bins of equal width in [0, 1].

    Returns
    -------
    float
        Between 0 (calibrated) and 1.

    Raises
    ------
    ValueError
        If the rows are no probabilities, lengths differ, a label is unknown, or `n_bins` is below
        1.

    Notes
    -----
    With the rows :math:`B_m` whose highest probability is in bin m,

    .. math:: \sum_m \frac{|B_m|}{n} |\mathrm{accuracy}(B_m) - \mathrm{confidence}(B_m)|

    Scikit-learn's `calibration_curve` gives the bins of two classes, not their mean.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Weinberger. On calibration of modern neural networks. ICML 2017.

    Examples
    --------
    >>> from skda.priors import expected_calibration_error
    >>> round(expected_calibration_error([0, 1], [[0.9, 0.1], [0.9, 0.1]]), 3)
    0.4
    """
    if not isinstance(n_bins, Integral) or n_bins < 1:
        raise ValueError(f"n_bins must be an int in the range [1, inf). Got {n_bins!r} instead.")
    proba = check_probabilities(probabilities, "probabilities")
    columns = class_columns(y_true, proba, classes, "y_true", "probabilities")
    hits = proba.argmax(axis=1) == columns
    confidence = proba.max(axis=1)
    bins = np.minimum((confidence * n_bins).astype(int), int(n_bins) - 1)
    # |B| · |accuracy - confidence| of a bin is the absolute sum of its differences
    sums = np.bincount(bins, weights=hits - confidence)
    return float(np.abs(sums).sum() / len(proba))


def _logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    logits: NDArray[np.float64] = np.log(np.maximum(probabilities, _SMALLEST))
    return logits
