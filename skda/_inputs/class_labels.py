"""Checks of the classes that users pass as labels, with messages that name the parameter."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d

from .host import as_labels, is_missing
from .naming import naming
from .validation import check_length

__all__ = ["check_source_labels", "check_target_labels", "class_vector", "known_target_labels"]


def check_source_labels(
    estimator: Any, y: Any, n_rows: int, classes: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Check `y_source` and return the sorted classes and the class indices (int64).

    With `classes`, no other label may occur, and some may be missing.
    """
    who = type(estimator).__name__
    if y is None:
        raise ValueError(
            f"{who} requires y to be passed, but the target y is None: pass one label per row of "
            "X_source as y_source."
        )
    y = class_vector(y, "y_source", n_rows)
    present = np.unique(y)
    _refuse_unlabelled(present, "y_source")
    known = present
    if classes is not None:
        known = np.unique(class_vector(classes, "classes"))
        _refuse_unlabelled(known, "classes")
    unknown = np.setdiff1d(present, known)
    if len(unknown):
        raise ValueError(
            f"y_source has classes that {who} was not told of before: {unknown.tolist()}. Known "
            f"are {known.tolist()}. Name all in 'classes' of the first partial_fit, or set "
            "warm_start=False and fit anew."
        )
    if len(known) < 2:
        raise ValueError(
            f"y_source has only one class: {known.tolist()[0]!r}. {who} needs at least two classes."
        )
    return known, np.searchsorted(known, y).astype(np.int64)


def class_vector(y: Any, name: str, n_rows: int | None = None) -> np.ndarray:
    """Return the labels of classes as a vector, of `n_rows` entries if given, none of them missing.

    Raises
    ------
    ValueError
        If they are no vector, or not strings, numbers or bools that stand for classes.
    """
    with naming(name):
        labels: np.ndarray = column_or_1d(as_labels(y, name), warn=True)
    if n_rows is not None:
        check_length(labels, n_rows, name, "X_source")
    if labels.dtype.kind in "OM":
        missing = [i for i, label in enumerate(labels) if is_missing(label)]
        if missing:
            raise ValueError(
                f"{name} contains NaN, None or another missing label, the first in row "
                f"{missing[0]}. Leave unlabelled rows out of X_source (or put them into X_target)."
            )
    if labels.dtype == object and len(labels) and not isinstance(labels[0], (str, bytes)):
        raise ValueError(
            f"{name} has labels of type {type(labels[0]).__name__}. Pass strings, integers or "
            "bools as the names of the classes, for instance [str(label) for label in y]."
        )
    with naming(name):
        assert_all_finite(labels, input_name=name)
        if name == "y_source" and not _are_few_discrete(labels):
            check_classification_targets(labels)
    return labels


def _are_few_discrete(labels: np.ndarray) -> bool:
    """Say whether scikit-learn's slower check would neither refuse labels nor warn of them."""
    return labels.dtype.kind in "biuU" and 2 * len(np.unique(labels)) <= len(labels)


def _refuse_unlabelled(present: np.ndarray, name: str) -> None:
    numbers = np.issubdtype(present.dtype, np.number)
    if numbers and -1 in present and present.tolist() != [-1, 1]:
        raise ValueError(
            f"{name} holds -1, scikit-learn's sign for an unlabelled row, beside the classes "
            f"{present[present != -1].tolist()}. Leave unlabelled rows out of X_source (or put "
            "them into X_target); if -1 is a class, give it another name."
        )


def check_target_labels(classes: np.ndarray, y: Any, n_rows: int) -> np.ndarray:
    """Check `y_target` and return class indices (int64), -1 where a row is unlabelled."""
    import pandas as pd  # here, because it would double the time that `import skda` takes

    y, unlabelled, minus_one = _read_target_labels(y, classes)
    check_length(y, n_rows, "y_target", "X_target")
    if minus_one.any() and -1 in classes:
        raise ValueError(
            "y_target holds -1, which marks an unlabelled row, but -1 is also a class of "
            "y_source. Rename the class, for instance to 0."
        )
    unlabelled |= minus_one
    labels = y[~unlabelled]
    known = set(classes.tolist())
    unknown = [label for label in pd.unique(labels).tolist() if label not in known]
    if unknown:
        raise ValueError(
            f"y_target has labels that y_source does not have: {unknown}. Known classes are "
            f"{classes.tolist()}; mark unlabelled rows by -1 (numbers), None or NaN (objects)."
        )
    indices = np.full(len(y), -1, dtype=np.int64)
    indices[~unlabelled] = np.searchsorted(classes, labels.astype(classes.dtype))
    return indices


def known_target_labels(y: Any, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the labels of the labelled rows of `y_target`, and which of its rows these are.

    An unlabelled row is None or NaN, or -1 beside numbers, if -1 is not one of `classes`. A label
    may be none of `classes`.
    """
    y, unlabelled, minus_one = _read_target_labels(y, classes)
    labelled = ~unlabelled if -1 in classes else ~(unlabelled | minus_one)
    if not labelled.any():
        raise ValueError(
            "y_target has no labelled row: each is -1, None or NaN, the signs for an unlabelled "
            "row. Pass the labels that are known, or leave y_target out."
        )
    return class_vector(y[labelled], "y_target"), labelled


def _read_target_labels(y: Any, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return `y_target` as a vector, where it is None or NaN, and where -1 beside numbers."""
    import pandas as pd

    with naming("y_target"):
        y = column_or_1d(as_labels(y, "y_target"))
    missing = np.asarray(pd.isna(y))
    minus_one = np.zeros(len(y), dtype=bool)
    if np.issubdtype(classes.dtype, np.number):
        minus_one[~missing] = y[~missing] == -1
    return y, missing, minus_one
