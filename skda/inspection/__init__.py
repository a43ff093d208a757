"""Inspection: distance of the domains, layers that transfer, shares and accuracy in the target."""

from ._separability import MMDTest, mmd_test, proxy_a_distance
from ._target_accuracy import AccuracyEstimate, estimate_accuracy
from ._target_priors import TargetPriors, estimate_target_priors
from ._target_temperature import estimate_target_temperature
from ._transferability import TransferabilityCurve, transferability_curve
from ._transferability_display import TransferabilityDisplay

__all__ = [
    "AccuracyEstimate",
    "MMDTest",
    "TargetPriors",
    "TransferabilityCurve",
    "TransferabilityDisplay",
    "estimate_accuracy",
    "estimate_target_priors",
    "estimate_target_temperature",
    "mmd_test",
    "proxy_a_distance",
    "transferability_curve",
]
