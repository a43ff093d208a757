"""Deep domain adaptation with the scikit-learn interface."""

import importlib.metadata

from .adda import ADDAClassifier
from .adversarial import CDANClassifier, DANNClassifier, WDGRLClassifier
from .bottleneck import select_bottleneck
from .confusion import MCCClassifier, MCDClassifier, MDDClassifier, PseudoLabelClassifier
from .discrepancy import (
    DANClassifier,
    DaNNClassifier,
    DDCClassifier,
    DeepCORALClassifier,
    JANClassifier,
)
from .finetune import FinetuneClassifier
from .pipeline import make_pipeline
from .preprocessing import DomainScaler, DomainStandardScaler
from .subspace import CORAL, GFK, MSDA, TCA, SubspaceAlignment
from .transport import DeepJDOTClassifier

__version__ = importlib.metadata.version("skda")

__all__ = [
    "CORAL",
    "GFK",
    "MSDA",
    "TCA",
    "ADDAClassifier",
    "CDANClassifier",
    "DANClassifier",
    "DANNClassifier",
    "DDCClassifier",
    "DaNNClassifier",
    "DeepCORALClassifier",
    "DeepJDOTClassifier",
    "DomainScaler",
    "DomainStandardScaler",
    "FinetuneClassifier",
    "JANClassifier",
    "MCCClassifier",
    "MCDClassifier",
    "MDDClassifier",
    "PseudoLabelClassifier",
    "SubspaceAlignment",
    "WDGRLClassifier",
    "make_pipeline",
    "select_bottleneck",
]
