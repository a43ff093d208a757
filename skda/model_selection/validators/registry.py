"""The validators by name: the function of each, and its inputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._typing import Labels
from .checks import check_columns, check_option
from .clusters import class_ami
from .confidence import (
    information_maximization,
    negative_entropy,
    nuclear_norm_score,
    soft_neighborhood_density,
)
from .distance import proxy_a_distance
from .domain_classifier import density_ratio
from .importance import (
    deep_embedded_validation,
    importance_weighted_accuracy,
    row_losses,
    source_accuracy,
)
from .inputs import ArrayEvidence, EstimatorEvidence, ValidatorInputs, has_tokens
from .mixval import mixval
from .numbers import (
    importance_weighted_error,
    reverse_error,
    source_error,
    validated_error,
)
from .reverse import reverse_accuracy
from .thresholded import thresholded_accuracy


def _dev(
    y_source: Labels,
    proba_source: NDArray[Any],
    classes: Labels,
    weights: NDArray[np.float64],
    *,
    loss: Literal["zero_one", "log"] = "zero_one",
) -> float:
    return deep_embedded_validation(row_losses(y_source, proba_source, classes, loss), weights)


def _class_ami(
    features_target: NDArray[Any],
    predictions_target: Labels,
    classes: Labels,
    *,
    random_state: int = 0,
) -> float:
    return class_ami(
        features_target, predictions_target, n_clusters=len(classes), random_state=random_state
    )


Task = Literal["classification", "regression"]


class _Row(NamedTuple):
    """A validator: its function, and the inputs that are the function's positional arguments.

    The first two inputs of a weighted validator are the features of the domains. In their place,
    the function gets the density ratio as its last argument.
    """

    function: Callable[..., float]
    reads: tuple[str, ...]
    weighted: bool = False

    @property
    def options(self) -> list[str]:
        """Names of the options."""
        own = _options_of(self.function)
        return own + _options_of(density_ratio) if self.weighted else own


def _options_of(function: Callable[..., Any]) -> list[str]:
    """Return the names of the keyword-only parameters."""
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


_DOMAINS = "features_source", "features_target"
_PREDICTIONS = "y_source", "predictions_source"
_NUMBERS = "y_source", "numbers_source"

_VALIDATORS = {
    "a_distance": _Row(proxy_a_distance, _DOMAINS),
    "atc": _Row(thresholded_accuracy, ("y_source", "proba_source", "proba_target", "classes")),
    "class_ami": _Row(_class_ami, ("features_target", "predictions_target", "classes")),
    "dev": _Row(_dev, (*_DOMAINS, "y_source", "proba_source", "classes"), weighted=True),
    "entropy": _Row(negative_entropy, ("proba_target",)),
    "infomax": _Row(information_maximization, ("proba_target",)),
    "iwv": _Row(importance_weighted_accuracy, (*_DOMAINS, *_PREDICTIONS), weighted=True),
    "mixval": _Row(mixval, ("predict_target", "rows_target")),
    "nuclear_norm": _Row(nuclear_norm_score, ("proba_target",)),
    # the held-out source rows are the reverse model's unlabelled target, and its test rows
    "reverse": _Row(
        reverse_accuracy, ("estimator", "X_target", "X_source", "X_source", "y_source")
    ),
    "snd": _Row(soft_neighborhood_density, ("proba_target",)),
    "source_accuracy": _Row(source_accuracy, _PREDICTIONS),
}

_OF_REGRESSORS = {
    "a_distance": _VALIDATORS["a_distance"],
    "dev": _Row(validated_error, (*_DOMAINS, *_NUMBERS), weighted=True),
    "iwv": _Row(importance_weighted_error, (*_DOMAINS, *_NUMBERS), weighted=True),
    "reverse": _VALIDATORS["reverse"]._replace(function=reverse_error),
    "source_error": _Row(source_error, _NUMBERS),
}
_OF_TASKS = {"classification": _VALIDATORS, "regression": _OF_REGRESSORS}


def _read(inputs: ValidatorInputs, name: str, validator: str) -> Any:
    """Return one input of a validator, checked as far as the validator cannot."""
    if name == "estimator" and not isinstance(inputs, EstimatorEvidence):
        raise ValueError("Reverse validation trains models: it needs an EstimatorEvidence.")
    kind, _, domain = name.partition("_")
    field = f"proba_{domain}" if kind == "predictions" else name
    if name == "rows_target" and has_tokens(inputs):
        raise ValueError(
            "The target rows are integers that the module embeds, such as tokens, which mixval "
            "cannot mix. Choose another validator."
        )
    value = getattr(inputs, field)
    if isinstance(inputs, ArrayEvidence):
        if value is None:
            raise ValueError(
                f"The validator {validator!r} needs {field}, which this ArrayEvidence lacks. Pass "
                f"ArrayEvidence(classes, {field}=...)."
            )
        if kind in ("proba", "predictions"):
            check_columns(inputs.classes, value, field)
    if kind == "predictions":
        return np.asarray(inputs.classes)[np.asarray(value).argmax(axis=1)]
    return value


def get_validator_names(task: Task = "classification") -> list[str]:
    """Return the names that `make_validator_scorer` and `compute_validator` know.

    Parameters
    ----------
    task : {"classification", "regression"}, default="classification"
        What the models predict: classes or numbers.

    Returns
    -------
    list of str
        In alphabetical order.

    Raises
    ------
    ValueError
        If the task is unknown.

    Examples
    --------
    >>> from skda.model_selection import get_validator_names
    >>> get_validator_names()[:4]
    ['a_distance', 'atc', 'class_ami', 'dev']
    """
    if task not in ("classification", "regression"):
        raise ValueError(f"task must be 'classification' or 'regression'. Got {task!r} instead.")
    return sorted(_OF_TASKS[task])


def task_of(name: str) -> Task:
    """Return a task that has the validator: classification if both have it, or none."""
    of_regressors_alone = name in _OF_REGRESSORS and name not in _VALIDATORS
    return "regression" if of_regressors_alone else "classification"


def check_validator(name: str, options: dict[str, Any], task: Task = "classification") -> None:
    """Raise ValueError for a validator that the task lacks, or an option that it does not take."""
    known = _OF_TASKS[task]
    if name not in known:
        of = " of a regressor" if task == "regression" else ""
        raise ValueError(
            f"The validator{of} must be one of {get_validator_names(task)}. Got {name!r}."
        )
    for option in options:
        allowed = known[name].options
        if option not in allowed:
            listed = f"its options are {allowed}" if allowed else "it has none"
            raise ValueError(f"Unknown option {option!r} of the validator {name!r}: {listed}.")
        check_option(option, options[option])


def compute_validator(name: str, evidence: ValidatorInputs, **options: Any) -> float:
    """Score one model by the validator of that name.

    Parameters
    ----------
    name : str
        One of `get_validator_names`.
    evidence : EstimatorEvidence or ArrayEvidence
        The rows, labels, probabilities and features from which the score is computed.
    **options : object
        Options of the validator, as in `make_validator_scorer`.

    Returns
    -------
    float
        Higher is better.

    Raises
    ------
    ValueError
        If the name or an option is unknown, or if the estimator, its target rows or the arrays do
        not give what the validator reads.

    Examples
    --------
    >>> import numpy as np
    >>> from skda.model_selection import ArrayEvidence, compute_validator
    >>> evidence = ArrayEvidence(
    ...     classes=np.array(["a", "b"]), y_source=np.array(["a", "a"]), proba_source=np.eye(2)
    ... )
    >>> compute_validator("source_accuracy", evidence)
    0.5
    """
    if not isinstance(evidence, (ArrayEvidence, EstimatorEvidence)):
        raise TypeError(
            "evidence must be an ArrayEvidence or an EstimatorEvidence. Got "
            f"{type(evidence).__name__} instead."
        )
    task: Task = "regression" if evidence.is_regression else "classification"
    check_validator(name, options, task)
    row = _OF_TASKS[task][name]
    given = [_read(evidence, each, name) for each in row.reads]
    if row.weighted:
        of_ratio = {
            each: options.pop(each) for each in _options_of(density_ratio) if each in options
        }
        source, target, *given = given
        given.append(density_ratio(source, target, **of_ratio))
    return row.function(*given, **options)
