"""Validators from held-out source rows: accuracy, importance-weighted accuracy, DEV."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._inputs.array_checks import check_row_values, check_same_length
from ..._inputs.class_labels import class_vector
from .checks import check_columns, check_known, check_option, check_pair


def row_losses(
    y_true: ArrayLike,
    proba: ArrayLike,
    classes: ArrayLike,
    loss: Literal["zero_one", "log"] = "zero_one",
) -> NDArray[np.float64]:
    """Loss of every labelled row.

    Parameters
    ----------
    y_true : array-like of shape (n_rows,)
        Labels.
    proba : array-like of shape (n_rows, n_classes)
        Class probabilities.
    classes : array-like of shape (n_classes,)
        Label of each column of `proba`.
    loss : {"zero_one", "log"}, default="zero_one"
        1 where the most probable class is not the label, or minus the log-probability of the label.

    Returns
    -------
    ndarray of shape (n_rows,), dtype float64

    Raises
    ------
    ValueError
        If the lengths differ, `loss` is unknown, no label is in `classes`, or the log loss meets a
        label outside `classes`.

    Examples
    --------
    >>> from skda.model_selection import row_losses
    >>> row_losses(["a", "b"], [[0.9, 0.1], [0.8, 0.2]], ["a", "b"])
    array([0., 1.])
    """
    check_option("loss", loss)
    labels = class_vector(y_true, "y_true")
    known, columns = check_columns(classes, proba)
    check_same_length(y_true=labels, proba=columns)
    check_known(labels, known, "y_true")
    if loss == "zero_one":
        wrong: NDArray[np.bool_] = known[columns.argmax(axis=1)] != labels
        return wrong.astype(np.float64)
    hits = labels[:, np.newaxis] == known
    if not hits.any(axis=1).all():
        unknown = sorted(set(labels[~hits.any(axis=1)].tolist()))
        raise ValueError(f"y_true holds labels that the model does not know: {unknown}.")
    # the probabilities of networks have single precision: smaller numbers are rounding errors
    smallest = float(np.finfo(np.float32).eps)
    losses: NDArray[np.float64] = -np.log(np.maximum(columns[hits], smallest))
    return losses


def source_accuracy(y_source: ArrayLike, predictions_source: ArrayLike) -> float:
    """Accuracy on held-out source rows.

    Parameters
    ----------
    y_source : array-like of shape (n_source,)
        Labels of held-out source rows.
    predictions_source : array-like of shape (n_source,)
        Predicted labels of the same rows.

    Returns
    -------
    float
        Between 0 and 1; higher is better.

    Raises
    ------
    ValueError
        If the lengths differ, a label is missing, or one holds strings and the other numbers.

    Notes
    -----
    (1/n) Σ 1[ŷ_i = y_i]. Known failure: it does not depend on the target, so that it hardly ever
    prefers an adapted model. Use it as a lower bound, as `collapse_guard` does.

    References
    ----------
    Y. Ganin et al. Domain-adversarial training of neural networks. JMLR 17, 2016, whose stopping
    criterion it is.

    Examples
    --------
    >>> from skda.model_selection import source_accuracy
    >>> source_accuracy([0, 1, 1, 0], [0, 1, 0, 0])
    0.75
    """
    labels, predicted = check_pair(y_source, predictions_source)
    return float((labels == predicted).mean())


def importance_weighted_accuracy(
    y_source: ArrayLike,
    predictions_source: ArrayLike,
    weights: ArrayLike,
    *,
    normalize: bool = True,
) -> float:
    """Accuracy on held-out source rows, weighted by the density ratio of the domains (IWV).

    Parameters
    ----------
    y_source : array-like of shape (n_source,)
        Labels of held-out source rows.
    predictions_source : array-like of shape (n_source,)
        Predicted labels of the same rows.
    weights : array-like of shape (n_source,)
        p_t(x) / p_s(x) of the same rows, for instance from `density_ratio`.
    normalize : bool, default=True
        Whether to divide the weighted risk by the sum of the weights, not by the number of rows.

    Returns
    -------
    float
        Higher is better. Between 0 and 1 with `normalize=True`, else any number up to 1.

    Raises
    ------
    ValueError
        If the shapes differ, the weights are negative, not finite, or all 0, a label is missing, or
        the labels are strings and the predictions numbers.

    Notes
    -----
    1 - Σ w_i 1[ŷ_i ≠ y_i] / Σ w_i, which is the weighted mean of the hits. The paper divides by n,
    not by Σ w_i: this is unbiased, but a model whose features make all weights small then scores
    high, however wrong it is. Known failures: the score assumes covariate shift (one labelling
    function for both domains in the space of the features); if the domains hardly overlap, few rows
    decide; and if the features hide the domain, every weight is 1 and the score is the source
    accuracy.

    References
    ----------
    M. Sugiyama, M. Krauledat, K.-R. Müller. Covariate shift adaptation by importance weighted
    cross validation. JMLR 8, 2007.

    Examples
    --------
    >>> from skda.model_selection import importance_weighted_accuracy
    >>> importance_weighted_accuracy([0, 1, 1], [0, 1, 0], weights=[1.0, 2.0, 1.0])
    0.75
    """
    labels, predicted = check_pair(y_source, predictions_source)
    ratio = check_row_values(weights, "weights")
    check_same_length(y_source=labels, predictions_source=predicted, weights=ratio)
    wrong = labels != predicted
    total = ratio.sum() if normalize else len(ratio)
    if total == 0:
        raise ValueError("weights must not all be 0: no source row is judged then.")
    return float(1.0 - (ratio * wrong).sum() / total)


def deep_embedded_validation(losses: ArrayLike, weights: ArrayLike) -> float:
    """Minus the importance-weighted risk with a control variate (DEV).

    Parameters
    ----------
    losses : array-like of shape (n_source,)
        Loss of each held-out source row, for instance from `row_losses`.
    weights : array-like of shape (n_source,)
        p_t(x) / p_s(x) of the same rows, for instance from `density_ratio` on the features.

    Returns
    -------
    float
        Minus the estimated target risk; higher is better. With the control variate, the estimate
        may be outside the range of the loss.

    Raises
    ------
    ValueError
        If the shapes differ, or a loss or weight is negative or not finite.

    Notes
    -----
    With L = w · loss and η = -Cov(L, w) / Var(w) (both with n - 1; η = 0 where all weights are
    equal),

        R_DEV = mean(L) + η mean(w) - η,

    since the mean of w is 1 if the ratio is right. Known failure: for collapsed models, or domains
    that hardly overlap, the variance of w and thus η are very large. In a public benchmark it chose
    models with 5 to 13 % accuracy, so use it together with `collapse_guard`.

    References
    ----------
    K. You, X. Wang, M. Long, M. I. Jordan. Towards accurate model selection in deep unsupervised
    domain adaptation. ICML 2019.

    Examples
    --------
    >>> from skda.model_selection import deep_embedded_validation
    >>> round(deep_embedded_validation([0.0, 0.0, 1.0, 0.0], [1.5, 0.5, 1.0, 1.4]), 4)
    -0.2661
    """
    loss, ratio = check_row_values(losses, "losses"), check_row_values(weights, "weights")
    check_same_length(losses=loss, weights=ratio)
    weighted = ratio * loss
    eta = 0.0
    if len(ratio) > 1 and np.ptp(ratio) > 0:
        covariance = np.cov(weighted, ratio, ddof=1)
        eta = -covariance[0, 1] / covariance[1, 1]
    return float(-(weighted.mean() + eta * ratio.mean() - eta))
