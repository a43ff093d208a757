"""Inspection: distance of the domains, layers that transfer, what to expect in the target."""

from ._displays.confusion import ConfusionByDomainDisplay
from ._displays.domain_shift import DomainShiftDisplay
from ._displays.embedding import EmbeddingDisplay
from ._displays.history import TrainingHistoryDisplay
from ._displays.priors import PriorsDisplay
from ._displays.transferability import TransferabilityDisplay
from ._feature_shift import feature_shift
from ._report import domain_report
from ._report_object import DomainReport, DomainState
from ._separability import MMDTest, mmd_test, proxy_a_distance
from ._target_accuracy import AccuracyEstimate, estimate_accuracy
from ._target_error import ErrorEstimate, estimate_error
from ._target_priors import TargetPriors, estimate_target_priors
from ._target_temperature import estimate_target_temperature
from ._transferability import TransferabilityCurve, transferability_curve

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
