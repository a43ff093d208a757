"""Consistency of the predictions on mixtures of target rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse

from .._random import own_stream


def mixval(
    predict: Callable[[NDArray], ArrayLike],
    X_target: Any,
    *,
    mix_weight: float = 0.55,
    random_state: int = 0,
) -> float:
    """Share of mixed target rows that are predicted as their larger part (MixVal).

    Parameters
    ----------
    predict : callable
        Takes rows like `X_target`, returns the predicted label of each.
    X_target : {array-like, sparse matrix} of shape (n_target, ...)
        Target rows. Integers, such as the pixels of an image, are rounded back to their own type
        after the mixing.
    mix_weight : float, default=0.55
        Weight of the larger part, above 1/2 and below 1; the paper's value.
    random_state : int, default=0
        Draws the partners.

    Returns
    -------
    float
        Between 0 and 1; higher is better.

    Raises
    ------
    ValueError
        If `mix_weight` is out of range or there are fewer than two rows.

    Notes
    -----
    Every row x_i with pseudo-label ŷ_i is mixed twice, w x_i + (1 - w) x_j: with a partner of the
    same pseudo-label (do the clusters hold together?) and with one of another (does the boundary
    lie half-way between them?). A probe scores the share of mixtures that are predicted as ŷ_i,
    and 0 where no row has such a partner; the score is the mean of the two. The paper ranks the
    candidates by each probe and averages the ranks instead, which takes all candidates at once.

    Known failure: it measures smoothness, not correctness, so that a flat boundary in the wrong
    place does well. A model collapsed onto one class has a perfect first probe and none of the
    second: 1/2, which a right but rough model may not reach. Rows must be such that their mixture
    means something.

    References
    ----------
    D. Hu, J. Liang, J. H. Liew, C. Xue, S. Bai, X. Wang. Mixed samples as probes for unsupervised
    model selection in domain adaptation. NeurIPS 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.model_selection import mixval
    >>> mixval(lambda rows: rows[:, 0] > 0, np.array([[-2.0], [-2.0], [2.0], [2.0]]))
    1.0
    """
    if not 0.5 < mix_weight < 1:
        raise ValueError(f"mix_weight must be in the range (0.5, 1). Got {mix_weight!r} instead.")
    rows = X_target.tocsr() if issparse(X_target) else np.asarray(X_target)
    if rows.shape[0] < 2:
        raise ValueError("mixval needs at least two target rows.")
    labels = np.asarray(predict(rows))
    rng = own_stream(random_state, "mixval partners")
    probes = []
    for first, second in (_same_label_pairs(labels, rng), _other_label_pairs(labels, rng)):
        if len(first) == 0:
            probes.append(0.0)
            continue
        mixed = _mix(rows[first], rows[second], mix_weight)
        probes.append(float(np.mean(np.asarray(predict(mixed)) == labels[first])))
    return float(np.mean(probes))


def _mix(first: Any, second: Any, weight: float) -> Any:
    mixed = weight * first + (1.0 - weight) * second
    if first.dtype.kind in "biu":
        mixed = mixed.rint() if issparse(mixed) else np.rint(mixed)
    # A network in single precision must not meet double precision.
    return mixed.astype(first.dtype, copy=False)


Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def _same_label_pairs(labels: NDArray, rng: np.random.RandomState) -> Pairs:
    """Pair every row with another one of its label; rows alone in their class have none."""
    pairs: list[Pairs] = [(np.empty(0, np.intp), np.empty(0, np.intp))]
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) > 1:
            pairs.append((members, np.roll(members, 1)))
    first, second = zip(*pairs, strict=True)
    return np.concatenate(first), np.concatenate(second)


def _other_label_pairs(labels: NDArray, rng: np.random.RandomState) -> Pairs:
    """Pair every row with one of another label, drawn uniformly."""
    pairs: list[Pairs] = [(np.empty(0, np.intp), np.empty(0, np.intp))]
    for label in np.unique(labels):
        members, others = np.flatnonzero(labels == label), np.flatnonzero(labels != label)
        if len(others) > 0:
            pairs.append((members, rng.choice(others, size=len(members))))
    first, second = zip(*pairs, strict=True)
    return np.concatenate(first), np.concatenate(second)
