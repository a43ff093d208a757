"""Proxy A-distance: how well a linear classifier separates the domains in the features."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .domain_classifier import INVERSE_PENALTIES, held_out_domain_logits


def proxy_a_distance(
    features_source: ArrayLike,
    features_target: ArrayLike,
    *,
    C: float | Iterable[float] = INVERSE_PENALTIES,
    cv: int = 5,
    random_state: int = 0,
) -> float:
    """Minus the proxy A-distance between the domains, so that higher is better.

    Parameters
    ----------
    features_source : {array-like, sparse matrix} of shape (n_source, ...)
        Features of source rows; axes beyond the second are flattened.
    features_target : {array-like, sparse matrix} of shape (n_target, ...)
        Features of target rows.
    C : float or iterable of float, default=(0.001, 0.01, 0.1, 1.0)
        Inverse strength of the domain classifier's L2 penalty. If there are several, that with the
        least held-out log loss is used.
    cv : int, default=5
        Number of folds; every row is classified by a model that was not trained on it.
    random_state : int, default=0
        Seed of the folds.

    Returns
    -------
    float
        -2 if a hyperplane separates the domains, about 0 if they have the same distribution.

    Raises
    ------
    ValueError
        If the widths differ, a domain has fewer than two rows, or an option is out of range.

    Notes
    -----
    -2 (1 - 2 err), where err is the held-out error of a logistic regression, averaged over the
    domains so that their sizes do not matter. By chance, err may be above 1/2 and the score above
    0: the score is not clipped, so that its mean over folds is unbiased.

    Known failure: constant features have the same distribution in both domains, so that a collapsed
    model scores highest. The score measures the distance of the domains, not the accuracy.

    References
    ----------
    S. Ben-David, J. Blitzer, K. Crammer, F. Pereira. Analysis of representations for domain
    adaptation. NIPS 2007. Y. Ganin et al. JMLR 17, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.model_selection import proxy_a_distance
    >>> source = np.arange(20.0).reshape(-1, 1)
    >>> proxy_a_distance(source, source + 100)
    -2.0
    """
    logits = held_out_domain_logits(
        features_source, features_target, C=C, cv=cv, random_state=random_state
    )
    # without the threshold, a classifier in doubt predicts the larger domain
    threshold = np.log(len(logits.target) / len(logits.source))
    source_error = _share_above(logits.source, threshold)
    target_error = 1.0 - _share_above(logits.target, threshold)
    error = 0.5 * (source_error + target_error)
    return float(-2.0 * (1.0 - 2.0 * error))


def _share_above(logits: NDArray[np.float64], threshold: float) -> float:
    # a tie counts as half an error: the error of constant features is then exactly 1/2
    return float((logits > threshold).mean() + 0.5 * (logits == threshold).mean())
