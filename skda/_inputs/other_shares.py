"""A warning before the training: only the shares of the classes seem to differ."""

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

# of each domain: with fewer, the distances are noise
LEAST_ROWS = 100
LEAST_OF_A_CLASS = 5
# what the check may cost: some 20 ms and 40 MB
MOST_ROWS = 400
MOST_COLUMNS = 500
MOST_VALUES = 10**7
# Residual of the scaled rows themselves from which more than the shares differs, whatever a
# classifier makes of them: outputs of two classes agree by chance. Chosen on benchmarks/selection.
ROWS_APART = 0.25
_COLUMNS_COMPARED = 100
# of the ridge regression, a row
PENALTY = 0.1
_N_NAMED = 3

_CHECKS: ContextVar[bool] = ContextVar("checks_shares", default=True)


class AdaptationWarning(UserWarning):
    """The target's rows speak against adapting to them as they are."""


@contextmanager
def shares_unchecked() -> Iterator[None]:
    """Train without this check inside the with block, as a search does, which has its own."""
    token = _CHECKS.set(False)
    try:
        yield
    finally:
        _CHECKS.reset(token)


def warn_of_other_shares(domains: DomainPair, classes: np.ndarray) -> None:
    """Warn if a linear classifier finds that other shares of the classes explain the shift.

    Parameters
    ----------
    domains : DomainPair
    classes : ndarray of shape (n_classes,)
        The labels.
    """
    if not _CHECKS.get():
        return
    shares = domains.class_shares(len(classes))
    with np.errstate(all="ignore"):  # the user's may be stricter
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

    Examples
    --------
    >>> describe_shares(np.array(["ill", "well"]), np.array([0.1, 0.9]), np.array([0.5, 0.5]))
    "'ill': about 0.10 (source 0.50), 'well': about 0.90 (source 0.50)"
    """
    most = np.sort(np.argsort(-np.abs(found - of_source), kind="stable")[:n_named])
    labels = classes.tolist()
    return ", ".join(
        f"{labels[k]!r}: about {found[k]:.2f} (source {of_source[k]:.2f})" for k in most
    )


def linear_fit(domains: DomainPair, shares: np.ndarray) -> LabelShiftFit | None:
    """Fit the shares to the outputs of a ridge classifier, left-one-out on the source.

    None where there are too few rows, or rows that a linear model cannot read or that are dear to
    fetch, or where the rows themselves are too far apart.
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

    `sklearn.linear_model.RidgeCV` does it in several times the time, which every fit would take.
    """
    mean = Y.mean(axis=0)
    maps = np.linalg.solve(X.T @ X + PENALTY * len(X) * np.eye(X.shape[1]), X.T)
    weights = maps @ (Y - mean)
    leverage = np.einsum("ij,ji->i", X, maps)[:, np.newaxis]
    left_out = Y - (Y - mean - X @ weights) / (1 - leverage)
    return left_out, X_target @ weights + mean


def _flat(rows: ArrayRows, indices: np.ndarray) -> np.ndarray:
    """Return rows as vectors, of images only so many pixels that they cost little."""
    (batch,) = rows.batches([indices])
    return _some(batch.flatten(1).numpy().astype(np.float64), MOST_COLUMNS)


def _some(X: np.ndarray, most: int) -> np.ndarray:
    return X[:, :: -(-X.shape[1] // most)]
