"""Shares of the classes in the target: those that a user gives, checked, or estimated ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import softmax

from ..priors import bbse_priors
from ..training import AdaptationNet, DomainPair
from ..training.predict import predict_logits
from .host import by_class, is_series

__all__ = ["check_priors", "estimate_priors", "mixed_with_source"]

_MUST = "The 'target_priors' parameter must be None, 'estimate', or the shares of the classes"
_HELD_OUT = 0.25  # of the rows of each class
_SOURCE_PART = 0.05


def check_priors(priors: Any, classes: np.ndarray) -> np.ndarray:
    """Return the shares of the classes in the target, in the order of `classes`, as float64.

    They are an array of shape (n_classes,), or a mapping or a Series from label to share. Raises
    ValueError unless there is a share of each class, none is negative, and the sum is 1.
    """
    labels = classes.tolist()
    kind = "Series" if is_series(priors) else "mapping"
    priors = by_class(priors, "target_priors")
    if isinstance(priors, dict):
        unknown = [label for label in priors if label not in labels]
        missing = [label for label in labels if label not in priors]
        if unknown or missing:
            raise ValueError(
                f"{_MUST}, one for each class of y_source, {labels}. Got a {kind} "
                + (f"with unknown classes {unknown}." if unknown else f"without {missing}.")
            )
        priors = [priors[label] for label in labels]
    try:
        shares = np.asarray(priors, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{_MUST} as numbers. Got {priors!r} instead.") from None
    if shares.shape != classes.shape:
        raise ValueError(
            f"{_MUST} in the order {labels}: {len(labels)} numbers. Got shape {shares.shape}."
        )
    if not (np.isfinite(shares).all() and (shares >= 0).all()):
        raise ValueError(f"{_MUST}, each at least 0. Got {shares.tolist()}.")
    if abs(shares.sum() - 1) > 1e-3:
        raise ValueError(
            f"{_MUST}, which sum to 1. Got {shares.tolist()}, of sum {shares.sum():g}."
        )
    return shares


def estimate_priors(
    domains: DomainPair, classes: np.ndarray, train: Callable[[DomainPair], AdaptationNet]
) -> np.ndarray:
    """Estimate the shares of the classes in the target by a short source-only training (BBSE).

    `train` trains the source-only network, on three quarters of the source rows. Its confusion
    matrix on the other rows and its mean probabilities on the target give the shares. Target rows
    are normalised by the source's batch statistics, like the held-out rows.
    """
    if domains.target is None:
        raise ValueError(f"{_MUST}. 'estimate' needs the rows of the target: pass X_target.")
    held_out = _held_out(domains, classes)
    net = train(domains.only(~np.isin(domains.subset, held_out)))
    of_source = predict_logits(net.domain_module_, domains.source, "source", held_out)
    of_target = predict_logits(net.domain_module_, domains.target, "source")
    shares = bbse_priors(
        softmax(of_source, axis=1),
        domains.y_source[held_out],
        softmax(of_target, axis=1),
        classes=np.arange(len(classes)),
    )
    return mixed_with_source(shares, domains.class_shares(len(shares)))


def mixed_with_source(shares: np.ndarray, of_source: np.ndarray) -> np.ndarray:
    """Mix estimated shares with the source's, so that no error can exclude a class."""
    mixed: np.ndarray = (1 - _SOURCE_PART) * shares + _SOURCE_PART * of_source
    return mixed


def _held_out(domains: DomainPair, classes: np.ndarray) -> np.ndarray:
    """Return the indices of a quarter of the source rows of each class, one at least."""
    rows = np.unique(domains.subset)
    y = domains.y_source[rows]
    found = []
    for k, label in enumerate(classes.tolist()):
        of_class = np.random.default_rng(k).permutation(rows[y == k])
        if len(of_class) < 2:
            raise ValueError(
                f"{_MUST}. 'estimate' needs two rows of each class in y_source, and class "
                f"{label!r} has {len(of_class)}. Pass the shares."
            )
        found.append(of_class[: max(1, round(_HELD_OUT * len(of_class)))])
    return np.concatenate(found)
