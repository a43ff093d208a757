"""Inspection: trainings, layers that transfer, shares of the classes and accuracy in the target."""

from ._history_display import TrainingHistoryDisplay
from ._target_accuracy import AccuracyEstimate, estimate_accuracy
from ._target_priors import TargetPriors, estimate_target_priors
from ._target_temperature import estimate_target_temperature
from ._transferability import TransferabilityCurve, transferability_curve
from ._transferability_display import TransferabilityDisplay

__all__ = [
    "AccuracyEstimate",
    "TargetPriors",
    "TrainingHistoryDisplay",
    "TransferabilityCurve",
    "TransferabilityDisplay",
    "estimate_accuracy",
    "estimate_target_priors",
    "estimate_target_temperature",
    "transferability_curve",
]
