"""Consistency of the predictions on mixtures of target rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from torch.utils.data import Dataset

from ..._inputs.datasets import refuse_containers
from ..._inputs.host import as_host_array
from ...training.data.inputs import is_inputs
from .._random import derive_random_state
from .._typing import Labels, Rows
from .checks import check_option, check_predictions


def mixval(
    predict: Callable[[Rows], ArrayLike],
    X_target: Rows,
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
        after the mixing. Tokens and codes of categories have no mixture.
    mix_weight : float, default=0.55
        Weight of the larger part, above 1/2 and below 1; the paper's value.
    random_state : int, default=0
        Seed of the partners.

    Returns
    -------
    float
        Between 0 and 1; higher is better.

    Raises
    ------
    ValueError
        If an option is out of range, there are fewer than two rows, or `predict` does not return
        one label a row.

    Notes
    -----
    Every row x_i with pseudo-label ŷ_i is mixed twice, w x_i + (1 - w) x_j: with a partner of the
    same pseudo-label (which tests that clusters are compact) and with a partner of another
    pseudo-label (which tests that the boundary lies half-way between clusters). Each of the two
    probes is the share of mixtures that are predicted as ŷ_i, and 0 if no row has such a partner;
    the score is the mean of the two probes. The paper instead ranks the candidates by each probe
    and averages the ranks, which needs all candidates at once.

    Known failures: the score measures smoothness, not correctness, so that a smooth boundary in a
    wrong place scores high. A model that predicts one class for all rows scores 1 in the first
    probe and 0 in the second; a right but rough model may score less than their mean, 1/2. Mixtures
    of rows must be meaningful rows themselves.

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
    check_option("mix_weight", mix_weight)
    check_option("random_state", random_state)
    if not callable(predict):
        raise TypeError(
            "predict must be a function of rows, such as the method predict of a fitted "
            f"classifier. Got {type(predict).__name__} instead."
        )
    refuse_containers(X_target, "X_target")
    if is_inputs(X_target) or isinstance(X_target, Dataset):
        raise ValueError(
            f"X_target is a {type(X_target).__name__}, whose rows mixval cannot mix. Pass an array "
            "of rows, or choose another validator."
        )
    X_target = as_host_array(X_target, "X_target")
    rows = X_target.tocsr() if issparse(X_target) else np.asarray(X_target)
    if rows.shape[0] < 2:
        raise ValueError("mixval needs at least two target rows.")
    labels = _predictions(predict, rows)
    rng = derive_random_state(random_state, "mixval partners")
    probes = []
    for first, second in (_same_label_pairs(labels, rng), _other_label_pairs(labels, rng)):
        if len(first) == 0:
            probes.append(0.0)
            continue
        mixed = _mix(rows[first], rows[second], mix_weight)
        probes.append(float(np.mean(_predictions(predict, mixed) == labels[first])))
    return float(np.mean(probes))


def _predictions(predict: Callable[[Rows], ArrayLike], rows: Rows) -> Labels:
    labels = check_predictions(predict(rows), "The output of predict")
    if len(labels) != rows.shape[0]:
        raise ValueError(
            f"predict must return one label a row. Got {len(labels)} labels of {rows.shape[0]} "
            "rows."
        )
    return labels


def _mix(first: Rows, second: Rows, weight: float) -> Rows:
    mixed = weight * first + (1.0 - weight) * second
    if first.dtype.kind in "biu":
        mixed = mixed.rint() if issparse(mixed) else np.rint(mixed)
    # networks in single precision refuse rows in double precision
    return mixed.astype(first.dtype, copy=False)


Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def _same_label_pairs(labels: Labels, rng: np.random.RandomState) -> Pairs:
    """Pair every row with another row of its label; rows alone in their class have no pair."""
    classes = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return _concatenate([(rows, np.roll(rows, 1)) for rows in classes if len(rows) > 1])


def _other_label_pairs(labels: Labels, rng: np.random.RandomState) -> Pairs:
    """Pair every row with a row of another label, drawn uniformly."""
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    others = [np.flatnonzero(labels != label) for label in np.unique(labels)]
    return _concatenate(
        [
            (rows, rng.choice(other, size=len(rows)))
            for rows, other in zip(classes, others, strict=True)
            if len(other)
        ]
    )


def _concatenate(pairs: list[Pairs]) -> Pairs:
    none = np.empty(0, np.intp)
    first, second = zip((none, none), *pairs, strict=True)
    return np.concatenate(first), np.concatenate(second)
