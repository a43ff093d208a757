"""Choosing a model without target labels: validators, scorers, a collapse guard, a search."""

from .._inputs.other_shares import AdaptationWarning
from ..io._names import register as _register
from ._source_scorer import SourceScorer, make_source_scorer
from .display import LambdaCurveDisplay
from .search import LambdaSearchCV
from .validators.clusters import class_ami
from .validators.confidence import (
    information_maximization,
    negative_entropy,
    nuclear_norm_score,
    soft_neighborhood_density,
)
from .validators.distance import proxy_a_distance
from .validators.domain_classifier import density_ratio
from .validators.guard import GuardVerdict, collapse_guard
from .validators.importance import (
    deep_embedded_validation,
    importance_weighted_accuracy,
    row_losses,
    source_accuracy,
)
from .validators.inputs import ArrayEvidence, EstimatorEvidence
from .validators.mixval import mixval
from .validators.registry import compute_validator, get_validator_names
from .validators.reverse import reverse_validation
from .validators.scorer import ValidatorScorer, make_validator_scorer
from .validators.thresholded import thresholded_accuracy

__all__ = [
    "AdaptationWarning",
    "ArrayEvidence",
    "EstimatorEvidence",
    "GuardVerdict",
    "LambdaCurveDisplay",
    "LambdaSearchCV",
    "SourceScorer",
    "ValidatorScorer",
    "class_ami",
    "collapse_guard",
    "compute_validator",
    "deep_embedded_validation",
    "density_ratio",
    "get_validator_names",
    "importance_weighted_accuracy",
    "information_maximization",
    "make_source_scorer",
    "make_validator_scorer",
    "mixval",
    "negative_entropy",
    "nuclear_norm_score",
    "proxy_a_distance",
    "reverse_validation",
    "row_losses",
    "soft_neighborhood_density",
    "source_accuracy",
    "thresholded_accuracy",
]

_register(LambdaSearchCV)
