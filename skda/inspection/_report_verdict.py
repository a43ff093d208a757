"""The sentences of a report, from what was measured, and the thresholds that they depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest, entropy

from ._report_object import ADAPTED, SOURCE_ONLY, DomainState
from ._target_priors import TargetPriors

__all__ = ["Measured", "find"]

# A linear classifier then errs on 42 % of the rows of a domain, or more: by chance, the distance of
# equal domains is within .3 of 0 for the few hundred rows of the benchmark's tasks.
BARELY_SEPARABLE = 0.3
# A linear classifier does not see a rotation; the MMD does. Moons that are turned by 35 degrees
# have .03 or more, equal samples at most .003, in the same units (kernels are at most 1, columns
# have unit deviation). A p-value above the level is no sign of a difference.
SMALL_MMD2, LEVEL = 0.005, 0.05
# The accuracy cannot change by more than the share of rows that are predicted differently.
HARDLY_CHANGED = 0.97
# The tolerance of `collapse_guard`, which the search uses.
SOURCE_LOSS = 0.05
# As a share of what can be expected: the default of `collapse_guard`.
MIN_ENTROPY_RATIO = 0.5
# Least part of the rows that would have to change class for the source's shares to lie within the
# intervals of the estimate. On the benchmark's tasks, three seeds, the sentence was true 15 times
# of 16; with a limit of .05 for a single class, 16 times of 22.
SHARES_DIFFER = 0.14
# If the source, drawn with the estimated shares, is still so far from the target, then other shares
# do not explain the distance, and the confusion matrix of the source says little about the target:
# on the benchmark's tasks above this limit, most estimates were wrong by 20 to 70 points.
SEVERE_SHIFT = 1.4


class Measured(NamedTuple):
    """What the sentences depend on.

    Attributes
    ----------
    states : dict of str to DomainState
    shares : TargetPriors
    agreement : float or None
        Share of target rows for which both models predict the same.
    forgotten, learnt : int
        Numbers of held-out source rows for which only the source-only model is right, and for
        which only the adapted model is.
    explained_distance : float
        Proxy A-distance of the features of the source-only model, with the source rows drawn by
        class with the estimated shares; NaN if too few rows are left.
    lam : float or None
        Weight of the adaptation loss; None if there is none.
    knows_shares : bool
        Whether the model was trained with `target_priors`.
    """

    states: Mapping[str, DomainState]
    shares: TargetPriors
    agreement: float | None
    forgotten: int
    learnt: int
    explained_distance: float
    lam: float | None
    knows_shares: bool


def find(measured: Measured) -> dict[str, str]:
    """Return the sentences by name, in the order in which they are shown."""
    found = {
        "same_model": _same_model(measured),
        "barely_separable": _barely_separable(measured),
        "hardly_changed": _hardly_changed(measured),
        "source_forgotten": _source_forgotten(measured),
        "collapsed": _collapsed(measured),
        "other_shares": _other_shares(measured),
        "shares_unknown": _shares_unknown(measured),
    }
    said = {name: sentence for name, sentence in found.items() if sentence}
    return said or {"no_sign": "Nothing that was measured speaks against adapting."}


def _same_model(measured: Measured) -> str:
    if measured.lam != 0:
        return ""
    return "lam=0: the estimator is the source-only model, and does not adapt."


def _barely_separable(measured: Measured) -> str:
    before = [state for name, state in measured.states.items() if name != ADAPTED]
    if not before or any(
        state.a_distance > BARELY_SEPARABLE
        or (state.mmd_pvalue < LEVEL and state.mmd2 > SMALL_MMD2)
        for state in before
    ):
        return ""
    return "The domains are barely separable: adapting will hardly matter."


def _hardly_changed(measured: Measured) -> str:
    if measured.agreement is None or measured.agreement < HARDLY_CHANGED or measured.lam == 0:
        return ""
    if measured.agreement == 1:
        return "Adapting changed nothing: every target row is predicted as before."
    return (
        f"Adapting hardly changed anything: {measured.agreement:.1%} of the target rows are "
        "predicted as before, so that the accuracy cannot have changed by more than "
        f"{100 * (1 - measured.agreement):.1f} points."
    )


def _before_and_after(measured: Measured, figure: str) -> tuple[Any, Any] | None:
    """Return a figure of both models; None where there is only one."""
    if SOURCE_ONLY not in measured.states:
        return None
    before, after = (getattr(measured.states[name], figure) for name in (SOURCE_ONLY, ADAPTED))
    return before, after


def _source_forgotten(measured: Measured) -> str:
    accuracies = _before_and_after(measured, "source_accuracy")
    changed = measured.forgotten + measured.learnt
    if accuracies is None or changed == 0:
        return ""
    before, after = accuracies
    # 1e-12: .8 - .75 is rounded to a little below .05
    if before - after < SOURCE_LOSS - 1e-12:
        return ""
    if binomtest(measured.forgotten, changed, alternative="greater").pvalue > LEVEL:
        return ""
    return (
        f"Source accuracy fell {100 * (before - after):.0f} points after adapting, from "
        f"{before:.2f} to {after:.2f}: suspect negative transfer, and try a smaller lam."
    )


def _collapsed(measured: Measured) -> str:
    predicted = _before_and_after(measured, "predicted_shares")
    if predicted is None:
        return ""
    before, after = predicted
    expected = min(entropy(measured.shares.priors_source), entropy(before))
    if entropy(after) >= MIN_ENTROPY_RATIO * expected:
        return ""
    largest = after.argmax()
    return (
        f"After adapting, {after[largest]:.0%} of the target rows are predicted to be of class "
        f"{measured.shares.classes[largest]!s}, before it {before[largest]:.0%}: the model seems "
        "to have collapsed. Try a smaller lam."
    )


def _severe(measured: Measured) -> bool:
    return not measured.explained_distance < SEVERE_SHIFT


def _other_shares(measured: Measured) -> str:
    shares = measured.shares
    low, high = shares.interval
    outside = np.maximum(low - shares.priors_source, shares.priors_source - high)
    if np.maximum(outside, 0).sum() / 2 < SHARES_DIFFER or _severe(measured):
        return ""
    most = outside.argmax()
    advice = (
        "compare them with the target_priors that were passed"
        if measured.knows_shares
        else "pass target_priors"
    )
    return (
        "The classes seem to have other shares in the target, such as "
        f"{shares.priors[most]:.0%} of class {shares.classes[most]!s}, of which the source has "
        f"{shares.priors_source[most]:.0%}: {advice}."
    )


def _shares_unknown(measured: Measured) -> str:
    if not _severe(measured) or measured.knows_shares:
        return ""
    return (
        "Whether the classes have other shares in the target cannot be told: the domains are too "
        "far apart, or the held-out rows too few. If they may have, adapting can do harm that no "
        "estimate here shows: pass target_priors if you know the shares."
    )
