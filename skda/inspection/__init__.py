"""Inspection of networks: which of their layers transfer."""

from ._transferability import TransferabilityCurve, transferability_curve
from ._transferability_display import TransferabilityDisplay

__all__ = ["TransferabilityCurve", "TransferabilityDisplay", "transferability_curve"]
