"""A logistic regression that classifies rows by their domain; density ratios."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ..._inputs.array_checks import check_features
from ..._inputs.columns import reorder_columns
from .._random import derive_random_state
from .checks import check_option, penalties_of

# the held-out log loss chooses one: rows with more dimensions need a smaller C
INVERSE_PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)


class DomainLogits(NamedTuple):
    """Held-out log-odds of being a target row, float64, of the source and the target rows.

    C is the inverse penalty with the least held-out log loss.
    """

    source: NDArray[np.float64]
    target: NDArray[np.float64]
    C: float


def stack_domains(
    features_source: ArrayLike, features_target: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Stack the rows of both domains, with label 0 for a source row and 1 for a target row.

    Features have shape (n_rows, ...), dense or sparse; those returned have two axes. If the domains
    have different widths, it is a ValueError.
    """
    features_target = reorder_columns(features_target, like=features_source)
    source = check_features(features_source, "features_source")
    target = check_features(features_target, "features_target")
    if source.shape[1] != target.shape[1]:
        raise ValueError(
            f"features_target has {target.shape[1]} features, but features_source has "
            f"{source.shape[1]}."
        )
    domain = np.repeat([0, 1], [source.shape[0], target.shape[0]])
    if issparse(source) or issparse(target):
        return vstack([source, target], format="csr"), domain
    return np.vstack([source, target]), domain


def make_domain_classifier(C: float, *, sparse: bool = False) -> Pipeline:
    """Return an unfitted domain classifier on standardised features.

    C is the inverse strength of the L2 penalty, above 0. With `sparse`, features are scaled without
    centring, so that they stay sparse.
    """
    return make_pipeline(
        StandardScaler(with_mean=not sparse), LogisticRegression(C=C, max_iter=1000)
    )


def _check_options(C: float | Iterable[float], cv: int, random_state: int) -> None:
    for name, value in (("C", C), ("cv", cv), ("random_state", random_state)):
        check_option(name, value)


def held_out_domain_logits(
    features_source: ArrayLike,
    features_target: ArrayLike,
    *,
    C: float | Iterable[float] = INVERSE_PENALTIES,
    cv: int = 5,
    random_state: int = 0,
) -> DomainLogits:
    """Log-odds of every row from a domain classifier that was not trained on that row.

    Features have shape (n_rows, ...), dense or sparse. C is the inverse strength of the L2 penalty;
    of several, that with the least held-out log loss is used. There are `cv` stratified folds,
    fewer where a domain has fewer rows, drawn by `random_state`. If a domain has fewer than two
    rows, or the domains have different widths, it is a ValueError.
    """
    _check_options(C, cv, random_state)
    features, domain = stack_domains(features_source, features_target)
    n_source = int((domain == 0).sum())
    smallest = min(n_source, len(domain) - n_source)
    if smallest < 2:
        raise ValueError(
            "A held-out domain classifier needs at least two rows of each domain. Got "
            f"{n_source} source rows and {len(domain) - n_source} target rows."
        )
    folds = StratifiedKFold(
        min(cv, smallest),
        shuffle=True,
        random_state=derive_random_state(random_state, "domain folds"),
    )
    penalties = np.sort(penalties_of(C))
    logits = np.empty((len(penalties), len(domain)))
    for train, test in folds.split(domain, domain):
        scaler, classifier = make_domain_classifier(penalties[0], sparse=issparse(features))
        rows_train = scaler.fit_transform(features[train])
        rows_test = scaler.transform(features[test])
        # from the strongest penalty to the weakest, each fit starts at the solution of the last
        classifier.set_params(warm_start=True)
        for logits_of_penalty, penalty in zip(logits, penalties, strict=True):
            classifier.set_params(C=penalty).fit(rows_train, domain[train])
            logits_of_penalty[test] = classifier.decision_function(rows_test)
    sign = np.where(domain == 1, 1.0, -1.0)
    best = np.logaddexp(0.0, -sign * logits).mean(axis=1).argmin()
    return DomainLogits(logits[best, :n_source], logits[best, n_source:], float(penalties[best]))


def density_ratio(
    features_source: ArrayLike,
    features_target: ArrayLike,
    features_eval: ArrayLike | None = None,
    *,
    C: float | Iterable[float] = INVERSE_PENALTIES,
    clip: float | None = None,
    cv: int = 5,
    random_state: int = 0,
) -> NDArray[np.float64]:
    """Density of the target over that of the source, from a logistic domain classifier.

    Parameters
    ----------
    features_source : {array-like, sparse matrix} of shape (n_source, ...)
        Features of source rows; axes beyond the second are flattened.
    features_target : {array-like, sparse matrix} of shape (n_target, ...)
        Features of target rows.
    features_eval : {array-like, sparse matrix} of shape (n_eval, ...), optional
        Rows at which to compute the ratio. By default, the rows of `features_source`, each
        classified by a model that was not trained on it: a model is too certain of the domain of
        its own training rows.
    C : float or iterable of float, default=(0.001, 0.01, 0.1, 1.0)
        Inverse strength of the L2 penalty. If there are several, that with the least held-out log
        loss is used.
    clip : float, optional
        Upper bound of a ratio.
    cv : int, default=5
        Number of folds of the held-out classifiers.
    random_state : int, default=0
        Seed of the folds.

    Returns
    -------
    ndarray of shape (n_eval,) or (n_source,), dtype float64
        The ratios, above 0.

    Raises
    ------
    ValueError
        If the widths differ, a domain has fewer than two rows, or an option is out of range.

    Notes
    -----
    With d = 1 for a target row, Bayes' rule gives

        w(x) = p_t(x) / p_s(x) = (n_s / n_t) · p(d=1 | x) / p(d=0 | x).

    The classifier is a logistic regression on standardised features, so that log w is linear in
    them. Known failure: if the domains hardly overlap, few rows have almost all of the weight.

    References
    ----------
    M. Sugiyama, M. Krauledat, K.-R. Müller. Covariate shift adaptation by importance weighted
    cross validation. JMLR 8, 2007. S. Bickel, M. Brückner, T. Scheffer. Discriminative learning
    under covariate shift. JMLR 10, 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.model_selection import density_ratio
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(0, 1, (500, 1)), rng.normal(1, 1, (500, 1))
    >>> low, high = density_ratio(source, target, [[-1.0], [2.0]])
    >>> bool(low < 0.5 and high > 2)
    True
    """
    check_option("clip", clip)
    _check_options(C, cv, random_state)
    if features_eval is None:
        held_out = held_out_domain_logits(
            features_source, features_target, C=C, cv=cv, random_state=random_state
        )
        log_odds, n_source, n_target = held_out.source, len(held_out.source), len(held_out.target)
    else:
        features, domain = stack_domains(features_source, features_target)
        n_target = int(domain.sum())
        n_source = len(domain) - n_target
        candidates = penalties_of(C)
        chosen = float(candidates[0])
        if len(candidates) > 1:
            chosen = held_out_domain_logits(
                features_source, features_target, C=candidates, cv=cv, random_state=random_state
            ).C
        classifier = make_domain_classifier(chosen, sparse=issparse(features))
        classifier.fit(features, domain)
        features_eval = reorder_columns(features_eval, like=features_source)
        log_odds = classifier.decision_function(check_features(features_eval, "features_eval"))
    # of rows that are far from both domains: the squares of larger ratios would overflow
    ratio = np.exp(np.clip(log_odds, -300, 300)) * (n_source / n_target)
    return ratio if clip is None else np.minimum(ratio, clip)
