"""What the pages use of the search that is not public, in one place."""

from typing import Any

from skda.inspection._accuracy_methods import METHODS as ACCURACY_METHODS
from skda.inspection._accuracy_methods import HeldOut
from skda.model_selection import EstimatorEvidence
from skda.model_selection._choice import (
    DEFAULT_VALIDATOR,
    STABILITY_TOLERANCE,
    guard_candidate,
    is_unstable,
    pooled_accuracy,
)
from skda.model_selection._fit_and_score import DomainData, fit_on, training_part
from skda.model_selection._fit_and_score import FoldResult as Trial
from skda.model_selection._random import derive_random_state as own_stream
from skda.model_selection._split import DomainFold, split_domains, take_rows
from skda.model_selection.validators.agreement import (
    AGREEMENT,
    agreement_of_folds,
    agreement_with_mean,
    mean_z_score,
)
from skda.model_selection.validators.guard import class_entropy

__all__ = [
    "ACCURACY_METHODS",
    "AGREEMENT",
    "DEFAULT_VALIDATOR",
    "STABILITY_TOLERANCE",
    "DomainData",
    "DomainFold",
    "HeldOut",
    "Trial",
    "agreement_of_folds",
    "agreement_with_mean",
    "class_entropy",
    "fit_on",
    "guard_candidate",
    "held_out",
    "is_unstable",
    "mean_z_score",
    "own_stream",
    "pooled_accuracy",
    "split_domains",
    "take_rows",
    "training_part",
]


def held_out(fitted: Any, data: DomainData, fold: DomainFold) -> EstimatorEvidence:
    """Return what validators see of a model: the held-out rows, no label of the target."""
    return EstimatorEvidence(
        fitted,
        take_rows(data.X_source, fold.source_test),
        data.y_source[fold.source_test],
        take_rows(data.X_target, fold.target_test),
    )
