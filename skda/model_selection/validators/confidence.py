"""Validators that read the predicted probabilities of target rows only."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr, logsumexp
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches

from ..._inputs.array_checks import check_probabilities
from .checks import check_option

# rows of the similarity matrix that soft_neighborhood_density computes at a time
BATCH_ROWS = 1024


def negative_entropy(proba_target: ArrayLike) -> float:
    """Minus the mean entropy of the target predictions.

    Parameters
    ----------
    proba_target : array-like of shape (n_target, n_classes)
        Class probabilities of target rows.

    Returns
    -------
    float
        Between -log(n_classes) and 0, in nats; higher is better.

    Raises
    ------
    ValueError
        If the rows are no probability distributions.

    Notes
    -----
    (1/n) Σ_i Σ_k p_ik log p_ik. Known failure: a certain prediction may be wrong. A model that
    predicts one class for every row with probability 1 has the best score, 0, so use it together
    with `collapse_guard`. Longer training raises the score, too.

    References
    ----------
    P. Morerio, J. Cavazza, V. Murino. Minimal-entropy correlation alignment for unsupervised deep
    domain adaptation. ICLR 2018.

    Examples
    --------
    >>> from skda.model_selection import negative_entropy
    >>> round(negative_entropy([[1.0, 0.0], [0.5, 0.5]]), 4)
    -0.3466
    """
    return float(-entr(check_probabilities(proba_target, "proba_target")).sum(axis=1).mean())


def information_maximization(proba_target: ArrayLike) -> float:
    """Mutual information of row and predicted class on the target (InfoMax).

    Parameters
    ----------
    proba_target : array-like of shape (n_target, n_classes)
        Class probabilities of target rows.

    Returns
    -------
    float
        Between 0 and log(n_classes), in nats; higher is better.

    Raises
    ------
    ValueError
        If the rows are no probability distributions.

    Notes
    -----
    H(mean_i p_i) - mean_i H(p_i): high if every row has a certain prediction and every class is
    predicted. Known failures: it prefers classes of equal size, whatever their shares are in the
    target, and a certain model with wrong classes scores as high as a right one. A collapsed model
    scores 0.

    References
    ----------
    R. Gomes, A. Krause, P. Perona. Discriminative clustering by regularized information
    maximization. NIPS 2010. Y. Shi, F. Sha. Information-theoretical learning of discriminative
    clusters for unsupervised domain adaptation. ICML 2012.

    Examples
    --------
    >>> from skda.model_selection import information_maximization
    >>> round(information_maximization([[1.0, 0.0], [0.0, 1.0]]), 4)
    0.6931
    """
    proba = check_probabilities(proba_target, "proba_target")
    return float(entr(proba.mean(axis=0)).sum() - entr(proba).sum(axis=1).mean())


def soft_neighborhood_density(proba_target: ArrayLike, *, temperature: float = 0.05) -> float:
    """Entropy of the similarities between target predictions (SND).

    Parameters
    ----------
    proba_target : array-like of shape (n_target, n_classes)
        Class probabilities of target rows.
    temperature : float, default=0.05
        Temperature of the softmax over the similarities, above 0; the paper's value.

    Returns
    -------
    float
        Between 0 and log(n_target - 1), in nats; higher is better. Compare models on the same
        number of rows.

    Raises
    ------
    ValueError
        If the rows are no probability distributions, there are fewer than two, or `temperature`
        is not above 0.

    Notes
    -----
    With z_i = p_i / ‖p_i‖ and P_ij = softmax over j ≠ i of (z_i · z_j / temperature), the score is
    (1/n) Σ_i H(P_i): high if every row has many close neighbours. The time is quadratic in the
    number of rows, the memory is not. Known failure: if all rows have the same predicted class,
    all rows are neighbours and the score is the greatest possible, log(n - 1). Use it together
    with `collapse_guard`.

    References
    ----------
    K. Saito, D. Kim, P. Teterwak, S. Sclaroff, T. Darrell, K. Saenko. Tune it the right way:
    unsupervised validation of domain adaptation via soft neighborhood density. ICCV 2021.

    Examples
    --------
    >>> from skda.model_selection import soft_neighborhood_density
    >>> round(soft_neighborhood_density([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]), 4)
    0.6931
    """
    check_option("temperature", temperature)
    rows = normalize(check_probabilities(proba_target, "proba_target"))
    if len(rows) < 2:
        raise ValueError("soft_neighborhood_density needs at least two target rows.")
    total = 0.0
    for batch in gen_batches(len(rows), BATCH_ROWS):
        similarity = rows[batch] @ rows.T / temperature
        own = np.arange(similarity.shape[0])
        similarity[own, own + batch.start] = -np.inf
        similarity -= logsumexp(similarity, axis=1, keepdims=True)
        total += float(entr(np.exp(similarity)).sum())
    return total / len(rows)


def nuclear_norm_score(proba_target: ArrayLike) -> float:
    """Nuclear norm of the target predictions, as a share of its greatest value (BNM).

    Parameters
    ----------
    proba_target : array-like of shape (n_target, n_classes)
        Class probabilities of target rows.

    Returns
    -------
    float
        Above 0 and up to 1; higher is better.

    Raises
    ------
    ValueError
        If the rows are no probability distributions.

    Notes
    -----
    ‖P‖_* / sqrt(n min(n, n_classes)): high if each row has a certain prediction (large Frobenius
    norm) and every class is predicted (high rank). The paper's score of a batch, ‖P‖_* / n, ranks
    models equally on the same rows; the share can be averaged over folds of different sizes. Known
    failures: it prefers classes of equal size, and a certain model with wrong classes scores as
    high as a right one. A model that predicts one class only scores 1 / sqrt(n_classes).

    References
    ----------
    S. Cui, S. Wang, J. Zhuo, L. Li, Q. Huang, Q. Tian. Towards discriminability and diversity:
    batch nuclear-norm maximization under label insufficient situations. CVPR 2020. As a validator:
    K. Musgrave, S. Belongie, S.-N. Lim. Three new validators and a large-scale benchmark ranking
    for unsupervised domain adaptation. 2022.

    Examples
    --------
    >>> from skda.model_selection import nuclear_norm_score
    >>> round(nuclear_norm_score([[1.0, 0.0], [0.0, 1.0]]), 4)
    1.0
    """
    proba = check_probabilities(proba_target, "proba_target")
    return float(np.linalg.norm(proba, ord="nuc") / np.sqrt(len(proba) * min(proba.shape)))
