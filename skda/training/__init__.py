"""The training engine: the skorch net, the two-domain batch loader, the schedules."""

from .adaptation import Adversary, Discrepancy, Passed, WeightedKernels
from .batches import Batch, TwoDomainLoader, TwoDomains
from .critic import WassersteinCritic
from .encoder import EncoderAdversary, EncoderNet
from .joint import (
    ConditionalAdversary,
    DisagreeingClassifier,
    JointDiscrepancy,
    MarginAdversary,
    TargetTerm,
    Transport,
)
from .net import AdaptationNet
from .rng import Seeds, isolated_rng
from .rows import ArrayRows, DatasetRows, Rows, as_rows, even_batches
from .schedules import (
    LAM_SCHEDULES,
    LR_SCHEDULES,
    Schedule,
    constant,
    find_schedule,
    inverse_decay,
    ramp,
)
from .steps import DivergenceError

__all__ = [
    "LAM_SCHEDULES",
    "LR_SCHEDULES",
    "AdaptationNet",
    "Adversary",
    "ArrayRows",
    "Batch",
    "ConditionalAdversary",
    "DatasetRows",
    "DisagreeingClassifier",
    "Discrepancy",
    "DivergenceError",
    "EncoderAdversary",
    "EncoderNet",
    "JointDiscrepancy",
    "MarginAdversary",
    "Passed",
    "Rows",
    "Schedule",
    "Seeds",
    "TargetTerm",
    "Transport",
    "TwoDomainLoader",
    "TwoDomains",
    "WassersteinCritic",
    "WeightedKernels",
    "as_rows",
    "constant",
    "even_batches",
    "find_schedule",
    "inverse_decay",
    "isolated_rng",
    "ramp",
]
