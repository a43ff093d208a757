"""Checks of the options and of the data of a search, before the first training."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import column_or_1d
from torch.utils.data import Dataset

from .._inputs.array_checks import check_share
from .._inputs.class_labels import class_vector
from .._inputs.columns import reorder_columns
from .._inputs.datasets import dataset_labels, refuse_containers
from .._inputs.host import as_labels
from .._inputs.naming import naming
from .._inputs.regression_labels import check_source_numbers, check_target_numbers
from .._inputs.sources import check_source_domain, join_sources
from .._inputs.validation import check_length, unwrap
from .._inputs.weights import check_sample_weight
from ._choice.guard import GUARD_OPTIONS
from ._choice.regression import GUARD_OPTIONS as GUARD_OPTIONS_OF_REGRESSORS
from ._routing import final_step, refuse_plain_pipeline
from ._split import as_indexable, n_rows
from ._training.fit_and_score import DomainData, seeded
from ._typing import Candidate, Labels, Rows, Validator
from .validators.agreement import needs_search, validator_names
from .validators.registry import Task, check_validator

__all__ = [
    "check_calibrate",
    "check_candidates",
    "check_checkpoints",
    "check_data",
    "check_guard",
    "check_validators",
]

_GUARD_OPTIONS: dict[Task, tuple[str, ...]] = {
    "classification": ("accuracy_tolerance", "min_entropy_ratio", *GUARD_OPTIONS),
    "regression": tuple(GUARD_OPTIONS_OF_REGRESSORS),
}


def check_validators(validator: Validator, task: Task = "classification") -> None:
    """Refuse an unknown validator, an empty sequence, or one that names a validator twice."""
    if callable(validator):
        _check_call(validator)
        return
    names = validator_names(validator)
    is_named = all(isinstance(name, str) for name in names)
    if not names or not is_named or len(set(names)) < len(names):
        raise ValueError(
            "The 'validator' parameter of LambdaSearchCV must be a name, a callable, or a sequence "
            f"of different names. Got {list(names)!r} instead."
        )
    for name in names:
        if not needs_search(name):
            check_validator(name, {}, task)


def _check_call(validator: Any) -> None:
    """Refuse a function that cannot be called as a validator is."""
    try:
        signature = inspect.signature(validator)
    except (TypeError, ValueError):  # written in C
        return
    try:
        signature.bind(None, None, None, X_target=None)
    except TypeError as error:
        raise ValueError(
            "The 'validator' parameter of LambdaSearchCV must be a function (estimator, X, y, "
            f"X_target=...) of held-out rows that returns a number. Got {validator!r}: {error}."
        ) from error


def check_guard(guard: bool | Mapping[str, float], task: Task) -> None:
    """Refuse an unknown option of the guard, or a value outside of its range."""
    if not isinstance(guard, Mapping):
        return
    for name, value in guard.items():
        if name not in _GUARD_OPTIONS[task]:
            raise ValueError(
                "The 'guard' parameter of LambdaSearchCV must be a bool or a dict with the keys "
                f"{', '.join(map(repr, _GUARD_OPTIONS[task]))}. Got the key {name!r} instead."
            )
        check_share(value, name)


def check_calibrate(calibrate: bool, refit: bool, task: Task) -> None:
    """Refuse to calibrate a regressor, or a search that does not train its best candidate."""
    if calibrate and task == "regression":
        raise ValueError(
            "The 'calibrate' parameter of LambdaSearchCV is for classifiers: a regressor has no "
            "probabilities. Got calibrate=True. Leave it out."
        )
    if calibrate and not refit:
        raise ValueError(
            "calibrate=True needs the best candidate trained on all rows. Got refit=False. Pass "
            "refit=True."
        )


def check_candidates(
    estimator: BaseEstimator, candidates: Sequence[Candidate], lam_name: str
) -> None:
    """Refuse a Pipeline that leaves the target, and parameters that the estimator lacks."""
    refuse_plain_pipeline(estimator)
    for candidate in candidates:
        # lam 0 stands for all candidates that differ in lam only
        if candidate[lam_name] == 0:
            seeded(estimator, 0, candidate)


def check_checkpoints(estimator: BaseEstimator, checkpoint: Any, random_state: Any) -> None:
    """Refuse a folder that all candidates would share, and a folder without a seed."""
    if getattr(final_step(estimator), "checkpoint", None) is not None:
        raise ValueError(
            "The 'checkpoint' parameter of the estimator names one folder for all candidates. "
            "Leave it None, and pass 'checkpoint' to LambdaSearchCV."
        )
    if checkpoint is not None and not isinstance(random_state, Integral):
        raise ValueError(
            "The 'checkpoint' parameter of LambdaSearchCV needs an int as 'random_state', so that "
            f"every run has the same folds and seeds. Got {random_state!r} instead."
        )


def check_data(
    X_source: Rows,
    y_source: ArrayLike | None,
    X_target: Rows,
    y_target: ArrayLike | None,
    sample_weight: ArrayLike | None,
    task: Task = "classification",
    source_domain: ArrayLike | None = None,
) -> DomainData:
    """Return rows that can be indexed and labels that are vectors, one label for each row.

    A list of several sources becomes one array, with the name of the source of each row.
    """
    joined = join_sources(X_source, y_source, source_domain, sample_weight)
    X_source, y_source, source_domain, sample_weight = joined
    X_target, y_target = unwrap(X_target, "X_target"), unwrap(y_target, "y_target")
    if X_target is None:
        raise ValueError(
            "LambdaSearchCV adapts to a target domain: pass its rows, unlabelled, as "
            "X_target, e.g. LambdaSearchCV(...).fit(X_source, y_source, X_target)."
        )
    if y_source is None and isinstance(X_source, Dataset):
        y_source = dataset_labels(X_source, numbers=task == "regression")
    if y_source is None:
        raise ValueError(
            "LambdaSearchCV requires y to be passed, but the target y is None: pass one label "
            "per row of X_source as y_source."
        )
    for rows, name in ((X_source, "X_source"), (X_target, "X_target")):
        refuse_containers(rows, name)
    X_target = reorder_columns(X_target, like=X_source)
    X_source, X_target = as_indexable(X_source), as_indexable(X_target)
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, n_rows(X_source))
    if source_domain is not None:
        names, of_row = check_source_domain(source_domain, n_rows(X_source))
        source_domain = names[of_row]
    if task == "regression":
        numbers = check_source_numbers("LambdaSearchCV", y_source, n_rows(X_source))
        if y_target is not None:
            y_target = check_target_numbers(y_target, n_rows(X_target), numbers.shape[1:])
        return DomainData(X_source, numbers, X_target, y_target, sample_weight, source_domain)
    with naming("y_source"):
        given_labels = as_labels(y_source, "y_source")
    if np.size(given_labels) == 0:
        raise ValueError("y_source has no label. Pass one label per row of X_source.")
    labels_source: Labels = class_vector(given_labels, "y_source")
    check_length(labels_source, n_rows(X_source), "y_source", "X_source")
    labels_target = None
    if y_target is not None:
        with naming("y_target"):
            labels_target = column_or_1d(as_labels(y_target, "y_target"))
        check_length(labels_target, n_rows(X_target), "y_target", "X_target")
    others = labels_target, sample_weight, source_domain
    return DomainData(X_source, labels_source, X_target, *others)
