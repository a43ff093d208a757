"""Warnings of a search whose results on the target speak against adapting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._training.fit_and_score import CandidateResults
from .guard import HIDDEN, UNSURE
from .shares import NO_ESTIMATE, OTHER_SHARES

__all__ = ["refusal", "sign_of_harm"]

_TOLERANCE = 0.1  # smaller differences are noise of a few hundred rows


def sign_of_harm(
    results: CandidateResults,
    lams: NDArray[np.float64],
    stability: NDArray[np.float64],
    chosen: int,
) -> str:
    """Return a warning where the chosen model fits the target worse than the source-only model.

    Two estimates of the accuracy on the target are added: the share of held-out rows on which the
    models of the folds agree, and `thresholded_accuracy`. There is a sign of harm if the sum falls
    by more than .1; otherwise the warning is empty. `lams` and the mean stability have shape
    (n_candidates,); the lam of the candidate `chosen` is above 0.
    """
    sure = np.array([np.mean([result.sure for result in of_one]) for of_one in results])
    estimate = stability + sure
    reference = np.flatnonzero(lams == 0)
    reference = reference[np.isfinite(estimate[reference])]
    plain = reference[estimate[reference].argmax()]
    if not estimate[chosen] < estimate[plain] - _TOLERANCE:
        return ""
    return (
        f"Adapting with lam={lams[chosen]:g} may have done harm: on held-out target rows the "
        f"models of the folds agree on {stability[chosen]:.2f}, and are sure of "
        f"{sure[chosen]:.2f}; the source-only models agree on {stability[plain]:.2f} and are sure "
        f"of {sure[plain]:.2f}. "
        "This happens where the classes have other shares in the target. Try target_priors (the "
        "shares, or 'estimate'), or lams=[0]. AdaptationWarning is the category to filter."
    )


def refusal(table: Mapping[str, Any], lams: NDArray[np.float64]) -> str:
    """Return a warning where only the guard kept a search from adapting, because of class shares.

    `table` is `cv_results_` of a search that chose lam 0; `lams` has shape (n_candidates,). If
    another reason kept the search from adapting, the warning is empty.
    """
    best = int(np.nanargmax(table["mean_test_score"]))
    reason = str(table["guard_reason"][best])
    if reason.startswith(OTHER_SHARES):
        return (
            f"The search did not adapt. lam={lams[best]:g} scores best, but {reason}. Pass the "
            "shares as target_priors of the estimator if you know them, or 'estimate': the search "
            "then does not refuse for this. Fitting the estimator itself with 'estimate' is "
            "bolder. AdaptationWarning is the category to filter."
        )
    if reason.startswith(NO_ESTIMATE):
        return (
            f"The search did not adapt. lam={lams[best]:g} scores best, but {reason}. Pass the "
            "shares as target_priors if you know them, also where they are those of the source. "
            "AdaptationWarning is the category to filter."
        )
    if not reason.startswith(UNSURE):
        return ""
    whose = "those of a smaller lam" if reason == HIDDEN else "its models"
    return (
        f"The search did not adapt. lam={lams[best]:g} scores best, but {whose} are less sure "
        "of the target than the source-only models, as where adapting does harm because the "
        "classes have other shares in the target. Your knowledge decides: pass the shares as "
        "target_priors of the estimator, which may be those of the source; the search then does "
        "not ask for sureness. AdaptationWarning is the category to filter."
    )
