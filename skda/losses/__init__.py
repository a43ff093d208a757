"""Adaptation losses: pure functions on tensors, and modules that call them."""

from ._core.distances import median_bandwidth, squared_distances
from ._core.kernels import gaussian_kernel_mean
from .adversarial import (
    DomainBCELoss,
    WassersteinCriticLoss,
    domain_bce,
    entropy_weights,
    gradient_penalty,
    pooled_domain_bce,
    wasserstein_critic,
)
from .conditional import outer_product_map, randomized_map
from .confusion import (
    BNMLoss,
    ClassifierDiscrepancyLoss,
    MCCLoss,
    MDDLoss,
    classifier_discrepancy,
    mcc,
    mdd,
    nuclear_norm,
)
from .covariance import CORALLoss, coral
from .gram import DAREGRAMLoss, dare_gram
from .jmmd import JAN_SOFTMAX_BANDWIDTH, JMMDLoss, jmmd2
from .mmd import GaussianMMDLoss, LinearMMDLoss, MKMMDLoss, gaussian_mmd2, linear_mmd2, mk_mmd2
from .moments import MomentDistanceLoss, moment_distance
from .subspace import RSDLoss, rsd
from .transport import DeepJDOTLoss, deepjdot, jdot_cost, optimal_coupling
from .uncertainty import EntropyLoss, PseudoLabelLoss, entropy, pseudo_label, row_entropy
from .weighting import kernel_weights

__all__ = [
    "JAN_SOFTMAX_BANDWIDTH",
    "BNMLoss",
    "CORALLoss",
    "ClassifierDiscrepancyLoss",
    "DAREGRAMLoss",
    "DeepJDOTLoss",
    "DomainBCELoss",
    "EntropyLoss",
    "GaussianMMDLoss",
    "JMMDLoss",
    "LinearMMDLoss",
    "MCCLoss",
    "MDDLoss",
    "MKMMDLoss",
    "MomentDistanceLoss",
    "PseudoLabelLoss",
    "RSDLoss",
    "WassersteinCriticLoss",
    "classifier_discrepancy",
    "coral",
    "dare_gram",
    "deepjdot",
    "domain_bce",
    "entropy",
    "entropy_weights",
    "gaussian_kernel_mean",
    "gaussian_mmd2",
    "gradient_penalty",
    "jdot_cost",
    "jmmd2",
    "kernel_weights",
    "linear_mmd2",
    "mcc",
    "mdd",
    "median_bandwidth",
    "mk_mmd2",
    "moment_distance",
    "nuclear_norm",
    "optimal_coupling",
    "outer_product_map",
    "pooled_domain_bce",
    "pseudo_label",
    "randomized_map",
    "row_entropy",
    "rsd",
    "squared_distances",
    "wasserstein_critic",
]
