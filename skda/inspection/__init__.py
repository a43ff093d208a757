"""Looking into networks: which of their layers transfer."""

from skda.inspection.transferability import TransferabilityCurve, transferability_curve
from skda.inspection.transferability_display import TransferabilityDisplay

__all__ = ["TransferabilityCurve", "TransferabilityDisplay", "transferability_curve"]
