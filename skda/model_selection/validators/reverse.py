"""Reverse (circular) validation: train on the target's pseudo-labels, test on the source."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import train_test_split

from ..._inputs.class_labels import class_vector
from ..._inputs.datasets import refuse_containers
from ..._inputs.naming import naming
from .._random import derive_random_state
from .._routing import call_final_step, fit_adapting
from .._split import as_indexable, n_rows, take_rows
from .._typing import Labels, Rows
from .checks import check_option
from .importance import source_accuracy


def reverse_validation(
    estimator: BaseEstimator,
    X_source: Rows,
    y_source: ArrayLike,
    X_target: Rows,
    *,
    test_size: float = 0.1,
    random_state: int = 0,
) -> float:
    """Accuracy on held-out source rows of a model that learnt from the target's pseudo-labels.

    Parameters
    ----------
    estimator : estimator
        An unfitted classifier, or Pipeline ending in one, whose `fit` takes `X_target`. It is
        cloned, never fitted itself.
    X_source : array-like of shape (n_source, ...)
        Source rows.
    y_source : array-like of shape (n_source,)
        Their labels.
    X_target : array-like of shape (n_target, ...)
        Unlabelled target rows.
    test_size : float, default=0.1
        Share of either domain that is held out, above 0 and below 1.
    random_state : int, default=0
        Seed of the held-out rows; the seed of the trainings is the estimator's `random_state`.

    Returns
    -------
    float
        Between 0 and 1; higher is better.

    Raises
    ------
    ValueError
        If `test_size` is out of range, a domain is too small to be split, or a Pipeline would not
        transform the target.

    Notes
    -----
    1. Split both domains 90/10 into S', S_V and T', T_V.
    2. Train η on the labelled S' and the unlabelled T'.
    3. Label T' with η.
    4. Train η_r with (T', η(T')) as the source and the unlabelled S' as the target.
    5. The score is the accuracy of η_r on S_V.

    The paper uses T_V for early stopping of η_r; here T_V is not used. The paper starts η_r from
    the weights of η. Here η_r starts from new weights: η was trained on labels of the source, so
    that a reverse model with the weights of η would score high whatever the pseudo-labels are. If
    η predicts one class for all of T', η_r predicts that class, too.

    Known failure: if the model swaps two classes on the target, the reverse model may swap them
    back. The score costs two trainings.

    References
    ----------
    Y. Ganin et al. Domain-adversarial training of neural networks. JMLR 17, 2016, section 5.1.2.
    E. Zhong, W. Fan, Q. Yang, O. Verscheure, J. Ren. Cross validation framework to choose amongst
    models and datasets for transfer learning. ECML PKDD 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skda.model_selection import reverse_validation
    >>> X = np.r_[np.full((30, 1), -1.0), np.full((30, 1), 1.0)]
    >>> y = np.repeat([0, 1], 30)
    >>> reverse_validation(LogisticRegression(), X, y, X + 0.1)
    1.0
    """
    check_option("test_size", test_size)
    check_option("random_state", random_state)
    for rows, name in ((X_source, "X_source"), (X_target, "X_target")):
        refuse_containers(rows, name)
    labels = class_vector(y_source, "y_source", n_rows(X_source))
    X_source, X_target = as_indexable(X_source), as_indexable(X_target)
    with naming("X_source"):
        train, test = train_test_split(
            np.arange(n_rows(X_source)),
            test_size=test_size,
            random_state=derive_random_state(random_state, "reverse validation, source"),
            stratify=labels if _can_stratify(labels, test_size) else None,
        )
    with naming("X_target"):
        target, _ = train_test_split(
            np.arange(n_rows(X_target)),
            test_size=test_size,
            random_state=derive_random_state(random_state, "reverse validation, target"),
        )
    X_train, X_test = take_rows(X_source, train), take_rows(X_source, test)
    X_target_train, y_train, y_test = take_rows(X_target, target), labels[train], labels[test]
    forward = fit_adapting(clone(estimator), X_train, y_train, X_target_train)
    return reverse_accuracy(forward, X_target_train, X_train, X_test, y_test)


def reverse_accuracy(
    fitted: BaseEstimator, X_target: Rows, X_unlabelled: Rows, X_test: Rows, y_test: ArrayLike
) -> float:
    """Accuracy of the reverse model of a fitted one; the second half of `reverse_validation`.

    The fitted model η labels the rows `X_target`; its predictions and its parameters are used, not
    its weights. `X_unlabelled` are source rows, which the reverse model takes for its unlabelled
    target; `X_test` and `y_test` are source rows to be scored on. Between 0 and 1; higher is
    better.
    """
    return source_accuracy(y_test, reverse_predictions(fitted, X_target, X_unlabelled, X_test))


def reverse_predictions(
    fitted: BaseEstimator, X_target: Rows, X_unlabelled: Rows, X_test: Rows
) -> Labels:
    """Return what the reverse model of a fitted one predicts for source rows `X_test`."""
    # of a search, the best estimator is cloned: the search is not repeated
    fitted = getattr(fitted, "best_estimator_", fitted)
    pseudo_labels = np.asarray(call_final_step(fitted, "predict", X_target, "target"))
    if len(np.unique(pseudo_labels, axis=0)) == 1:
        return np.repeat(pseudo_labels[:1], n_rows(X_test), axis=0)
    reverse = fit_adapting(clone(fitted), X_target, pseudo_labels, X_unlabelled)
    # the source is the target of the reverse model
    return np.asarray(call_final_step(reverse, "predict", X_test, "target"))


def _can_stratify(y: Labels, test_size: float) -> bool:
    counts = np.unique(y, return_counts=True)[1]
    return bool(counts.min() >= 2 and min(test_size, 1 - test_size) * len(y) >= len(counts))
