"""Many nets trained as one: the lams and folds of a search."""

from .layers import UnstackableError
from .support import Job
from .train import TrainedTogether, train_together

__all__ = ["Job", "TrainedTogether", "UnstackableError", "train_together"]
