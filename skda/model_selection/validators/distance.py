"""How well a linear classifier tells the domains apart in the features."""

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
        Inverse strength of the domain classifier's L2 penalty. Of several, the one with the least
        held-out log loss.
    cv : int, default=5
        Number of folds; every row is judged by a classifier that was not trained on it.
    random_state : int, default=0
        Shuffles the rows into folds.

    Returns
    -------
    float
        -2 where a line separates the domains, about 0 where they cannot be told apart.

    Raises
    ------
    ValueError
        If the widths differ or a domain has fewer than two rows.

    Notes
    -----
    -2 (1 - 2 err), err the held-out error of a logistic regression, averaged over the domains so
    that their sizes do not matter. Chance may bring err above 1/2 and the score above 0: it is not
    clipped, so that its mean over folds is unbiased.

    Known failure: features that carry nothing at all (a constant) make the domains alike, so the
    collapsed model is the winner. It says how far apart the domains are, not which model is right.

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
    # Where the sizes differ, the larger domain would otherwise be the answer in every doubt.
    threshold = np.log(len(logits.target) / len(logits.source))
    source_error = _share_above(logits.source, threshold)
    target_error = 1.0 - _share_above(logits.target, threshold)
    error = 0.5 * (source_error + target_error)
    return float(-2.0 * (1.0 - 2.0 * error))


def _share_above(logits: NDArray[np.float64], threshold: float) -> float:
    # A tie counts half: constant features then err exactly as guessing does.
    return float((logits > threshold).mean() + 0.5 * (logits == threshold).mean())
