"""Base classes of all estimators."""

from ._adapting import AdaptingEstimator
from ._classifier import AdaptingClassifier, DomainClassifier
from ._estimator import DomainEstimator
from ._regressor import AdaptingRegressor, DomainRegressor
from ._tuning import TunableEstimator

__all__ = [
    "AdaptingClassifier",
    "AdaptingEstimator",
    "AdaptingRegressor",
    "DomainClassifier",
    "DomainEstimator",
    "DomainRegressor",
    "TunableEstimator",
]
