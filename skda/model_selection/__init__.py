"""Choosing a model without target labels: validators, scorers, a collapse guard, a search."""

from skda.model_selection.clusters import class_ami
from skda.model_selection.confidence import (
    information_maximization,
    negative_entropy,
    nuclear_norm_score,
    soft_neighborhood_density,
)
from skda.model_selection.display import LambdaCurveDisplay
from skda.model_selection.distance import proxy_a_distance
from skda.model_selection.domain_classifier import density_ratio
from skda.model_selection.evidence import ArrayEvidence, EstimatorEvidence
from skda.model_selection.guard import GuardVerdict, collapse_guard
from skda.model_selection.importance import (
    deep_embedded_validation,
    importance_weighted_accuracy,
    row_losses,
    source_accuracy,
)
from skda.model_selection.mixval import mixval
from skda.model_selection.reverse import reverse_validation
from skda.model_selection.scorers import ValidatorScorer, make_validator_scorer
from skda.model_selection.search import LambdaSearchCV
from skda.model_selection.validators import compute_validator, get_validator_names

__all__ = [
    "ArrayEvidence",
    "EstimatorEvidence",
    "GuardVerdict",
    "LambdaCurveDisplay",
    "LambdaSearchCV",
    "ValidatorScorer",
    "class_ami",
    "collapse_guard",
    "compute_validator",
    "deep_embedded_validation",
    "density_ratio",
    "get_validator_names",
    "importance_weighted_accuracy",
    "information_maximization",
    "make_validator_scorer",
    "mixval",
    "negative_entropy",
    "nuclear_norm_score",
    "proxy_a_distance",
    "reverse_validation",
    "row_losses",
    "soft_neighborhood_density",
    "source_accuracy",
]
