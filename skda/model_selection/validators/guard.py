"""The check that rejects collapsed models."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import entropy

from ..._inputs.array_checks import check_share
from .checks import check_pair, check_predictions, is_positive_int
from .importance import source_accuracy

ACCURACY_TOLERANCE = 0.05
# 11 % of the rows in the smaller of two balanced classes
MIN_ENTROPY_RATIO = 0.5


class GuardVerdict(NamedTuple):
    """Whether `collapse_guard` accepts a model, and why.

    Attributes
    ----------
    accepted : bool
        Whether the model may be chosen.
    reason : str
        The numbers that decided it, in a sentence.
    """

    accepted: bool
    reason: str

    def __bool__(self) -> bool:
        return self.accepted


def collapse_guard(
    y_source: ArrayLike,
    predictions_source: ArrayLike,
    predictions_target: ArrayLike,
    *,
    source_only_accuracy: float,
    n_classes: int | None = None,
    accuracy_tolerance: float = ACCURACY_TOLERANCE,
    min_entropy_ratio: float = MIN_ENTROPY_RATIO,
) -> GuardVerdict:
    """Decide whether a model still fits the source and still predicts all classes on the target.

    Parameters
    ----------
    y_source : array-like of shape (n_source,)
        Labels of held-out source rows.
    predictions_source : array-like of shape (n_source,)
        The model's predictions of the same rows.
    predictions_target : array-like of shape (n_target,)
        The model's predictions of target rows.
    source_only_accuracy : float
        Accuracy of the source-only model (`lam=0`) on the same source rows, between 0 and 1.
    n_classes : int, optional
        Number of classes that the model knows. By default, the number found in `y_source`.
    accuracy_tolerance : float, default=0.05
        How far the accuracy may fall below the source-only model's.
    min_entropy_ratio : float, default=0.5
        Least entropy of the predicted classes on the target, between 0 and 1, as a share of what
        can be expected: the entropy of the classes in `y_source`, or log(n_classes) if that is
        less.

    Returns
    -------
    GuardVerdict
        A named tuple (accepted, reason); it is true where the model is accepted.

    Raises
    ------
    ValueError
        If a number is out of its range, a label is missing, or there are no target rows.

    Notes
    -----
    Accepted where acc_s >= acc_s(source-only) - accuracy_tolerance, and
    H(predicted classes on the target) >= min_entropy_ratio · min(H(classes of the source), log K).
    Two balanced classes and the default ratio ask for some 11 % of the rows in the smaller one.
    Known failures: a target whose classes are truly that unequal looks like a collapse, and a
    model that swaps the classes on the target is accepted.

    Examples
    --------
    >>> from skda.model_selection import collapse_guard
    >>> collapse_guard([0, 1, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1], source_only_accuracy=1.0).accepted
    True
    >>> print(collapse_guard([0, 1], [0, 1], [0, 0, 0], source_only_accuracy=1.0).reason)
    collapsed on the target: the entropy of the predicted classes is 0.000 nats (0 % of log 2),
    below the least allowed 0.347 (0.5 times the source's 0.693)
    """
    for name, value in (
        ("source_only_accuracy", source_only_accuracy),
        ("accuracy_tolerance", accuracy_tolerance),
        ("min_entropy_ratio", min_entropy_ratio),
    ):
        check_share(value, name)
    labels, predicted = check_pair(y_source, predictions_source)
    of_target = check_predictions(predictions_target, "predictions_target")
    if len(of_target) == 0:
        raise ValueError("predictions_target must have at least one row.")

    accuracy = source_accuracy(labels, predicted)
    floor = source_only_accuracy - accuracy_tolerance
    # .8 - .1 is rounded to a little above .7, and must not reject .7
    if accuracy < floor - 1e-12:
        return GuardVerdict(
            False,
            f"forgot the source: held-out source accuracy is {accuracy:.3f}, below the least "
            f"allowed {floor:.3f} ({accuracy_tolerance:g} below the source-only model's "
            f"{source_only_accuracy:.3f})",
        )

    n_known = len(np.unique(labels)) if n_classes is None else n_classes
    if not is_positive_int(n_known):
        raise ValueError(f"n_classes must be None or an integer above 0. Got {n_classes!r}.")
    expected = min(class_entropy(labels), float(np.log(n_known)))
    found, least = class_entropy(of_target), min_entropy_ratio * expected
    share = 100 * found / np.log(n_known) if n_known > 1 else 100.0
    if found < least - 1e-12:
        return GuardVerdict(
            False,
            f"collapsed on the target: the entropy of the predicted classes is {found:.3f} nats "
            f"({share:.0f} % of log {n_known}), below the least allowed {least:.3f} "
            f"({min_entropy_ratio:g} times the source's {expected:.3f})",
        )
    return GuardVerdict(
        True,
        f"accepted: held-out source accuracy {accuracy:.3f} (at least {floor:.3f}), entropy of the "
        f"predicted classes on the target {found:.3f} nats (at least {least:.3f})",
    )


def class_entropy(labels: ArrayLike) -> float:
    """Entropy in nats of the shares of the classes among the labels of rows."""
    return float(entropy(np.unique(labels, return_counts=True)[1]))
