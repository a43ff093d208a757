"""Base classes of all estimators."""

from ._adapting import AdaptingEstimator
from ._classifier import AdaptingClassifier, DomainClassifier
from ._estimator import DomainEstimator

__all__ = ["AdaptingClassifier", "AdaptingEstimator", "DomainClassifier", "DomainEstimator"]
