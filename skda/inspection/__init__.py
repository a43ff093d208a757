"""Inspection: distance of the domains, layers that transfer, what to expect in the target."""

from ._confusion_display import ConfusionByDomainDisplay
from ._domain_shift_display import DomainShiftDisplay
from ._embedding_display import EmbeddingDisplay
from ._feature_shift import feature_shift
from ._history_display import TrainingHistoryDisplay
from ._priors_display import PriorsDisplay
from ._report import domain_report
from ._report_object import DomainReport, DomainState
from ._separability import MMDTest, mmd_test, proxy_a_distance
from ._target_accuracy import AccuracyEstimate, estimate_accuracy
from ._target_error import ErrorEstimate, estimate_error
from ._target_priors import TargetPriors, estimate_target_priors
from ._target_temperature import estimate_target_temperature
from ._transferability import TransferabilityCurve, transferability_curve
from ._transferability_display import TransferabilityDisplay

__all__ = [
    "AccuracyEstimate",
    "ConfusionByDomainDisplay",
    "DomainReport",
    "DomainShiftDisplay",
    "DomainState",
    "EmbeddingDisplay",
    "ErrorEstimate",
    "MMDTest",
    "PriorsDisplay",
    "TargetPriors",
    "TrainingHistoryDisplay",
    "TransferabilityCurve",
    "TransferabilityDisplay",
    "domain_report",
    "estimate_accuracy",
    "estimate_error",
    "estimate_target_priors",
    "estimate_target_temperature",
    "feature_shift",
    "mmd_test",
    "proxy_a_distance",
    "transferability_curve",
]
