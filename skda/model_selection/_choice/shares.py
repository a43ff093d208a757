"""Whether other class shares explain how the outputs of source-only models differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..._inputs.other_shares import LEAST_ROWS, describe_shares
from ...priors import label_shift_fit
from ...priors._labels import source_shares
from .._training.fit_and_score import FoldResult
from .._training.pooled_shares import can_tell_shares, outputs_of, pooled_shares

__all__ = ["NO_ESTIMATE", "OTHER_SHARES", "other_shares", "unknown_shares"]

OTHER_SHARES = "other class shares in the target"
NO_ESTIMATE = "the class shares of the target cannot be estimated"
# An estimate is not believed above this residual of `label_shift_fit`, a share of the spread of the
# target's outputs. Chosen on tasks of benchmarks/selection and benchmarks/share_warning.
TOO_FAR = 0.1


def other_shares(source_only: Sequence[FoldResult], tolerance: float) -> str:
    """Return how other class shares, and nothing else, explain the shift; empty if they do not.

    `source_only` are the results of lam 0 in the folds; `tolerance` is how far the shares may be
    from the source's, in total variation.
    """
    if any(result.proba_source is None or result.proba_target is None for result in source_only):
        return ""
    if not can_tell_shares(source_only):
        return ""
    proba, labels, of_target = outputs_of(source_only)
    if min(len(labels), len(of_target)) < LEAST_ROWS:
        return ""
    fit = label_shift_fit(proba, labels, of_target)
    classes, shares = np.unique(labels), source_shares(labels)
    if not fit.plausible or np.abs(fit.shares - shares).sum() / 2 <= tolerance:
        return ""
    return (
        f"{OTHER_SHARES} explain how the source-only models' predictions differ between the "
        f"domains, {describe_shares(classes, fit.shares, shares)}: their energy distance falls "
        f"from {fit.distance:.3f} to {fit.residual:.3f} with these shares. Adapting as if the "
        "shares were equal then does harm"
    )


def unknown_shares(source_only: Sequence[FoldResult], tolerance: float) -> str:
    """Return why an estimate of other class shares is not to be believed; empty if it is.

    `source_only` are the results of lam 0 in the folds. An estimate is believed in any case if its
    distance from the source's shares, in total variation, is at most `tolerance`.
    """
    if tolerance >= 1:
        return ""
    if any(result.failure for result in source_only):
        return f"{NO_ESTIMATE}: a source-only training diverged"
    if not can_tell_shares(source_only):
        return f"{NO_ESTIMATE}: the rows of a fold lack a class"
    proba, labels, of_target = outputs_of(source_only)
    found, shares = pooled_shares(source_only), source_shares(labels)
    residual = label_shift_fit(proba, labels, of_target).residual
    if residual <= TOO_FAR or np.abs(found - shares).sum() / 2 <= tolerance:
        return ""
    return (
        f"{NO_ESTIMATE}: no shares explain how the source-only models' predictions differ between "
        f"the domains (their energy distance stays at {residual:.2f}), so that the estimate, "
        f"{describe_shares(np.unique(labels), found, shares)}, may be far off"
    )
