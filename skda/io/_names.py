"""The classes and functions that a model file may name, and those that the user hands in."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from sklearn import model_selection
from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    EpochScoring,
    EpochTimer,
    GradientNormClipping,
)
from skorch.dataset import ValidSplit
from torch import nn

from .. import nn as skda_nn
from ..nn._units import Centred, InUnits
from ._errors import ModelFileError

__all__ = [
    "Handed",
    "estimator_class",
    "is_of_sklearn",
    "is_public",
    "known_name",
    "named",
    "register",
]

_FUNCTIONS = """
    binary_cross_entropy binary_cross_entropy_with_logits celu cross_entropy elu gelu glu
    hardsigmoid hardswish hardtanh huber_loss kl_div l1_loss leaky_relu log_softmax logsigmoid mish
    mse_loss multi_margin_loss multilabel_margin_loss nll_loss relu relu6 selu sigmoid silu
    smooth_l1_loss softmax softplus softsign tanh
"""


def _classes(module: Any, base: type | tuple[type, ...]) -> dict[str, Any]:
    """Return the classes of a module that have this base, by name."""
    return {k: v for k, v in vars(module).items() if inspect.isclass(v) and issubclass(v, base)}


# the classes and functions that a file may name; callbacks that write files are left out
_SPACES: dict[str, dict[str, Any]] = {
    # nn.MultiheadAttention has the last one, which torch.nn does not export
    "torch.nn": _classes(nn, nn.Module)
    | {"NonDynamicallyQuantizableLinear": nn.modules.linear.NonDynamicallyQuantizableLinear},
    "torch.nn.functional": {f: getattr(nn.functional, f) for f in _FUNCTIONS.split()},
    "torch.optim": _classes(torch.optim, torch.optim.Optimizer),
    "skda.nn": {k: v for k, v in _classes(skda_nn, nn.Module).items() if k in skda_nn.__all__}
    | {"Centred": Centred, "InUnits": InUnits},
    "skorch": {
        cls.__name__: cls
        for cls in (EarlyStopping, EpochScoring, EpochTimer, GradientNormClipping, ValidSplit)
    },
    "sklearn.model_selection": _classes(model_selection, (BaseCrossValidator, BaseShuffleSplit)),
}


def known_name(thing: Any) -> list[str] | None:
    """Return the space and the name by which a file may name a class or function, if any."""
    name = getattr(thing, "__name__", None)
    if not isinstance(name, str):
        return None
    return next(([s, name] for s, names in _SPACES.items() if names.get(name) is thing), None)


def named(space: Any, name: Any) -> Any:
    """Return the class or function of a space and a name, as `known_name` returned them."""
    strings = isinstance(space, str) and isinstance(name, str)
    found = _SPACES.get(space, {}).get(name) if strings else None
    if found is None:
        raise ModelFileError(
            f"it names {name!r} of {space!r}, which is not on the list of classes and functions "
            "that a model file may name. Load files that you trust with an skda that knows it"
        )
    return found


# each module that defines public estimators registers them: io stands below all of them
_ESTIMATORS: dict[str, type[BaseEstimator]] = {}
# class to module, of those that `import skda` leaves out
_LATER = {"LambdaSearchCV": "skda.model_selection"}


def register(*classes: type[BaseEstimator]) -> None:
    """Let a model file name these classes."""
    _ESTIMATORS.update({cls.__name__: cls for cls in classes})


register(Pipeline, StandardScaler)


def _estimator(name: Any) -> type[BaseEstimator] | None:
    """Return the estimator class that a file may name so; the search is imported if it is named."""
    if not isinstance(name, str):
        return None
    if name in _LATER:
        import_module(_LATER[name])
    return _ESTIMATORS.get(name)


def is_public(cls: type) -> bool:
    """Say whether a class is a public estimator of skda, or saved like one."""
    return _estimator(cls.__name__) is cls


def estimator_class(name: Any, handed: Handed) -> type[BaseEstimator]:
    """Return the estimator class of this name: skda's, or one of the user's that is handed in."""
    found = _estimator(name)
    if found is not None:
        return found
    if name in handed.names:
        given = handed.get(name)
        if inspect.isclass(given) and issubclass(given, BaseEstimator):
            return given
    raise ModelFileError(
        f"it holds a {name!r}, which is none of skda's estimators. Install the version of skda "
        "that wrote it, or hand a class of your own in, load(path, module={'Name': Name})"
    )


def is_of_sklearn(value: Any) -> bool:
    """Say whether a value is an estimator that scikit-learn defines."""
    return isinstance(value, BaseEstimator) and type(value).__module__.startswith("sklearn.")


def arguments_of(value: Any) -> dict[str, Any] | None:
    """Return the arguments to rebuild a callback or splitter, if a file may name its class."""
    kinds = Callback, ValidSplit, BaseCrossValidator, BaseShuffleSplit
    if not isinstance(value, kinds) or known_name(type(value)) is None:
        return None
    parameters = inspect.signature(type(value)).parameters.values()
    given = {p.name: getattr(value, p.name, p.default) for p in parameters if p.kind in (1, 3)}
    return {p.name: given[p.name] for p in parameters if given.get(p.name) is not p.default}


class Handed:
    """The objects that the user hands in for the `names` that a file needs.

    `given` is a class, an instance, a factory, a dict from name to one of these, or None.
    """

    def __init__(self, given: Any, names: Any) -> None:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ModelFileError("its list of custom names is none. Save the model again")
        self.names = names
        if isinstance(given, Mapping):
            self.given = dict(given)
        else:
            self.given = {} if given is None or len(names) != 1 else {names[0]: given}
        missing = [name for name in names if name not in self.given]
        if missing:
            shown = ", ".join(f"{name!r}: ..." for name in names)
            raise ModelFileError(
                f"it needs {', '.join(map(repr, missing))}, which only your own code has. Pass "
                f"load(path, module={missing[0] if len(names) == 1 else f'{{{shown}}}'})"
            )
        for name in names:
            self._check(name)

    def _check(self, name: str) -> None:
        """Refuse a class of another name; a function is a factory and may have any name."""
        given = self.given[name]
        cls = type(given) if isinstance(given, nn.Module) else given
        if inspect.isclass(cls) and cls.__name__ != name.partition(" of ")[0]:
            raise ModelFileError(
                f"it was saved with {name!r}, and 'module' is {cls.__name__!r}. Hand in "
                f"{name}, or if it was renamed, a function that makes one"
            )

    def get(self, name: Any) -> Any:
        """Return the object that was handed in for a name."""
        if not isinstance(name, str) or name not in self.given:
            raise ModelFileError(f"it needs {name!r}, which it does not list. Save the model again")
        return self.given[name]
