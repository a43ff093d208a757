"""Deep domain adaptation with the scikit-learn interface."""

from .adda import ADDAClassifier
from .adversarial import CDANClassifier, DANNClassifier, WDGRLClassifier
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
from .transport import DeepJDOTClassifier

__all__ = [
    "ADDAClassifier",
    "CDANClassifier",
    "DANClassifier",
    "DANNClassifier",
    "DDCClassifier",
    "DaNNClassifier",
    "DeepCORALClassifier",
    "DeepJDOTClassifier",
    "FinetuneClassifier",
    "JANClassifier",
    "MCCClassifier",
    "MCDClassifier",
    "MDDClassifier",
    "PseudoLabelClassifier",
    "WDGRLClassifier",
    "make_pipeline",
]
