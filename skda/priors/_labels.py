"""Labels as columns of the probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._inputs.array_checks import check_same_length
from .._inputs.class_labels import class_vector


def class_columns(
    y: ArrayLike,
    probabilities: NDArray[np.float64],
    classes: ArrayLike | None,
    name: str = "y_source",
    of_rows: str = "probabilities_source",
) -> NDArray[np.intp]:
    """Return the column of each label.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Labels of the rows of `probabilities`.
    probabilities : ndarray of shape (n_rows, n_classes)
    classes : array-like of shape (n_classes,) or None
        Label of each column; None is the sorted labels that occur.
    name, of_rows : str
        Names of `y` and `probabilities` in messages.

    Returns
    -------
    ndarray of shape (n_rows,), dtype intp

    Raises
    ------
    ValueError
        If the lengths differ, or a label has no column.
    """
    labels = class_vector(y, name)
    check_same_length(**{name: labels, of_rows: probabilities})
    known = np.unique(labels) if classes is None else np.asarray(classes)
    n_columns = probabilities.shape[1]
    if len(known) != n_columns:
        raise ValueError(
            f"{of_rows} has {n_columns} columns, but "
            + (
                f"{name} has {len(known)} classes. Pass the label of each column as 'classes', "
                "the classes_ of the classifier."
                if classes is None
                else f"'classes' has {len(known)} labels."
            )
        )
    hits = labels[:, np.newaxis] == known
    if not hits.any(axis=1).all():
        unknown = sorted(set(labels[~hits.any(axis=1)].tolist()))
        raise ValueError(f"{name} holds labels that are not in 'classes': {unknown}.")
    columns: NDArray[np.intp] = hits.argmax(axis=1)
    return columns


def check_every_class_occurs(columns: NDArray[np.intp], n_classes: int) -> None:
    """Refuse held-out rows that say nothing about a class.

    Parameters
    ----------
    columns : ndarray of shape (n_rows,)
        As of `class_columns`.
    n_classes : int

    Raises
    ------
    ValueError
        If a class has no row.
    """
    missing = np.flatnonzero(np.bincount(columns, minlength=n_classes) == 0)
    if len(missing):
        raise ValueError(
            "y_source must have a row of every class, from which its errors are estimated, but "
            f"has none of the classes in columns {missing.tolist()}. Hold out more source rows, "
            "stratified by class."
        )
