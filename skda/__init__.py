"""Deep domain adaptation with the scikit-learn interface."""

from ._version import __version__ as __version__
from .io import load
from .io._names import register as _register
from .methods.adversarial.adda import ADDAClassifier
from .methods.adversarial.cdan import CDANClassifier
from .methods.adversarial.dann import DANNClassifier, DANNRegressor
from .methods.adversarial.mcd import MCDClassifier
from .methods.adversarial.mdd import MDDClassifier
from .methods.adversarial.wdgrl import WDGRLClassifier, WDGRLRegressor
from .methods.discrepancy.dan import DANClassifier, DANRegressor
from .methods.discrepancy.dare_gram import DAREGRAMRegressor
from .methods.discrepancy.ddc import DDCClassifier, DDCRegressor, select_bottleneck
from .methods.discrepancy.deep_coral import DeepCORALClassifier, DeepCORALRegressor
from .methods.discrepancy.deep_jdot import DeepJDOTClassifier
from .methods.discrepancy.jan import JANClassifier
from .methods.discrepancy.m3sda import M3SDAClassifier
from .methods.discrepancy.rsd import RSDRegressor
from .methods.discrepancy.shallow_dann import DaNNClassifier, DaNNRegressor
from .methods.finetune import FinetuneClassifier, FinetuneRegressor
from .methods.mcc import MCCClassifier
from .methods.pseudo_label import PseudoLabelClassifier
from .pipeline import DomainPipeline as _DomainPipeline
from .pipeline import make_pipeline
from .preprocessing import DomainConditionScaler, DomainScaler, DomainStandardScaler
from .subspace import CORAL, GFK, MSDA, TCA, SubspaceAlignment

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
    "DomainConditionScaler",
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

# a model file may name these
_register(_DomainPipeline, *(x for x in map(globals().get, __all__) if isinstance(x, type)))
