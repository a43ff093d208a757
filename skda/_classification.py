"""What makes an estimator a classifier: labels, width of the head, predictions of the outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from scipy.special import softmax
from sklearn.base import ClassifierMixin

from ._prediction import DomainPredictionMixin
from ._validation import check_source_labels, check_target_labels

__all__ = ["ClassificationTask"]


class ClassificationTask(DomainPredictionMixin, ClassifierMixin):
    """The classifier's side of an estimator; everything else knows nothing of classes.

    Another task defines the same: `_encode_source`, `_encode_target`, `_n_outputs`,
    `_task_options` and `_from_outputs`.
    """

    classes_: np.ndarray

    def _encode_source(self, y: Any, n_rows: int, go_on: bool, classes: Any) -> np.ndarray:
        """Check the source's labels, set `classes_` and return class indices (int64).

        Where the training goes on, or with `classes`, no other label may occur.
        """
        known = self.classes_ if go_on else classes
        self.classes_, indices = check_source_labels(self, y, n_rows, known)
        return indices

    def _encode_target(self, y: Any, n_rows: int) -> np.ndarray:
        """Check the target's labels and return class indices, -1 where a row is unlabelled."""
        return check_target_labels(self.classes_, y, n_rows)

    @property
    def _n_outputs(self) -> int:
        """Width of the head."""
        return len(self.classes_)

    def _task_options(self) -> dict[str, Any]:
        """Return what the net is told of the task: the classes of skorch's scoring callbacks."""
        return {"classes": list(range(self._n_outputs))}

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
