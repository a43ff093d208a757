"""Transferability of the layers of a network to another task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_parameter_constraints
from sklearn.utils.parallel import Parallel, delayed

from ..methods.finetune import FinetuneClassifier
from ..nn import weight_layers

__all__ = ["TREATMENTS", "TransferabilityCurve", "transferability_curve"]

CALLER = "transferability_curve"
# name -> (whether the layers come from task A, whether they are kept fixed)
TREATMENTS = {
    "BnB": (False, True),
    "BnB+": (False, False),
    "AnB": (True, True),
    "AnB+": (True, False),
}
# parameters that the curve sets itself, or that would change what it copies
_LEFT_ALONE = {"pretrained": None, "n_frozen": 0, "reinit": 0, "unfreeze_schedule": None}
_CONSTRAINTS: dict[str, list[Any]] = {
    "estimator": [FinetuneClassifier],
    "layers": ["array-like", None],
    "n_repeats": [Interval(Integral, 1, None, closed="left")],
    "scoring": [str, callable, None],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
}


@dataclass(frozen=True)
class TransferabilityCurve:
    """Scores on task B, by the number of layers that were transferred.

    Parameters
    ----------
    layers : ndarray of shape (n_numbers,), int
        Numbers of transferred layers, growing.
    scores : dict of str to ndarray of shape (n_numbers, n_repeats)
        Scores of "BnB", "BnB+", "AnB" and "AnB+".
    base_scores : ndarray of shape (n_repeats,)
        Scores of the networks that were trained on B alone.
    layer_names : list of list of str
        The layers of the network, from the input, as in ``module.named_modules()``, each with
        the normalisation that belongs to it.
    """

    layers: NDArray[np.int64]
    scores: dict[str, NDArray[np.float64]]
    base_scores: NDArray[np.float64]
    layer_names: list[list[str]]


def transferability_curve(
    estimator: FinetuneClassifier,
    X_a: Any,
    y_a: Any,
    X_b: Any,
    y_b: Any,
    X_test: Any,
    y_test: Any,
    *,
    layers: Sequence[int] | None = None,
    n_repeats: int = 1,
    scoring: Any = None,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> TransferabilityCurve:
    """Transfer the first k layers of a network to task B, for each k, and score it there.

    One network is trained on task A, one on task B. The first k layers of each are copied into a
    new network, whose other layers start from new weights. The new network is trained on B; the
    copied layers are kept fixed ("AnB" from A, "BnB" from B) or trained as well ("AnB+", "BnB+").

    Parameters
    ----------
    estimator : FinetuneClassifier
        The network and how it is trained, every time. With ``X_a=None``, its `pretrained` is the
        network of task A, such as a `skda.nn.Backbone`: "AnB" and "AnB+" alone are then trained,
        and the base is that network with new weights, trained on B. Its `backbone_lr_ratio` is
        the learning rate of copied layers that are trained, relative to that of new ones; the
        paper has 1.
    X_a, y_a : array-like of shape (n_a, ...) and (n_a,), or None
        Rows and labels of task A, any that `FinetuneClassifier` takes.
    X_b, y_b : array-like of shape (n_b, ...) and (n_b,)
        Rows of the same shape and labels of task B.
    X_test, y_test : array-like of shape (n_test, ...) and (n_test,)
        Rows and labels of task B to score on.
    layers : sequence of int or None, default=None
        Numbers of layers k to transfer. None is every number: from 1 to the number of the
        network's layers if A and B have the same classes, otherwise, and with ``X_a=None``,
        without the last layer.
    n_repeats : int, default=1
        Number of repetitions, each with weights and batches of its own.
    scoring : str, callable or None, default=None
        A scorer as in scikit-learn; None is accuracy.
    n_jobs : int or None, default=None
        Number of repetitions that run at the same time, as in joblib.
    random_state : int, RandomState or None, default=None
        Fixes all weights and batches; the estimator's own `random_state` is not used.

    Returns
    -------
    TransferabilityCurve

    Raises
    ------
    ValueError
        If a parameter is not allowed (a TypeError if its type is wrong).

    See Also
    --------
    TransferabilityDisplay : The figure.

    Notes
    -----
    The score falls from the base to BnB because the copied layers were trained together with layers
    that were replaced. It falls from BnB to AnB because the copied layers are specific to A.
    Freeze, or leave unadapted, the layers before AnB falls.

    If all layers are copied and fixed, no parameter is trained: BnB is the base network, AnB the
    network of A as it is. In a repetition the networks of A and B start from the same weights, and
    so do the new layers of all four treatments: differences between curves are due to the
    copied layers. Normalisation layers count with the layer before them; fixed ones keep the
    statistics of the task they come from.

    References
    ----------
    .. [1] Yosinski, J. et al. (2014). How transferable are features in deep neural networks?
       NIPS.

    Examples
    --------
    >>> from skda import FinetuneClassifier
    >>> from skda.datasets import make_rotated_moons
    >>> from skda.inspection import transferability_curve
    >>> moons = make_rotated_moons(random_state=0)
    >>> curve = transferability_curve(
    ...     FinetuneClassifier(max_epochs=2, backbone_lr_ratio=1.0),
    ...     moons.X_source, moons.y_source,
    ...     moons.X_target[:200], moons.y_target[:200],
    ...     moons.X_target[200:], moons.y_target[200:],
    ...     random_state=0,
    ... )
    >>> curve.layers
    array([1, 2, 3])
    >>> {name: scores.shape for name, scores in curve.scores.items()}
    {'BnB': (3, 1), 'BnB+': (3, 1), 'AnB': (3, 1), 'AnB+': (3, 1)}
    """
    validate_parameter_constraints(_CONSTRAINTS, locals(), CALLER)
    _check_estimator(estimator, of_pretrained=X_a is None)
    wanted = None if layers is None else _check_numbers(layers)
    tasks = X_a, y_a, X_b, y_b, X_test, y_test
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=(n_repeats, 2))
    repeats = Parallel(n_jobs=n_jobs)(
        delayed(_repeat)(estimator, tasks, wanted, scoring, [int(s) for s in pair])
        for pair in seeds
    )
    first = repeats[0]
    return TransferabilityCurve(
        np.array(first.layers),
        {name: np.array([r.scores[name] for r in repeats]).T for name in first.scores},
        np.array([r.base_score for r in repeats]),
        first.layer_names,
    )


@dataclass(frozen=True)
class _Repeat:
    layers: list[int]
    scores: dict[str, list[float]]
    base_score: float
    layer_names: list[list[str]]


def _repeat(
    estimator: FinetuneClassifier,
    tasks: tuple[Any, ...],
    wanted: list[int] | None,
    scoring: Any,
    seeds: Sequence[int],
) -> _Repeat:
    """Train and score all networks once."""
    X_a, y_a, X_b, y_b, X_test, y_test = tasks
    base_seed, new_seed = seeds
    new = clone(estimator).set_params(random_state=base_seed)
    of_pretrained = X_a is None
    if of_pretrained:  # one epoch, for the number of its layers
        short = clone(new).set_params(max_epochs=1).fit(X_b, y_b)
        names = weight_layers(short.module_)
        base_a, base_b = estimator.pretrained, clone(new).set_params(reinit=len(names))
        base_b.fit(X_b, y_b)
    else:
        base_b = clone(new).fit(X_b, y_b)
        names = weight_layers(base_b.module_)
        base_a = new.fit(X_a, y_a)
    same_classes = not of_pretrained and np.array_equal(base_a.classes_, base_b.classes_)
    numbers = _numbers(wanted, len(names), same_classes)
    score = check_scoring(base_b, scoring)

    def transfer(k: int, from_a: bool, fixed: bool) -> float:
        base = base_a if from_a else base_b
        if not fixed or k < len(names):
            base = clone(estimator).set_params(
                pretrained=base,
                n_frozen=k if fixed else 0,
                reinit=len(names) - k,
                random_state=new_seed,
            )
            base.fit(X_b, y_b)
        return float(score(base, X_test, y_test))

    scores = {
        name: [transfer(k, from_a, fixed) for k in numbers]
        for name, (from_a, fixed) in TREATMENTS.items()
        if from_a or not of_pretrained
    }
    return _Repeat(numbers, scores, float(score(base_b, X_test, y_test)), names)


def _check_estimator(estimator: FinetuneClassifier, *, of_pretrained: bool) -> None:
    if of_pretrained and estimator.pretrained is None:
        raise ValueError(
            f"The 'X_a' parameter of {CALLER} is None, so that the network of task A must be the "
            "estimator's 'pretrained'. Got pretrained=None. Pass rows and labels of task A, or a "
            "trained network."
        )
    for name, neutral in _LEFT_ALONE.items():
        value = neutral if of_pretrained and name == "pretrained" else getattr(estimator, name)
        if value is not neutral and value != neutral:
            raise ValueError(
                f"The 'estimator' parameter of {CALLER} must have {name}={neutral}: the curve sets "
                f"what is copied and kept fixed. Got {name}={value!r} instead."
            )


def _is_number(k: Any) -> bool:
    return not isinstance(k, bool) and isinstance(k, Integral) and int(k) >= 1


def _check_numbers(layers: Iterable[Any]) -> list[int]:
    numbers = list(layers)
    if not numbers or not all(map(_is_number, numbers)):
        raise ValueError(
            f"The 'layers' parameter of {CALLER} must hold one or more int in the range [1, inf). "
            f"Got {layers!r} instead."
        )
    return sorted({int(k) for k in numbers})


def _numbers(wanted: list[int] | None, n_layers: int, same_classes: bool) -> list[int]:
    most = n_layers if same_classes else n_layers - 1
    if wanted is None:
        return list(range(1, most + 1))
    if wanted[-1] > most:
        why = "" if same_classes else ", without the last one, because A and B differ in classes"
        raise ValueError(
            f"The 'layers' parameter of {CALLER} must hold numbers up to {most}, the layers of "
            f"the module{why}. Got {wanted[-1]} instead."
        )
    return wanted
