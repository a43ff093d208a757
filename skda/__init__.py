"""Deep domain adaptation with the scikit-learn interface."""

import importlib.metadata

from .io import load
from .methods.adda import ADDAClassifier
from .methods.cdan import CDANClassifier
from .methods.dan import DANClassifier
from .methods.dann import DANNClassifier
from .methods.ddc import DDCClassifier, select_bottleneck
from .methods.deep_coral import DeepCORALClassifier
from .methods.deep_jdot import DeepJDOTClassifier
from .methods.finetune import FinetuneClassifier
from .methods.jan import JANClassifier
from .methods.mcc import MCCClassifier
from .methods.mcd import MCDClassifier
from .methods.mdd import MDDClassifier
from .methods.pseudo_label import PseudoLabelClassifier
from .methods.shallow_dann import DaNNClassifier
from .methods.wdgrl import WDGRLClassifier
from .pipeline import make_pipeline
from .preprocessing import DomainScaler, DomainStandardScaler
from .subspace import CORAL, GFK, MSDA, TCA, SubspaceAlignment

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
    "load",
    "make_pipeline",
    "select_bottleneck",
]
