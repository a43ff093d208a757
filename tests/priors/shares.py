"""Rows with known class probabilities, and classes of other shares in the target (label shift)."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax


def draw(n_rows, shares, rng, *, distance=2.0, counted=False):
    """Labels and exact probabilities, under equal shares, of Gaussian rows.

    With ``counted`` there are exactly ``shares * n_rows`` rows of each class.
    """
    shares = np.asarray(shares, dtype=float)
    n_classes = len(shares)
    if counted:
        y = np.repeat(np.arange(n_classes), np.round(shares * n_rows).astype(int))
    else:
        y = rng.choice(n_classes, n_rows, p=shares)
    X = rng.normal(size=(len(y), n_classes))
    X[np.arange(len(y)), y] += distance
    return y, softmax(distance * X, axis=1)


def sharpened(probabilities, power):
    """Probabilities that are overconfident by a known temperature, 1 / power."""
    raised = probabilities**power
    return raised / raised.sum(axis=1, keepdims=True)
