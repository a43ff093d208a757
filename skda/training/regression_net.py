"""The skorch net whose outputs are numbers."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin
from skorch.callbacks import EpochScoring

from .net import AdaptationNet

__all__ = ["RegressionNet"]


class RegressionNet(RegressorMixin, AdaptationNet):
    """`AdaptationNet` for a regression. To callbacks it is a regressor of standardised labels."""

    @property
    def _default_callbacks(self) -> list[tuple[str, Any]]:
        # all but the accuracy
        default = super()._default_callbacks
        return [(name, each) for name, each in default if not isinstance(each, EpochScoring)]

    def predict(self, X: Any) -> Any:
        """Return the outputs, for skorch's scoring callbacks: shape (n_rows, n_outputs)."""
        return self.predict_proba(X)
