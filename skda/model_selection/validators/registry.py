"""The validators by name, each applied to the evidence of one model."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .clusters import class_ami
from .confidence import (
    information_maximization,
    negative_entropy,
    nuclear_norm_score,
    soft_neighborhood_density,
)
from .distance import proxy_a_distance
from .domain_classifier import INVERSE_PENALTIES, density_ratio
from .importance import (
    deep_embedded_validation,
    importance_weighted_accuracy,
    row_losses,
    source_accuracy,
)
from .inputs import EstimatorEvidence, Evidence
from .mixval import mixval
from .reverse import reverse_accuracy


def _labels(evidence: Evidence, proba: NDArray) -> NDArray:
    return evidence.classes[np.asarray(proba).argmax(axis=1)]


def _source_accuracy(evidence: Evidence) -> float:
    return source_accuracy(evidence.y_source, _labels(evidence, evidence.proba_source))


def _iwv(evidence: Evidence, *, normalize: bool = True, **density_options: Any) -> float:
    weights = density_ratio(evidence.features_source, evidence.features_target, **density_options)
    predictions = _labels(evidence, evidence.proba_source)
    return importance_weighted_accuracy(
        evidence.y_source, predictions, weights, normalize=normalize
    )


def _dev(
    evidence: Evidence, *, loss: Literal["zero_one", "log"] = "zero_one", **density_options: Any
) -> float:
    weights = density_ratio(evidence.features_source, evidence.features_target, **density_options)
    losses = row_losses(evidence.y_source, evidence.proba_source, evidence.classes, loss)
    return deep_embedded_validation(losses, weights)


def _entropy(evidence: Evidence) -> float:
    return negative_entropy(evidence.proba_target)


def _infomax(evidence: Evidence) -> float:
    return information_maximization(evidence.proba_target)


def _snd(evidence: Evidence, *, temperature: float = 0.05) -> float:
    return soft_neighborhood_density(evidence.proba_target, temperature=temperature)


def _nuclear_norm(evidence: Evidence) -> float:
    return nuclear_norm_score(evidence.proba_target)


def _class_ami(evidence: Evidence, *, random_state: int = 0) -> float:
    return class_ami(
        evidence.features_target,
        _labels(evidence, evidence.proba_target),
        n_clusters=len(evidence.classes),
        random_state=random_state,
    )


def _mixval(evidence: Evidence, *, mix_weight: float = 0.55, random_state: int = 0) -> float:
    return mixval(
        evidence.predict_target,
        evidence.rows_target,
        mix_weight=mix_weight,
        random_state=random_state,
    )


def _a_distance(
    evidence: Evidence,
    *,
    C: float | Iterable[float] = INVERSE_PENALTIES,
    cv: int = 5,
    random_state: int = 0,
) -> float:
    return proxy_a_distance(
        evidence.features_source, evidence.features_target, C=C, cv=cv, random_state=random_state
    )


def _reverse(evidence: Evidence) -> float:
    if not isinstance(evidence, EstimatorEvidence):
        raise ValueError("Reverse validation trains models: it needs an EstimatorEvidence.")
    return reverse_accuracy(
        evidence.estimator,
        evidence.X_target,
        evidence.X_source,
        evidence.X_source,
        evidence.y_source,
    )


_VALIDATORS: dict[str, Callable[..., float]] = {
    "a_distance": _a_distance,
    "class_ami": _class_ami,
    "dev": _dev,
    "entropy": _entropy,
    "infomax": _infomax,
    "iwv": _iwv,
    "mixval": _mixval,
    "nuclear_norm": _nuclear_norm,
    "reverse": _reverse,
    "snd": _snd,
    "source_accuracy": _source_accuracy,
}


def get_validator_names() -> list[str]:
    """Return the names that `make_validator_scorer` and `compute_validator` know.

    Returns
    -------
    list of str
        In alphabetical order.

    Examples
    --------
    >>> from skda.model_selection import get_validator_names
    >>> get_validator_names()[:4]
    ['a_distance', 'class_ami', 'dev', 'entropy']
    """
    return sorted(_VALIDATORS)


def check_validator(name: str, options: dict[str, Any]) -> None:
    """Refuse an unknown validator, or an option that it does not have.

    Parameters
    ----------
    name : str
        Name of a validator.
    options : dict of str to object
        Its options.

    Raises
    ------
    ValueError
        If the name or an option is unknown.
    """
    if name not in _VALIDATORS:
        raise ValueError(f"The validator must be one of {get_validator_names()}. Got {name!r}.")
    allowed = _keyword_only(_VALIDATORS[name])
    if name in ("iwv", "dev"):
        allowed += _keyword_only(density_ratio)
    for option in options:
        if option not in allowed:
            listed = f"its options are {allowed}" if allowed else "it has none"
            raise ValueError(f"Unknown option {option!r} of the validator {name!r}: {listed}.")


def _keyword_only(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def compute_validator(name: str, evidence: Evidence, **options: Any) -> float:
    """Score one model by the validator of that name.

    Parameters
    ----------
    name : str
        One of `get_validator_names`.
    evidence : EstimatorEvidence or ArrayEvidence
        What the validator may know of the model.
    **options : object
        Options of the validator, as in `make_validator_scorer`.

    Returns
    -------
    float
        Higher is better.

    Raises
    ------
    ValueError
        If the name or an option is unknown, or the estimator or its target rows cannot give what
        the validator reads.

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
    check_validator(name, options)
    return _VALIDATORS[name](evidence, **options)
