"""Inputs of validators: rows, labels, probabilities and features, without target labels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import assert_all_finite, column_or_1d
from torch.utils.data import Dataset

from ..._inputs.datasets import dataset_labels
from ..._inputs.host import as_labels
from ..._inputs.naming import naming
from ..._inputs.regression_labels import check_source_numbers
from ..._inputs.validation import unwrap
from ..._typing import Domain
from .._routing import call_with_domain, final_step, rows_at_final_step
from .._split import n_rows
from .._typing import Labels, Rows


@dataclass(frozen=True)
class ArrayEvidence:
    """Inputs of a validator as arrays, for models that are not scikit-learn estimators.

    Each validator reads only some of the arrays; the others can be left out. Reverse validation
    trains models: it needs an `EstimatorEvidence`.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Label of each column of the probabilities.
    y_source : ndarray of shape (n_source,), optional
        Labels of held-out source rows.
    proba_source : ndarray of shape (n_source, n_classes), optional
        Class probabilities of the same rows, predicted as source rows.
    features_source : {ndarray, sparse matrix} of shape (n_source, ...), optional
        Features of the same rows, computed as source rows.
    proba_target : ndarray of shape (n_target, n_classes), optional
        Class probabilities of target rows, predicted as target rows.
    features_target : {ndarray, sparse matrix} of shape (n_target, ...), optional
        Features of the same rows, computed as target rows.
    rows_target : {ndarray, sparse matrix} of shape (n_target, ...), optional
        The same rows, as the classifier takes them.
    predict_target : callable, optional
        Predicts labels of rows like `rows_target`, as target rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.model_selection import ArrayEvidence, compute_validator
    >>> evidence = ArrayEvidence(classes=np.array([0, 1]), proba_target=np.eye(2))
    >>> round(compute_validator("infomax", evidence), 4)
    0.6931
    """

    is_regression: ClassVar[bool] = False

    classes: Labels
    y_source: Labels | None = None
    proba_source: NDArray[Any] | None = None
    features_source: Any = None
    proba_target: NDArray[Any] | None = None
    features_target: Any = None
    rows_target: Rows = None
    predict_target: Callable[[Rows], ArrayLike] | None = None


class EstimatorEvidence:
    """Inputs of a validator from a fitted estimator; each array is computed when it is first read.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier with `predict_proba`, a Pipeline that ends in one, or a search.
    X_source : array-like of shape (n_source, ...)
        Held-out source rows.
    y_source : array-like of shape (n_source,)
        Their labels.
    X_target : array-like of shape (n_target, ...), optional
        Unlabelled target rows; a one-element tuple of them is taken apart.

    Notes
    -----
    The features are the output of the last step's `transform`, if it has one. Otherwise they are
    the rows that the last step gets (for a plain classifier, the inputs), flattened: the density
    ratio is then estimated in the space of the inputs, as in the paper of IWV. Validators
    standardise the features.

    Methods that take `domain` get the domain of the rows.

    Raises
    ------
    ValueError
        If an array is read that the estimator cannot compute, or that needs missing target rows.
    """

    _name_of_source: ClassVar[str | None] = None  # of a scorer, X

    def __init__(
        self,
        estimator: BaseEstimator,
        X_source: Rows,
        y_source: ArrayLike | None,
        X_target: Rows = None,
    ) -> None:
        self.estimator = estimator
        self.X_source = X_source
        self._y_source = y_source
        self._X_target = X_target

    @property
    def is_regression(self) -> bool:
        """Whether the estimator predicts numbers."""
        # an object with predict_proba is enough for a classifier
        return hasattr(self._final, "__sklearn_tags__") and bool(is_regressor(self._final))

    @cached_property
    def y_source(self) -> Labels:
        """Labels of the held-out source rows."""
        if self._y_source is None and isinstance(self.X_source, Dataset):
            return dataset_labels(self.X_source, "y", "X", numbers=self.is_regression)
        if self._y_source is None:
            raise ValueError("This validator needs y, the labels of the held-out source rows.")
        labels: Labels
        if self.is_regression:
            labels = check_source_numbers("This validator", self._y_source, n_rows(self.X_source))
            return labels
        with naming("y"):
            given = np.asarray(as_labels(self._y_source, "y"))
            assert_all_finite(given, input_name="y")  # before a cast warns of NaN
            check_classification_targets(given)
            unique_labels(given, self.classes)  # refuses strings beside numbers
            labels = column_or_1d(given, warn=True)
        if len(labels) != n_rows(self.X_source):
            raise ValueError(
                f"y must have one label a row of X. Got {len(labels)} labels and "
                f"{n_rows(self.X_source)} rows."
            )
        return labels

    @cached_property
    def X_target(self) -> Rows:
        """Target rows as they were given."""
        if self._X_target is None:
            raise ValueError(
                "This validator needs unlabelled target rows. Pass X_target when you make the "
                "scorer, make_validator_scorer(name, X_target=X_target); or call "
                "sklearn.set_config(enable_metadata_routing=True) and pass X_target to the search, "
                "GridSearchCV(...).fit(X, y, X_target=X_target); or pass X_target to the scorer "
                "itself, scorer(estimator, X, y, X_target=X_target)."
            )
        return unwrap(self._X_target, "X_target")

    @cached_property
    def classes(self) -> Labels:
        """Label of each column of the probabilities."""
        return np.asarray(self._final.classes_)

    @cached_property
    def proba_source(self) -> NDArray[Any]:
        """Class probabilities of the held-out source rows."""
        return self._probabilities(self._rows_source, "source")

    @cached_property
    def proba_target(self) -> NDArray[Any]:
        """Class probabilities of the target rows."""
        return self._probabilities(self.rows_target, "target")

    @cached_property
    def numbers_source(self) -> NDArray[Any]:
        """Predicted numbers of the held-out source rows."""
        return self._numbers(self._rows_source, "source")

    @cached_property
    def numbers_target(self) -> NDArray[Any]:
        """Predicted numbers of the target rows."""
        return self._numbers(self.rows_target, "target")

    @cached_property
    def votes_target(self) -> NDArray[Any]:
        """Column of the highest probability of each target row, as a small unsigned integer."""
        n_classes = self.proba_target.shape[1]
        votes: NDArray[Any] = self.proba_target.argmax(axis=1)
        return votes.astype(np.min_scalar_type(n_classes))

    @cached_property
    def features_source(self) -> NDArray[Any]:
        """Features of the held-out source rows."""
        return self._features(self._rows_source, "source")

    @cached_property
    def features_target(self) -> NDArray[Any]:
        """Features of the target rows."""
        return self._features(self.rows_target, "target")

    @cached_property
    def rows_target(self) -> Rows:
        """Target rows as the last step gets them."""
        return rows_at_final_step(self.estimator, self.X_target, "target")

    def predict_target(self, rows: Rows) -> Labels:
        """Predict labels of rows like `rows_target`.

        Parameters
        ----------
        rows : {ndarray, sparse matrix} of shape (n_rows, ...)
            Rows without column names; they get the names of `rows_target`, if it has names.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        return np.asarray(
            call_with_domain(self._final, "predict", self._name_columns(rows), "target")
        )

    @cached_property
    def _final(self) -> BaseEstimator:
        return final_step(self.estimator)

    @cached_property
    def _rows_source(self) -> Rows:
        return rows_at_final_step(self.estimator, self.X_source, "source")

    def _name_columns(self, rows: Rows) -> Rows:
        frame = self.rows_target
        if not hasattr(frame, "columns"):
            return rows
        # the names of columns are an argument of another name in pandas and in polars
        names = "columns" if hasattr(frame, "iloc") else "schema"
        return type(frame)(rows, **{names: list(frame.columns)})

    def _probabilities(self, rows: Rows, domain: Domain) -> NDArray[Any]:
        if not hasattr(self._final, "predict_proba"):
            raise ValueError(
                f"This validator needs a classifier with predict_proba, which "
                f"{type(self._final).__name__} has not. "
                "sklearn.calibration.CalibratedClassifierCV gives one to any classifier."
            )
        return np.asarray(self._call("predict_proba", rows, domain))

    def _numbers(self, rows: Rows, domain: Domain) -> NDArray[Any]:
        numbers = np.asarray(self._call("predict", rows, domain))
        return numbers.reshape(len(numbers), -1)

    def _features(self, rows: Rows, domain: Domain) -> NDArray[Any]:
        if hasattr(self._final, "transform"):
            rows = self._call("transform", rows, domain)
        features: NDArray[Any] = rows if issparse(rows) else np.asarray(rows)
        return features

    def _call(self, method: str, rows: Rows, domain: Domain) -> Any:
        """Call a method; errors that call the rows X get the name of the user's argument."""
        name = "X_target" if domain == "target" else self._name_of_source
        with nullcontext() if name is None else naming(name):
            return call_with_domain(self._final, method, rows, domain)


class NamedEvidence(EstimatorEvidence):
    """Evidence of a function whose arguments are X_source and y_source, and not X and y."""

    _name_of_source = "X_source"

    @cached_property
    def y_source(self) -> Labels:
        """Labels of the held-out source rows."""
        with naming("y_source"):
            labels: Labels = super().y_source
        return labels


ValidatorInputs: TypeAlias = ArrayEvidence | EstimatorEvidence


def has_tokens(inputs: ValidatorInputs) -> bool:
    """Say whether the rows are integers that the estimator's module embeds."""
    if not isinstance(inputs, EstimatorEvidence):
        return False
    return getattr(final_step(inputs.estimator), "input_dtype_", None) == torch.int64
