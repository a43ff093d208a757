"""DDC's choice of the bottleneck: the layer and the width of least MMD."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from sklearn.base import clone
from sklearn.utils import Bunch

from .losses import linear_mmd2

__all__ = ["select_bottleneck"]


def select_bottleneck(
    estimator: Any,
    X_source: Any,
    y_source: Any,
    X_target: Any,
    *,
    widths: Iterable[int] = (64, 128, 256, 512),
) -> Bunch:
    r"""Choose the width of `DDCClassifier`'s bottleneck by least MMD, without target labels.

    Parameters
    ----------
    estimator : DDCClassifier
        Unfitted; cloned for each width and trained on the source alone (``lam=0``), as the paper
        does before it adapts.
    X_source : array-like of shape (n_source, ...)
    y_source : array-like of shape (n_source,)
    X_target : array-like of shape (n_target, ...)
    widths : iterable of int, default=(64, 128, 256, 512)
        Candidates.

    Returns
    -------
    Bunch
        width : int
            The width of least MMD.
        mmd : dict from int to float
            The relative distance of the means of each width.
        estimator : DDCClassifier
            The unfitted estimator with the chosen `bottleneck_width`.

    Notes
    -----
    The distance of the means grows with the features themselves, so it is divided by their mean
    squared length: :math:`\lVert \bar f_s - \bar f_t \rVert^2 / \overline{\lVert f \rVert^2}`.
    To choose the layer as well, call it for several values of `adapt_layers` and compare.

    References
    ----------
    .. [1] Tzeng, E. et al. (2014). Deep domain confusion: maximizing for domain invariance.
       arXiv:1412.3474, section 3.

    Examples
    --------
    >>> from skda import DDCClassifier, select_bottleneck
    >>> from skda.datasets import make_rotated_moons
    >>> moons = make_rotated_moons(random_state=0)
    >>> choice = select_bottleneck(
    ...     DDCClassifier(max_epochs=5, random_state=0),
    ...     moons.X_source, moons.y_source, moons.X_target, widths=(4, 16),
    ... )
    >>> choice.estimator.bottleneck_width == choice.width == min(choice.mmd, key=choice.mmd.get)
    True
    """
    mmd = {}
    for width in widths:
        source_only = clone(estimator).set_params(lam=0, bottleneck_width=width)
        source_only.fit(X_source, y_source, X_target)
        # source statistics for both: the network has not seen the target yet
        rows = [
            torch.from_numpy(source_only.transform(X, domain="source"))
            for X in (X_source, X_target)
        ]
        length = torch.cat(rows).square().sum(dim=1).mean()
        mmd[width] = (linear_mmd2(*rows) / length).item()
    if not mmd:
        raise ValueError("The 'widths' parameter must hold at least one width. Got none.")
    best = min(mmd, key=lambda width: mmd[width])
    return Bunch(width=best, mmd=mmd, estimator=clone(estimator).set_params(bottleneck_width=best))
