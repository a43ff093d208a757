"""Deep domain adaptation with the scikit-learn interface."""

from .adversarial import DANNClassifier
from .discrepancy import DANClassifier
from .finetune import FinetuneClassifier
from .pipeline import make_pipeline

__all__ = ["DANClassifier", "DANNClassifier", "FinetuneClassifier", "make_pipeline"]
