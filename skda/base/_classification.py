"""What makes an estimator a classifier: labels, width of the head, predictions of the outputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from torch import nn

from .._building.outputs import LOGITS
from .._inputs.class_labels import check_source_labels, check_target_labels, class_vector
from .._inputs.target_priors import check_priors, estimate_priors
from .._inputs.weights import at_least_one_row, weights_of_classes
from ..training import AdaptationNet, DomainPair
from ._prediction import DomainPredictionMixin

__all__ = ["ClassificationTask"]


class ClassificationTask(DomainPredictionMixin, ClassifierMixin):
    """What makes an estimator a classifier; all other code is independent of classes.

    Another task defines the same: `_outputs`, `_net_class`, `_encode_source`, `_encode_target`,
    `_prepare_labels`, `_n_outputs`, `_task_options`, `_criterion_options`, `_in_units`,
    `_metadata` and `_from_outputs`.
    """

    _outputs = LOGITS
    _net_class = AdaptationNet

    classes_: np.ndarray
    class_weight: Any
    _train_briefly: Callable[[DomainPair], AdaptationNet]
    target_priors: Any

    def _encode_source(self, y: Any, n_rows: int, go_on: bool, classes: Any) -> np.ndarray:
        """Check the source's labels, set `classes_` and return class indices (int64).

        Where the training goes on, or with `classes`, no other label may occur.
        """
        known = self.classes_ if go_on else classes
        if go_on and classes is not None:
            given = np.unique(class_vector(classes, "classes")).tolist()
            if given != known.tolist():
                raise ValueError(
                    "The 'classes' parameter must name the classes of the first call, "
                    f"{known.tolist()}. Got {given} instead."
                )
        self.classes_, indices = check_source_labels(self, y, n_rows, known)
        return indices

    def _encode_target(self, y: Any, n_rows: int) -> np.ndarray:
        """Check the target's labels and return class indices, -1 where a row is unlabelled."""
        return check_target_labels(self.classes_, y, n_rows)

    def _prepare_labels(self, domains: DomainPair, keep: bool = False) -> DomainPair:
        """Set `target_priors_`, and return the domains with the source drawn in these shares.

        With `keep`, earlier estimates of the shares stay.
        """
        n_classes = len(self.classes_)
        of_source = domains.class_shares(n_classes)
        (left,) = of_source.nonzero()
        if len(left) == 1 and np.ptp(domains.y_source) > 0:
            raise ValueError(
                f"sample_weight is 0 but for rows of one class, {self.classes_[left[0]]!r}. Give "
                "rows of two classes a positive weight."
            )
        if self.target_priors is None:
            self.target_priors_ = of_source
        else:
            if not isinstance(self.target_priors, str):
                shares = check_priors(self.target_priors, self.classes_)
            elif keep and hasattr(self, "target_priors_"):
                shares = self.target_priors_
            else:
                shares = estimate_priors(domains, self.classes_, self._train_briefly)
            self.target_priors_ = at_least_one_row(shares, len(domains))
            domains = domains.with_class_shares(self.target_priors_)
        if self.class_weight is not None:
            self.class_weight_ = weights_of_classes(
                self.class_weight, self.classes_, domains.class_shares(n_classes)
            )
        return domains

    @property
    def _n_outputs(self) -> int:
        """Width of the head."""
        return len(self.classes_)

    def _task_options(self) -> dict[str, Any]:
        """Return the options of the net for the task: classes for skorch's scoring callbacks."""
        return {"classes": list(range(self._n_outputs))}

    def _criterion_options(self) -> dict[str, Any]:
        """Return options of the criterion that the task sets: the weights of the classes."""
        return {} if self.class_weight is None else {"weight": self.class_weight_}

    def _in_units(self, network: nn.Module) -> nn.Module:
        """Return a network with the outputs that users get: the logits."""
        return network

    def _metadata(self) -> dict[str, str]:
        """Return what a file of the network says about its outputs."""
        return {"classes": json.dumps(self.classes_.tolist())}

    def _labels(self, logits: np.ndarray) -> np.ndarray:
        labels: np.ndarray = self.classes_[logits.argmax(axis=1)]
        return labels

    def _probabilities(self, logits: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = softmax(logits, axis=1)
        return probabilities

    def _decisions(self, logits: np.ndarray) -> np.ndarray:
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    _from_outputs: ClassVar[dict[str, Callable[[Any, np.ndarray], np.ndarray]]] = {
        "predict": _labels,
        "predict_proba": _probabilities,
        "decision_function": _decisions,
    }
