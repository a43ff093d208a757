"""Deep domain adaptation with the scikit-learn interface."""

import importlib.metadata

from .io import load
from .methods.adda import ADDAClassifier
from .methods.cdan import CDANClassifier
from .methods.dan import DANClassifier, DANRegressor
from .methods.dann import DANNClassifier, DANNRegressor
from .methods.dare_gram import DAREGRAMRegressor
from .methods.ddc import DDCClassifier, DDCRegressor, select_bottleneck
from .methods.deep_coral import DeepCORALClassifier, DeepCORALRegressor
from .methods.deep_jdot import DeepJDOTClassifier
from .methods.finetune import FinetuneClassifier, FinetuneRegressor
from .methods.jan import JANClassifier
from .methods.m3sda import M3SDAClassifier
from .methods.mcc import MCCClassifier
from .methods.mcd import MCDClassifier
from .methods.mdd import MDDClassifier
from .methods.pseudo_label import PseudoLabelClassifier
from .methods.rsd import RSDRegressor
from .methods.shallow_dann import DaNNClassifier, DaNNRegressor
from .methods.wdgrl import WDGRLClassifier, WDGRLRegressor
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
    "DANNRegressor",
    "DANRegressor",
    "DAREGRAMRegressor",
    "DDCClassifier",
    "DDCRegressor",
    "DaNNClassifier",
    "DaNNRegressor",
    "DeepCORALClassifier",
    "DeepCORALRegressor",
    "DeepJDOTClassifier",
    "DomainScaler",
    "DomainStandardScaler",
    "FinetuneClassifier",
    "FinetuneRegressor",
    "JANClassifier",
    "M3SDAClassifier",
    "MCCClassifier",
    "MCDClassifier",
    "MDDClassifier",
    "PseudoLabelClassifier",
    "RSDRegressor",
    "SubspaceAlignment",
    "WDGRLClassifier",
    "WDGRLRegressor",
    "load",
    "make_pipeline",
    "select_bottleneck",
]
