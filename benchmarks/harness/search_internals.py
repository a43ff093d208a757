"""The internals of skda that the pages use, in one place."""

from typing import Any

from skda._inputs.other_shares import linear_fit
from skda.inspection._accuracy_methods import METHODS as ACCURACY_METHODS
from skda.inspection._accuracy_methods import HeldOut
from skda.model_selection import EstimatorEvidence
from skda.model_selection._choice.classification import DEFAULT_VALIDATOR
from skda.model_selection._choice.guard import (
    GUARD_OPTIONS,
    LEAST_ENTROPY_RATIO,
    MOST,
    OnTarget,
    guard_candidate,
    is_unstable,
    is_unsure,
    most_are_rejected,
    pooled_accuracy,
)
from skda.model_selection._choice.regression import DEFAULT_VALIDATOR as DEFAULT_OF_REGRESSORS
from skda.model_selection._choice.regression import choose_regressor
from skda.model_selection._random import derive_random_state as own_stream
from skda.model_selection._split import DomainFold, split_domains, take_rows
from skda.model_selection._training.candidates import lams_around, make_candidates
from skda.model_selection._training.fit_all import fit_all
from skda.model_selection._training.fit_and_score import DomainData, Plan, fit_on, training_part
from skda.model_selection._training.fit_and_score import FoldResult as Trial
from skda.model_selection.validators.agreement import (
    AGREEMENT,
    agreement_of_folds,
    agreement_with_mean,
    mean_z_score,
)
from skda.model_selection.validators.guard import class_entropy
from skda.model_selection.validators.numbers import scale_of, squared_errors
from skda.priors._label_shift import FAR, NEAR

__all__ = [
    "ACCURACY_METHODS",
    "AGREEMENT",
    "DEFAULT_OF_REGRESSORS",
    "DEFAULT_VALIDATOR",
    "FAR",
    "GUARD_OPTIONS",
    "LEAST_ENTROPY_RATIO",
    "MOST",
    "NEAR",
    "DomainData",
    "DomainFold",
    "HeldOut",
    "OnTarget",
    "Plan",
    "Trial",
    "agreement_of_folds",
    "agreement_with_mean",
    "choose_regressor",
    "class_entropy",
    "fit_all",
    "fit_on",
    "guard_candidate",
    "held_out",
    "is_unstable",
    "is_unsure",
    "lams_around",
    "linear_fit",
    "make_candidates",
    "mean_z_score",
    "most_are_rejected",
    "own_stream",
    "pooled_accuracy",
    "scale_of",
    "split_domains",
    "squared_errors",
    "take_rows",
    "training_part",
]


def held_out(fitted: Any, data: DomainData, fold: DomainFold) -> EstimatorEvidence:
    """Return what validators see of a model: held-out rows, but no label of the target."""
    return EstimatorEvidence(
        fitted,
        take_rows(data.X_source, fold.source_test),
        data.y_source[fold.source_test],
        take_rows(data.X_target, fold.target_test),
    )
