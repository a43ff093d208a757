"""Several validators asked together, and candidates that are held against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .registry import check_validator

__all__ = [
    "AGREEMENT",
    "STABILITY",
    "agreement_of_folds",
    "agreement_with_mean",
    "check_validators",
    "is_comparison",
    "mean_z_score",
    "validator_names",
]

# validators that compare the candidates of a search, or its folds, and thus exist there alone
AGREEMENT, STABILITY = "agreement", "stability"

# spreads below this are rounding: all candidates are equally good then
_SPREAD = 1e-6


def is_comparison(name: str) -> bool:
    """Say whether a validator exists in a search alone."""
    return name in (AGREEMENT, STABILITY)


def validator_names(validator: str | Sequence[str] | Callable[..., float]) -> Sequence[str]:
    """Return the names of one or several validators; none for a callable.

    Examples
    --------
    >>> from skda.model_selection.validators.agreement import validator_names
    >>> validator_names("snd")
    ('snd',)
    """
    if callable(validator):
        return ()
    return (validator,) if isinstance(validator, str) else validator


def check_validators(names: Sequence[str]) -> None:
    """Refuse an empty list of validators, an unknown one, or one that stands there twice.

    Parameters
    ----------
    names : sequence of str
        Names of validators, "agreement" or "stability".

    Raises
    ------
    ValueError
        If the list is not what it should be.

    Examples
    --------
    >>> from skda.model_selection.validators.agreement import check_validators
    >>> check_validators(["agreement", "infomax"])
    """
    if not names or len(set(names)) < len(names):
        raise ValueError(
            "The 'validator' parameter of LambdaSearchCV must be a name, a callable, or a sequence "
            f"of different names. Got {list(names)!r} instead."
        )
    for name in names:
        if not is_comparison(name):
            check_validator(name, {})


def agreement_with_mean(probabilities: Sequence[NDArray | None]) -> NDArray:
    r"""Return the share of target rows on which each candidate agrees with all together.

    Parameters
    ----------
    probabilities : sequence of ndarray of shape (n_target, n_classes) or None
        Class probabilities that each candidate gives to the same held-out target rows; None for
        a candidate whose training diverged.

    Returns
    -------
    ndarray of shape (n_candidates,)
        In [0, 1]; NaN where there are no probabilities.

    Notes
    -----
    .. math::
        \frac{1}{n_t} \sum_j \big[\arg\max_c p_{m,c}(x_j)
        = \arg\max_c \tfrac{1}{M} \sum_{m'} p_{m',c}(x_j)\big]

    The mean of all candidates' probabilities is an ensemble, which errs less than most of its
    members. Known failure: where most candidates err alike, the ensemble errs with them. That
    happens where the classes have other shares in the target than in the source: every method that
    makes the domains alike is then wrong in the same way, and source-only is outvoted.

    References
    ----------
    Hu et al., "Towards Reliable Model Selection for Unsupervised Domain Adaptation: An Empirical
    Study and A Certified Baseline", NeurIPS 2024 (EnsV).

    Examples
    --------
    >>> import numpy as np
    >>> from skda.model_selection.validators.agreement import agreement_with_mean
    >>> sure, unsure = np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([[0.6, 0.4], [0.4, 0.6]])
    >>> agreement_with_mean([sure, unsure])
    array([1. , 0.5])
    """
    known = [proba for proba in probabilities if proba is not None]
    if not known:
        return np.full(len(probabilities), np.nan)
    labels = np.mean(known, axis=0).argmax(axis=1)
    return np.array(
        [
            np.nan if proba is None else np.mean(proba.argmax(axis=1) == labels)
            for proba in probabilities
        ]
    )


def agreement_of_folds(
    votes: NDArray, held_out: Sequence[NDArray], *, chance_corrected: bool = False
) -> NDArray:
    r"""Return how far the models of one candidate agree on the target from fold to fold.

    Parameters
    ----------
    votes : ndarray of shape (n_splits, n_target), int
        Class that the candidate's model of each fold predicts for every target row.
    held_out : sequence of ndarray of int
        Target rows that are held out in each fold.
    chance_corrected : bool, default=False
        Whether to return Cohen's kappa, the agreement beyond that of models which draw their
        predictions at random, each with its own shares of the classes.

    Returns
    -------
    ndarray of shape (n_splits,)
        In [0, 1], or [-1, 1] if corrected for chance; 0 where there is one split only.

    Notes
    -----
    In fold i, of the held-out rows :math:`T_i`,

    .. math::
        a_{ik} = \frac{1}{|T_i|} \sum_{x \in T_i} [h_i(x) = h_k(x)], \qquad
        \frac{1}{K - 1} \sum_{k \ne i} a_{ik} \quad \text{or} \quad
        \frac{1}{K - 1} \sum_{k \ne i} \frac{a_{ik} - e_{ik}}{1 - e_{ik}}

    with :math:`e_{ik} = \sum_c s_{ic} s_{kc}` of the shares of the predicted classes.

    Models of one kind that were trained on other rows, from other initial weights, agree on as
    large a share of unseen rows as each of them predicts rightly, if the ensemble of such models
    is calibrated: the agreement estimates the accuracy itself. It sees that adapting does harm
    where the classes have other shares in the target, which confidence and clusters do not. Known
    failure: models that all err in the same way agree as well; a few large classes are easily
    agreed upon. The models k were trained on the rows of :math:`T_i`, without labels.

    References
    ----------
    Jiang et al., "Assessing generalization of SGD via disagreement", ICLR 2022. Baek et al.,
    "Agreement-on-the-line", NeurIPS 2022. J. Cohen, "A coefficient of agreement for nominal
    scales", Educational and Psychological Measurement 20, 1960.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.model_selection.validators.agreement import agreement_of_folds
    >>> votes = np.array([[0, 0, 1, 1], [0, 1, 1, 1]])
    >>> agreement_of_folds(votes, [np.array([0, 1]), np.array([2, 3])])
    array([0.5, 1. ])
    >>> agreement_of_folds(votes, [np.arange(4), np.arange(4)], chance_corrected=True)
    array([0.5, 0.5])
    """
    found = np.zeros(len(held_out))
    if len(votes) < 2:
        return found
    classes = np.arange(votes.max() + 1, dtype=votes.dtype)
    for i, rows in enumerate(held_out):
        own, others = votes[i, rows], np.delete(votes, i, axis=0)[:, rows]
        agreement = (others == own).mean(axis=1)
        if chance_corrected:
            shares = [(own == c).mean() * (others == c).mean(axis=1) for c in classes]
            chance = np.sum(shares, axis=0)
            known = chance < 1
            agreement = np.where(known, agreement - chance, 0) / np.where(known, 1 - chance, 1)
        found[i] = agreement.mean()
    return found


def mean_z_score(scores: Mapping[str, NDArray]) -> NDArray:
    """Put validators on one scale, and return their mean.

    Parameters
    ----------
    scores : mapping from str to ndarray of shape (n_candidates, n_splits)
        Scores of each validator; NaN where a training diverged.

    Returns
    -------
    ndarray of shape (n_candidates, n_splits)
        In each split, each validator's scores less their mean over the candidates, divided by
        their standard deviation (by 1 where all are equal); the mean over the validators.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.model_selection.validators.agreement import mean_z_score
    >>> mean_z_score({"entropy": np.array([[-2.0], [-1.0]]), "snd": np.array([[4.0], [4.0]])})
    array([[-0.5],
           [ 0.5]])
    """
    return np.mean([_z_scores(values) for values in scores.values()], axis=0)


def _z_scores(values: NDArray) -> NDArray:
    known = np.ma.masked_invalid(values)
    spread = known.std(axis=0)
    z_scores = (known - known.mean(axis=0)) / np.ma.where(spread > _SPREAD, spread, 1.0)
    filled: NDArray = np.ma.filled(z_scores.astype(np.float64), np.nan)
    return filled
