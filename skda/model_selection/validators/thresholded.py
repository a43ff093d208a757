"""Target accuracy estimated by a threshold on the confidence (ATC)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr

from ..._inputs.array_checks import check_same_length
from ..._inputs.class_labels import class_vector
from .checks import check_columns, check_known, check_option


def thresholded_accuracy(
    y_source: ArrayLike,
    proba_source: ArrayLike,
    proba_target: ArrayLike,
    classes: ArrayLike,
    *,
    score: Literal["entropy", "confidence"] = "entropy",
) -> float:
    r"""Share of the target rows with a score above the threshold that fits the source (ATC).

    Parameters
    ----------
    y_source : array-like of shape (n_source,)
        Labels of held-out source rows.
    proba_source : array-like of shape (n_source, n_classes)
        Class probabilities of the same rows.
    proba_target : array-like of shape (n_target, n_classes)
        Class probabilities of target rows.
    classes : array-like of shape (n_classes,)
        Label of each column.
    score : {"entropy", "confidence"}, default="entropy"
        Minus the entropy of the probabilities, or the highest of them. For two classes both give
        the same.

    Returns
    -------
    float
        Between 0 and 1: the estimated accuracy on the target; higher is better.

    Raises
    ------
    ValueError
        If the rows are no probabilities, the lengths differ, no label is in `classes`, or `score`
        is unknown.

    Notes
    -----
    The threshold t is such that the share of source rows with a score below t is the error on the
    source rows,

    .. math::
        E_s[s(x) < t] = E_s[\hat y \ne y], \qquad \text{estimate} = E_t[s(x) \ge t].

    Known failures: methods that make the target's predictions certain (entropy, confusion) make it
    an overestimate, and a model that is certain and wrong is not seen.

    References
    ----------
    S. Garg, S. Balakrishnan, Z. Lipton, B. Neyshabur, H. Sedghi. Leveraging unlabeled data to
    predict out-of-distribution performance. ICLR 2022.

    Examples
    --------
    >>> from skda.model_selection import thresholded_accuracy
    >>> source = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]]
    >>> target = [[0.95, 0.05], [0.65, 0.35]]
    >>> thresholded_accuracy([0, 0, 0, 1], source, target, [0, 1])  # the threshold is .7
    0.5
    """
    check_option("score", score)
    labels = class_vector(y_source, "y_source")
    known, proba = check_columns(classes, proba_source, "proba_source")
    _, of_target = check_columns(classes, proba_target, "proba_target")
    check_same_length(y_source=labels, proba_source=proba)
    check_known(labels, known, "y_source")
    n_wrong = int((known[proba.argmax(axis=1)] != labels).sum())
    source, target = _scores(proba, score), _scores(of_target, score)
    if n_wrong == len(source):
        return 0.0
    threshold = np.partition(source, n_wrong)[n_wrong]
    return float((target >= threshold).mean())


def _scores(proba: NDArray[np.float64], score: str) -> NDArray[np.float64]:
    values: NDArray[np.float64]
    values = proba.max(axis=1) if score == "confidence" else -entr(proba).sum(axis=1)
    return values
