"""Labels as columns of the probabilities; checks of the arrays of both domains."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._inputs.array_checks import check_probabilities, check_same_length
from .._inputs.class_labels import class_vector


def class_columns(
    y: ArrayLike,
    probabilities: NDArray[np.float64],
    classes: ArrayLike | None,
    name: str = "y_source",
    of_rows: str = "probabilities_source",
) -> NDArray[np.intp]:
    """Return the column of each of the labels `y`, shape (n_rows,).

    `probabilities` has shape (n_rows, n_classes). `classes` holds the label of each column; None is
    the sorted labels that occur. `name` and `of_rows` name `y` and `probabilities` in messages. If
    the lengths differ or a label has no column, it is a ValueError.
    """
    labels = class_vector(y, name)
    check_same_length(**{name: labels, of_rows: probabilities})
    known = np.unique(labels) if classes is None else class_vector(classes, "classes")
    if len(np.unique(known)) < len(known):
        raise ValueError(
            "'classes' must name each column once, as the classes_ of the classifier does. Got "
            f"{known.tolist()}."
        )
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


class CheckedSource(NamedTuple):
    """Class probabilities of source rows, the column of the label of each, and the shares.

    Attributes
    ----------
    proba : ndarray of shape (n_source, n_classes), dtype float64
    columns : ndarray of shape (n_source,), int
    shares : ndarray of shape (n_classes,), dtype float64
        Share of each class among the labels, above 0.
    """

    proba: NDArray[np.float64]
    columns: NDArray[np.intp]
    shares: NDArray[np.float64]


def check_source(
    probabilities_source: ArrayLike, y_source: ArrayLike, classes: ArrayLike | None
) -> CheckedSource:
    """Check held-out source rows; `classes` is as of `class_columns`.

    If a class has no row, it is a ValueError.
    """
    proba = check_probabilities(probabilities_source, "probabilities_source")
    columns = class_columns(y_source, proba, classes)
    counts = np.bincount(columns, minlength=proba.shape[1])
    missing = np.flatnonzero(counts == 0)
    if len(missing):
        raise ValueError(
            "y_source must have a row of every class, from which its errors are estimated, but "
            f"has none of the classes in columns {missing.tolist()}. Hold out more source rows, "
            "stratified by class."
        )
    return CheckedSource(proba, columns, counts / len(columns))


def check_target(probabilities_target: ArrayLike, n_classes: int) -> NDArray[np.float64]:
    """Return class probabilities of target rows, with as many columns as those of the source."""
    target = check_probabilities(probabilities_target, "probabilities_target")
    if target.shape[1] != n_classes:
        raise ValueError(
            f"probabilities_target has {target.shape[1]} columns, but probabilities_source has "
            f"{n_classes}. Both must be of the same classifier."
        )
    return target


def source_shares(y_source: ArrayLike, classes: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the share of each class among checked labels; `classes` as of `class_columns`."""
    labels = np.asarray(y_source)
    known = np.unique(labels) if classes is None else np.asarray(classes)
    shares: NDArray[np.float64] = (labels[:, np.newaxis] == known).mean(axis=0)
    return shares
