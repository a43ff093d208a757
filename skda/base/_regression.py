"""What makes an estimator a regressor: standardised labels, predictions in their units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Tags
from torch import nn

from .._building.outputs import VALUES
from .._inputs.regression_labels import check_source_numbers, check_target_numbers
from .._typing import Domain
from ..nn._units import InUnits
from ..training import DivergenceError, DomainPair, RegressionNet
from ._prediction import DomainPredictionMixin

__all__ = ["RegressionTask"]


class RegressionTask(DomainPredictionMixin, RegressorMixin):
    """What makes an estimator a regressor; `ClassificationTask` lists what a task defines."""

    _outputs = VALUES
    _net_class = RegressionNet

    # of the source, of shape () if y_source is a vector; NaN until the weights are known
    y_mean_: np.ndarray
    y_scale_: np.ndarray

    def _encode_source(self, y: Any, n_rows: int, go_on: bool, classes: Any) -> np.ndarray:
        """Check the source's labels and return them as float64, of one or two axes.

        Where the training goes on, the standardisation stays: the weights are in its units.
        """
        known = self.y_mean_.shape if go_on else None
        numbers = check_source_numbers(type(self).__name__, y, n_rows, known)
        if not go_on:
            self.y_mean_ = self.y_scale_ = np.full(numbers.shape[1:], np.nan)
        return numbers

    def _encode_target(self, y: Any, n_rows: int) -> np.ndarray:
        """Check the target's labels and return them as float64, NaN where a row is unlabelled."""
        return check_target_numbers(y, n_rows, self.y_mean_.shape)

    def _prepare_labels(self, domains: DomainPair, keep: bool = False) -> DomainPair:
        """Set the mean and scale of the labels if a fit starts, and standardise the labels."""
        if np.isnan(self.y_mean_).any():
            weights = None if domains.weights is None else domains.weights[domains.subset]
            drawn = _columns(domains.y_source)[domains.subset]
            with np.errstate(over="ignore", invalid="ignore"):
                scaler = StandardScaler().fit(drawn, sample_weight=weights)
            if not (np.isfinite(scaler.mean_).all() and np.isfinite(scaler.scale_).all()):
                raise ValueError(
                    "y_source has numbers so large that their mean or variance is infinite. "
                    "Divide them by a constant."
                )
            shape = self.y_mean_.shape
            self.y_mean_, self.y_scale_ = (
                np.array(each, dtype=np.float64).reshape(shape)
                for each in (scaler.mean_, scaler.scale_)
            )
        y_target = domains.y_target
        return domains.replace(
            y_source=self._standardised(domains.y_source),
            y_target=None if y_target is None else self._standardised(y_target),
        )

    def _standardised(self, y: np.ndarray) -> np.ndarray:
        return _columns((y - self.y_mean_) / self.y_scale_).astype(np.float32)

    @property
    def _n_outputs(self) -> int:
        """Width of the head."""
        return int(self.y_mean_.size)

    def _task_options(self) -> dict[str, Any]:
        """Return the options of the net for the task: none."""
        return {}

    def _criterion_options(self) -> dict[str, Any]:
        """Return options of the criterion that the task sets: none."""
        return {}

    def _in_units(self, network: nn.Module) -> nn.Module:
        """Return a network whose outputs are in the units of the labels."""
        return InUnits(network, np.atleast_1d(self.y_mean_), np.atleast_1d(self.y_scale_))

    def _metadata(self) -> dict[str, str]:
        """Return what a file of the network says about its outputs: nothing."""
        return {}

    def _values(self, outputs: np.ndarray) -> np.ndarray:
        shaped = outputs.astype(np.float64).reshape(-1, *self.y_mean_.shape)
        values: np.ndarray = shaped * self.y_scale_ + self.y_mean_
        if not np.isfinite(values).all():
            raise DivergenceError(
                "The network's outputs are infinite for some rows of X. Look for extreme values "
                "in these rows, or train again with a lower 'lr' or 'lam'."
            )
        return values

    _from_outputs: ClassVar[dict[str, Callable[[Any, np.ndarray], np.ndarray]]] = {
        "predict": _values
    }

    def __sklearn_tags__(self) -> Tags:
        """Tell scikit-learn that there may be several outputs."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Any, domain: Domain = "target", *, out: Any = None) -> np.ndarray:
        """Predict the numbers of each row, in the units of `y_source`.

        Parameters
        ----------
        X : array-like, frame, sparse matrix, tensor or Dataset of shape (n_rows, ...)
        domain : {"target", "source"} or name of a source, default="target"
            Where the rows come from.
        out : ndarray of the result's shape or None, default=None
            The array to write the result to, batch by batch, and to return; may be a memory map.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_outputs), as `y_source` had it, float64
        """
        return super().predict(X, domain, out=out)

    def score(
        self, X: Any, y: Any = None, sample_weight: Any = None, domain: Domain = "target"
    ) -> float:
        """Return the coefficient of determination R² on rows with known labels.

        Parameters
        ----------
        X, domain
            As in `predict`.
        y : array-like of shape (n_rows,) or (n_rows, n_outputs), or None
            None takes the labels of a Dataset of pairs.
        sample_weight : array-like of shape (n_rows,), default=None

        Returns
        -------
        float
            1 at best; 0 for the mean of `y`; the mean over the outputs.
        """
        return super().score(X, y, sample_weight, domain)


def _columns(y: np.ndarray) -> np.ndarray:
    return y.reshape(len(y), -1)
