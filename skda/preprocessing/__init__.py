"""Scalers for each domain, features of pretrained networks, the base class of transformers."""

from .._pretrained_features import PretrainedFeatures
from ._base import DomainTransformer
from ._conditions import DomainConditionScaler
from ._scalers import DomainScaler, DomainStandardScaler

__all__ = [
    "DomainConditionScaler",
    "DomainScaler",
    "DomainStandardScaler",
    "DomainTransformer",
    "PretrainedFeatures",
]
