"""Shares of the classes in the target, and probabilities that are right for them, on arrays."""

from ._bbse import bbse_priors, confusion_matrix_of_shares
from ._calibration import (
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    match_confidence,
)
from ._correction import correct_probabilities
from ._label_shift import LabelShiftFit, label_shift_fit
from ._mlls import mlls_priors

__all__ = [
    "LabelShiftFit",
    "apply_temperature",
    "bbse_priors",
    "confusion_matrix_of_shares",
    "correct_probabilities",
    "expected_calibration_error",
    "fit_temperature",
    "label_shift_fit",
    "match_confidence",
    "mlls_priors",
]
