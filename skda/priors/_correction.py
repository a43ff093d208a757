"""Probabilities for given shares of the classes (Bayes' rule)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._inputs.array_checks import check_probabilities
from .._inputs.host import as_host_array, by_class
from .._inputs.naming import naming


def correct_probabilities(
    probabilities: ArrayLike,
    priors_source: ArrayLike | Mapping[Any, float],
    priors_target: ArrayLike | Mapping[Any, float],
) -> NDArray[np.float64]:
    r"""Class probabilities of a classifier where the classes have other shares.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities, for instance of `predict_proba`.
    priors_source : array-like of shape (n_classes,), mapping or Series
        Shares of the classes in the rows on which the classifier was trained; they sum to 1. A
        mapping or a Series is from label to share: the columns of `probabilities` are then those
        of the sorted labels, as in `classes_` of every classifier.
    priors_target : array-like of shape (n_classes,), mapping or Series
        Shares of the classes in the rows to predict; they sum to 1. A class of share 0 gets
        probability 0.

    Returns
    -------
    ndarray of shape (n_rows, n_classes), dtype float64
        Rows sum to 1.

    Raises
    ------
    ValueError
        If the rows are no probabilities, the shares have another length or other labels, are
        negative or do not sum to 1, or a class has a share in the target and none in the source.

    Notes
    -----
    Bayes' rule, if the rows of each class have the same distribution in both domains:

    .. math:: q(j | x) = \frac{p(j | x)\, q_j / p_j}{\sum_k p(k | x)\, q_k / p_k}

    Do not correct the predictions of a model that was trained with these shares, for instance with
    `target_priors`: it knows them already.

    References
    ----------
    M. Saerens, P. Latinne, C. Decaestecker. Adjusting the outputs of a classifier to new a priori
    probabilities: a simple procedure. Neural Computation 14, 2002.

    Examples
    --------
    >>> from skda.priors import correct_probabilities
    >>> correct_probabilities([[0.5, 0.5]], [0.5, 0.5], [0.9, 0.1])
    array([[0.9, 0.1]])
    """
    proba = check_probabilities(probabilities, "probabilities")
    given = {"priors_source": priors_source, "priors_target": priors_target}
    source, target = (check_shares(v, proba.shape[1], k) for k, v in _by_column(given).items())
    new = np.flatnonzero((source == 0) & (target > 0))
    if len(new):
        raise ValueError(
            f"priors_target has a share above 0 for the classes in columns {new.tolist()}, which "
            "have none in priors_source: a classifier cannot know them."
        )
    ratio = np.divide(target, source, out=np.zeros_like(target), where=source > 0)
    return reweight(proba, ratio)


def _by_column(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return shares in the order of the sorted labels, where they are given by label."""
    found = {name: by_class(shares, name) for name, shares in given.items()}
    labels = [sorted(shares) for shares in found.values() if isinstance(shares, dict)]
    if labels and labels[0] != labels[-1]:
        raise ValueError(
            f"priors_source and priors_target must have the same labels. Got {labels[0]} and "
            f"{labels[-1]}."
        )
    return {
        name: [shares[label] for label in labels[0]] if isinstance(shares, dict) else shares
        for name, shares in found.items()
    }


def reweight(probabilities: NDArray[np.float64], ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply each column of probabilities by its weight, and divide each row by its sum.

    `ratio` has shape (n_classes,); no weight is below 0, and one is above.
    """
    # a row may have the probability 0 for all classes of a weight above 0
    weighted = np.maximum(probabilities, np.finfo(np.float64).tiny) * ratio
    scaled: NDArray[np.float64] = weighted / weighted.sum(axis=1, keepdims=True)
    return scaled


def check_shares(shares: ArrayLike, n_classes: int, name: str) -> NDArray[np.float64]:
    """Return shares of `n_classes` classes that sum to 1; `name` names them in error messages."""
    with naming(name):
        checked = np.asarray(as_host_array(shares, name), dtype=np.float64)
    if checked.shape != (n_classes,):
        raise ValueError(
            f"{name} must have one share for each of the {n_classes} classes. Got an array of "
            f"shape {checked.shape}."
        )
    if not (checked >= 0).all() or not np.isclose(checked.sum(), 1.0, atol=1e-3):
        raise ValueError(
            f"{name} must be shares of at least 0 that sum to 1. Got {checked.tolist()}, whose sum "
            f"is {checked.sum():g}."
        )
    normalised: NDArray[np.float64] = checked / checked.sum()
    return normalised
