"""The training engine: the interface of the second term, the skorch net, the loader."""

from .data.device import move_to_device
from .data.domains import DomainPair
from .data.loader import Batch, TwoDomainLoader
from .data.rows import ArrayRows, DatasetRows, Rows, as_rows, even_batches
from .domain_module import DomainModule
from .errors import DivergenceError
from .net import AdaptationNet
from .pairwise import PairwiseTerm
from .predict import outputs_by_batch, predict_features, predict_logits
from .recipes.schedules import (
    LAM_SCHEDULES,
    LR_SCHEDULES,
    Schedule,
    constant,
    inverse_decay,
    ramp,
)
from .recipes.tuning import average_with_start
from .regression_net import RegressionNet
from .rng import Seeds, isolated_rng
from .term import (
    AdaptationTerm,
    BothDomains,
    Discrepancy,
    DomainOutput,
    TargetTerm,
    features_of_both,
    one_logit_a_row,
)

__all__ = [
    "LAM_SCHEDULES",
    "LR_SCHEDULES",
    "AdaptationNet",
    "AdaptationTerm",
    "ArrayRows",
    "Batch",
    "BothDomains",
    "DatasetRows",
    "Discrepancy",
    "DivergenceError",
    "DomainModule",
    "DomainOutput",
    "DomainPair",
    "PairwiseTerm",
    "RegressionNet",
    "Rows",
    "Schedule",
    "Seeds",
    "TargetTerm",
    "TwoDomainLoader",
    "as_rows",
    "average_with_start",
    "constant",
    "even_batches",
    "features_of_both",
    "inverse_decay",
    "isolated_rng",
    "move_to_device",
    "one_logit_a_row",
    "outputs_by_batch",
    "predict_features",
    "predict_logits",
    "ramp",
]
