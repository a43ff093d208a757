"""The warning before a training that only the shares of the classes seem to differ."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from sklearn.utils.random import sample_without_replacement

from ..priors._label_shift import LabelShiftFit, fit_shares
from ..training import DomainPair
from ..training.data.rows import ArrayRows

__all__ = [
    "LEAST_ROWS",
    "AdaptationWarning",
    "describe_shares",
    "linear_fit",
    "shares_unchecked",
    "warn_of_other_shares",
]

# With fewer rows of a domain, the distances are noise.
LEAST_ROWS = 100
LEAST_OF_A_CLASS = 5
# They bound the cost of the check, some 20 ms and 40 MB.
MOST_ROWS = 400
MOST_COLUMNS = 500
MOST_VALUES = 10**7
# With a larger residual of the scaled rows more than the shares differs, even if the outputs of a
# classifier agree: those of two classes agree by chance. Chosen on benchmarks/selection.
ROWS_APART = 0.25
_COLUMNS_COMPARED = 100
PENALTY = 0.1  # of the ridge regression, for each row
_N_NAMED = 3

_CHECKS: ContextVar[bool] = ContextVar("checks_shares", default=True)


class AdaptationWarning(UserWarning):
    """Adapting to the rows of the target, as they are, may do harm."""


@contextmanager
def shares_unchecked() -> Iterator[None]:
    """Omit this check inside the with block, for a search, which has a check of its own."""
    token = _CHECKS.set(False)
    try:
        yield
    finally:
        _CHECKS.reset(token)


def warn_of_other_shares(domains: DomainPair, classes: np.ndarray) -> None:
    """Warn if a linear classifier finds that other shares of the classes explain the shift."""
    if not _CHECKS.get():
        return
    shares = domains.class_shares(len(classes))
    with np.errstate(all="ignore"):  # the user's setting may be stricter
        fit = linear_fit(domains, shares)
    if fit is None or not fit.plausible:
        return
    warnings.warn(
        "Adapting may do harm: the rows of the target look like those of the source with other "
        f"shares of the classes, {describe_shares(classes, fit.shares, shares)}. Adapting as if "
        "the shares were equal makes rows of different classes alike. Pass "
        "target_priors='estimate', or the shares if you know them, or search over lam with "
        "LambdaSearchCV, which refuses to adapt where it would hurt. AdaptationWarning is the "
        "category to filter.",
        AdaptationWarning,
        stacklevel=4,
    )


def describe_shares(
    classes: np.ndarray, found: np.ndarray, of_source: np.ndarray, n_named: int = _N_NAMED
) -> str:
    """Name the classes whose shares differ most.

    >>> describe_shares(np.array(["ill", "well"]), np.array([0.1, 0.9]), np.array([0.5, 0.5]))
    "'ill': about 0.10 (source 0.50), 'well': about 0.90 (source 0.50)"
    """
    most = np.sort(np.argsort(-np.abs(found - of_source), kind="stable")[:n_named])
    labels = classes.tolist()
    return ", ".join(
        f"{labels[k]!r}: about {found[k]:.2f} (source {of_source[k]:.2f})" for k in most
    )


def linear_fit(domains: DomainPair, shares: np.ndarray) -> LabelShiftFit | None:
    """Fit the shares to the outputs of a ridge classifier, leave-one-out on the source.

    The result is None for few rows, for rows that a linear model cannot read or that are slow to
    fetch, and where the rows themselves differ too much.
    """
    source, target = domains.source, domains.target
    if not (isinstance(source, ArrayRows) and isinstance(target, ArrayRows)):
        return None
    most = min(MOST_ROWS, MOST_VALUES // int(np.prod(source.array.shape[1:])))
    rng = np.random.RandomState(0)
    rows = np.unique(domains.subset[_sample(len(domains.subset), most, rng)])
    if min(len(rows), len(target)) < LEAST_ROWS or source.dtype != torch.float32:
        return None
    y = domains.y_source[rows]
    if np.bincount(y, minlength=len(shares)).min() < LEAST_OF_A_CLASS:
        return None
    X, X_target = _flat(source, rows), _flat(target, _sample(len(target), most, rng))
    scaler = StandardScaler().fit(X)
    X, X_target = scaler.transform(X), scaler.transform(X_target)
    left_out, of_target = _ridge(X, 2 * np.eye(len(shares))[y] - 1, X_target)
    fit = fit_shares(left_out, y, of_target, shares)
    if not fit.plausible:
        return fit
    rows_alone = fit_shares(
        _some(X, _COLUMNS_COMPARED), y, _some(X_target, _COLUMNS_COMPARED), shares
    )
    return fit if rows_alone.residual <= ROWS_APART else None


def _sample(n: int, most: int, rng: np.random.RandomState) -> np.ndarray:
    """Return different numbers below n, without a list of all of them."""
    found: np.ndarray = sample_without_replacement(n, min(n, most), random_state=rng)
    return found


def _ridge(X: np.ndarray, Y: np.ndarray, X_target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the predictions of ridge regression for each row left out, and for the target.

    `sklearn.linear_model.RidgeCV` would take several times as long, in every fit.
    """
    mean = Y.mean(axis=0)
    maps = np.linalg.solve(X.T @ X + PENALTY * len(X) * np.eye(X.shape[1]), X.T)
    weights = maps @ (Y - mean)
    leverage = np.einsum("ij,ji->i", X, maps)[:, np.newaxis]
    left_out = Y - (Y - mean - X @ weights) / (1 - leverage)
    return left_out, X_target @ weights + mean


def _flat(rows: ArrayRows, indices: np.ndarray) -> np.ndarray:
    """Return rows as vectors, with `MOST_COLUMNS` of their columns or pixels at most."""
    (batch,) = rows.batches([indices])
    return _some(batch.flatten(1).numpy().astype(np.float64), MOST_COLUMNS)


def _some(X: np.ndarray, most: int) -> np.ndarray:
    return X[:, :: -(-X.shape[1] // most)]
