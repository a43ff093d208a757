"""Shares of the classes by maximum likelihood (MLLS)."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._calibration import fit_calibration
from ._correction import reweight
from ._labels import check_source, check_target

CALIBRATIONS = ("bias_corrected", "temperature", None)


def mlls_priors(
    probabilities_source: ArrayLike,
    y_source: ArrayLike,
    probabilities_target: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    calibration: Literal["bias_corrected", "temperature"] | None = "bias_corrected",
    max_iter: int = 10_000,
    tol: float = 1e-7,
) -> NDArray[np.float64]:
    r"""Shares of the classes in the target, by maximum likelihood (MLLS).

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
    calibration : {"bias_corrected", "temperature"} or None, default="bias_corrected"
        How the probabilities are calibrated first, on the source rows: with a temperature and a
        bias for each class, with a temperature alone, or not at all.
    max_iter : int, default=10000
        Most steps of expectation-maximisation (EM).
    tol : float, default=1e-7
        EM ends when no share changes by more.

    Returns
    -------
    ndarray of shape (n_classes,), dtype float64
        Shares, at least 0, that sum to 1.

    Raises
    ------
    ValueError
        If the rows are no probabilities, lengths or widths differ, a class does not occur in
        `y_source`, `calibration` is unknown, or `max_iter` or `tol` is negative.

    Notes
    -----
    The shares that maximise the likelihood of the target rows,

    .. math:: \sum_{x \in T} \log \sum_j p(j | x) \frac{q_j}{p_j},

    with calibrated probabilities p(j | x) and their means over the source rows, :math:`p_j`. EM
    starts at :math:`q = p` and repeats: correct the probabilities of the target rows to q by Bayes'
    rule; q is their mean. The likelihood is concave in q.

    More exact than `bbse_priors` where the probabilities are calibrated and the rows of each class
    have the same distribution in both domains (label shift). Known failures: covariate shift, and
    probabilities that are not calibrated.

    References
    ----------
    M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a priori
    probabilities: a simple procedure. Neural Computation 14, 2002. A. Alexandari, A. Kundaje,
    A. Shrikumar. Maximum likelihood with bias-corrected calibration is hard-to-beat at label shift
    adaptation. ICML 2020.

    Examples
    --------
    >>> from skda.priors import mlls_priors
    >>> source = [[0.8, 0.2]] * 5 + [[0.2, 0.8]] * 5
    >>> y_source = [0, 0, 0, 0, 1, 1, 1, 1, 1, 0]
    >>> mlls_priors(source, y_source, [[0.8, 0.2]] * 13 + [[0.2, 0.8]] * 7).round(2)
    array([0.75, 0.25])
    """
    if calibration not in CALIBRATIONS:
        raise ValueError(f"calibration must be one of {CALIBRATIONS}. Got {calibration!r} instead.")
    if not isinstance(max_iter, Integral) or max_iter < 0:
        raise ValueError(
            f"max_iter must be an int in the range [0, inf). Got {max_iter!r} instead."
        )
    if not isinstance(tol, Real) or not 0 <= tol < np.inf:
        raise ValueError(f"tol must be a float in the range [0, inf). Got {tol!r} instead.")
    source, columns, _ = check_source(probabilities_source, y_source, classes)
    target = check_target(probabilities_target, source.shape[1])
    if calibration is not None:
        calibrate = fit_calibration(source, columns, biased=calibration == "bias_corrected")
        source, target = calibrate(source), calibrate(target)
    priors_source: NDArray[np.float64] = source.mean(axis=0)
    priors = priors_source
    for _ in range(max_iter):
        last, priors = priors, reweight(target, priors / priors_source).mean(axis=0)
        if np.abs(priors - last).max() <= tol:
            break
    return priors
