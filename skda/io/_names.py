"""The classes and functions that a model file may name, and those that the user hands in."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import skorch.callbacks
import torch
from sklearn import model_selection
from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback, WarmRestartLR
from skorch.dataset import ValidSplit
from torch import nn
from torch.optim import lr_scheduler

from .. import nn as skda_nn
from ..nn._units import Centred, InUnits
from ._errors import ModelFileError

__all__ = [
    "Handed",
    "arguments_of",
    "estimator_class",
    "instance_needed",
    "is_of_sklearn",
    "is_public",
    "known_name",
    "named",
    "register",
    "takes_arguments",
]

_FUNCTIONS = """
    binary_cross_entropy binary_cross_entropy_with_logits celu cross_entropy elu gelu glu
    hardsigmoid hardswish hardtanh huber_loss kl_div l1_loss leaky_relu log_softmax logsigmoid mish
    mse_loss multi_margin_loss multilabel_margin_loss nll_loss relu relu6 selu sigmoid silu
    smooth_l1_loss softmax softplus softsign tanh
"""

# callbacks that write no file and call no other program
_CALLBACKS = """
    BatchScoring EarlyStopping EpochScoring EpochTimer GradientNormClipping LRScheduler
    PassthroughScoring PrintLog ProgressBar
"""


def _classes(module: Any, base: type | tuple[type, ...]) -> dict[str, Any]:
    """Return the classes of a module that have this base, by name."""
    return {k: v for k, v in vars(module).items() if inspect.isclass(v) and issubclass(v, base)}


# the classes and functions that a file may name
_SPACES: dict[str, dict[str, Any]] = {
    # nn.MultiheadAttention has the last one, which torch.nn does not export
    "torch.nn": _classes(nn, nn.Module)
    | {"NonDynamicallyQuantizableLinear": nn.modules.linear.NonDynamicallyQuantizableLinear},
    "torch.nn.functional": {f: getattr(nn.functional, f) for f in _FUNCTIONS.split()},
    "torch.optim": _classes(torch.optim, torch.optim.Optimizer),
    "skda.nn": {k: v for k, v in _classes(skda_nn, nn.Module).items() if k in skda_nn.__all__}
    | {"Centred": Centred, "InUnits": InUnits},
    "torch.optim.lr_scheduler": _classes(lr_scheduler, lr_scheduler.LRScheduler),
    "skorch": {name: getattr(skorch.callbacks, name) for name in _CALLBACKS.split()}
    | {"ValidSplit": ValidSplit, "WarmRestartLR": WarmRestartLR},
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
    """Return the arguments to make a callback or splitter anew; None where nobody knows them.

    As scikit-learn has it, a parameter is an attribute of the same name. skorch's callbacks also
    keep what a ``**`` of their constructor takes.
    """
    kinds = Callback, ValidSplit, BaseCrossValidator, BaseShuffleSplit
    if not isinstance(value, kinds):
        return None
    parameters = inspect.signature(type(value)).parameters
    other = {name for name, p in parameters.items() if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    named = parameters.keys() - other
    by_position = any(parameters[name].kind is inspect.Parameter.VAR_POSITIONAL for name in other)
    if by_position or not all(hasattr(value, name) for name in named):
        return None
    given = {name: getattr(value, name) for name in parameters if name in named}
    if other:
        given |= {name: v for name, v in vars(value).items() if not name.endswith("_")}
    return {
        name: v
        for name, v in given.items()
        if name not in parameters or v is not parameters[name].default
    }


def takes_arguments(cls: type) -> bool:
    """Say whether two instances of a class of networks may differ by their arguments."""
    inherits = cls.__init__ is nn.Module.__init__  # type: ignore[misc]
    return not inherits and bool(inspect.signature(cls).parameters)


def instance_needed(name: str) -> ModelFileError:
    """Return the error of a class that was handed in where an instance is needed."""
    return ModelFileError(
        f"it was saved with an instance of {name!r} whose arguments it does not hold, and 'module' "
        f"is the class. Pass an instance, {_call(name)}, made as that one was"
    )


def _call(name: str) -> str:
    return f"{name.partition(' of ')[0]}(...)"


def _needed(missing: list[str], names: list[str], instances: Any) -> str:
    """Return the message that says what to hand in."""
    as_saved = [name for name in names if name in instances]
    if len(names) == 1:
        module = _call(names[0]) if as_saved else names[0]
    else:
        shown = (f"{name!r}: {_call(name) if name in as_saved else '...'}" for name in names)
        module = f"{{{', '.join(shown)}}}"
    who = "which only your own code has"
    if all(name.partition(" of ")[0] in skorch.callbacks.__all__ for name in missing):
        who = "of skorch, which a file may not name because it writes files or runs other code"
    made = ", each instance made as the one that was saved" if as_saved else ""
    return (
        f"it needs {', '.join(map(repr, missing))}, {who}. Pass load(path, module={module}){made}"
    )


class Handed:
    """The objects that the user hands in for the `names` that a file needs.

    `given` is a class, an instance, a factory, a dict from name to one of these, or None. Of the
    names `instances` a class is not enough.
    """

    def __init__(self, given: Any, names: Any, instances: Any = ()) -> None:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ModelFileError("its list of custom names is none. Save the model again")
        self.names = names
        if isinstance(given, Mapping):
            self.given = dict(given)
        else:
            self.given = {} if given is None or len(names) != 1 else {names[0]: given}
        missing = [name for name in names if name not in self.given]
        if missing:
            raise ModelFileError(_needed(missing, names, instances))
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
