"""Validators that compare the candidates of a search or the models of its folds; mean z-scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._typing import Validator

__all__ = [
    "AGREEMENT",
    "STABILITY",
    "agreement_of_folds",
    "agreement_with_mean",
    "mean_z_score",
    "needs_search",
    "validator_names",
]

# these compare the candidates or the folds of a search: they do not score a single model
AGREEMENT, STABILITY = "agreement", "stability"

# a smaller spread is rounding: all candidates are equally good
_SPREAD = 1e-6


def needs_search(name: str) -> bool:
    """Return whether a validator compares the models of a search."""
    return name in (AGREEMENT, STABILITY)


def validator_names(validator: Validator) -> Sequence[str]:
    """Return the names of one or several validators; none for a callable."""
    if callable(validator):
        return ()
    return (validator,) if isinstance(validator, str) else validator


def agreement_with_mean(probabilities: Sequence[NDArray[Any] | None]) -> NDArray[np.float64]:
    r"""Return the share of target rows on which each candidate agrees with the ensemble of all.

    `probabilities` holds an array of shape (n_target, n_classes) for each candidate, all for the
    same held-out target rows, or None for a candidate whose training diverged. The shares have
    shape (n_candidates,); the share of None is NaN.

    .. math::
        \frac{1}{n_t} \sum_j \big[\arg\max_c p_{m,c}(x_j)
        = \arg\max_c \tfrac{1}{M} \sum_{m'} p_{m',c}(x_j)\big]

    The mean of all candidates' probabilities is an ensemble, which errs less than most of its
    members. Known failure: if most candidates make the same errors, the ensemble makes them, too.
    This happens if the shares of the classes differ between the domains: all models that match the
    distributions of the domains are then wrong in the same way, and outvote source-only.

    References
    ----------
    Hu et al., "Towards Reliable Model Selection for Unsupervised Domain Adaptation: An Empirical
    Study and A Certified Baseline", NeurIPS 2024 (EnsV).
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
    votes: NDArray[Any], held_out: Sequence[NDArray[Any]], *, chance_corrected: bool = False
) -> NDArray[Any]:
    r"""Return the share of held-out target rows on which the models of the folds agree.

    `votes`, integers of shape (n_splits, n_target), are the classes that the model of each fold
    predicts for all target rows. `held_out` has the indices of the target rows that are held out in
    each fold. With `chance_corrected`, the share is Cohen's kappa: the agreement beyond that of
    random predictions with the same shares of the classes. The shares have shape (n_splits,) and
    are in [0, 1], or in [-1, 1] if corrected; with a single split they are 0.

    In fold i, with its held-out rows :math:`T_i`,

    .. math::
        a_{ik} = \frac{1}{|T_i|} \sum_{x \in T_i} [h_i(x) = h_k(x)], \qquad
        \frac{1}{K - 1} \sum_{k \ne i} a_{ik} \quad \text{or} \quad
        \frac{1}{K - 1} \sum_{k \ne i} \frac{a_{ik} - e_{ik}}{1 - e_{ik}}

    with :math:`e_{ik} = \sum_c s_{ic} s_{kc}`, where :math:`s_{ic}` is the share of class c among
    the predictions of model i.

    Take models of one kind that were trained on different rows, from different initial weights.
    If their ensemble is calibrated, the share of unseen rows on which two of them agree equals, in
    expectation, the accuracy of each: the agreement estimates the accuracy. The agreement falls if
    adapting does harm because the shares of the classes differ between the domains; confidence and
    clusters do not show this. Known failures: models that make the same errors agree, too, and if a
    few classes are large, models agree easily. The models k were trained on the rows of
    :math:`T_i`, without labels.

    References
    ----------
    Jiang et al., "Assessing generalization of SGD via disagreement", ICLR 2022. Baek et al.,
    "Agreement-on-the-line", NeurIPS 2022. J. Cohen, "A coefficient of agreement for nominal
    scales", Educational and Psychological Measurement 20, 1960.
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


def mean_z_score(scores: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the mean z-score of several validators, (n_candidates, n_splits).

    Within each split, a z-score is a validator's score minus the mean of its scores over the
    candidates, divided by their standard deviation (by 1 if all are equal). The scores of each
    validator have the same shape, with NaN where a training diverged.
    """
    mean: NDArray[np.float64] = np.mean([_z_scores(each) for each in scores.values()], axis=0)
    return mean


def _z_scores(values: NDArray[Any]) -> NDArray[Any]:
    known = np.ma.masked_invalid(values)
    # scipy.stats.zscore would divide a spread of rounding errors by itself, and warn
    spread = np.ma.filled(known.std(axis=0), 0.0)
    z_scores = (known - known.mean(axis=0)) / np.where(spread > _SPREAD, spread, 1.0)
    filled: NDArray[np.float64] = np.ma.filled(z_scores.astype(np.float64), np.nan)
    return filled
