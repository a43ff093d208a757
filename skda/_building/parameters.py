"""Constructor parameters: inherited ones, and skorch's double-underscore ones."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, ClassVar, Self

from .._docstrings import complete_docstring

__all__ = ["NetParametersMixin", "check_arguments", "did_you_mean"]


def did_you_mean(name: str, known: Iterable[str], prefixes: Iterable[str] = ()) -> str:
    """Return the message about an unknown argument, with the nearest known one.

    >>> did_you_mean("module_hidden", ["module", "lam"], prefixes=["module"])
    'Unexpected argument module_hidden, did you mean module__hidden?'
    >>> did_you_mean("lamb", ["module", "lam"])
    'Unexpected argument lamb, did you mean lam?'
    """
    known = sorted(known)
    for prefix in prefixes:
        rest = name.removeprefix(f"{prefix}_")
        if rest not in ("", name) and not rest.startswith("_"):
            return f"Unexpected argument {name}, did you mean {prefix}__{rest}?"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"Unexpected argument {name}, did you mean {near[0]}?"
    return f"Unexpected argument {name}. Known arguments are: {', '.join(known)}."


def check_arguments(target: Callable[..., Any], names: Iterable[str], prefix: str) -> None:
    """Raise ValueError, with the nearest match, if `target` takes no argument of such a name.

    The names are those of ``prefix__name`` parameters that are passed to `target`.
    """
    names = list(names)
    if not names:  # reading a signature takes as long as a small network does for a batch
        return
    parameters = inspect.signature(target).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in names:
        if name not in parameters:
            known = [f"{prefix}__{known}" for known in parameters if known != "self"]
            raise ValueError(did_you_mean(f"{prefix}__{name}", known))


def _handing_on(cls: type) -> Callable[..., None]:
    """Return a constructor of `cls` that passes everything to its parents'."""
    owner: Any = cls

    def __init__(self: Any, module: Any = None, **params: Any) -> None:
        super(owner, self).__init__(module, **params)

    return __init__


def _written(cls: type, what: str) -> dict[str, Any]:
    """Return what a class itself defines, without what it inherits."""
    if "_written" in vars(cls):
        written: dict[str, Any] = vars(cls)["_written"][what]
        return written
    found = vars(cls).get(what, {})
    return dict(inspect.signature(found).parameters) if callable(found) else found


class NetParametersMixin:
    """Constructors that need not repeat their parents' parameters.

    A class names its own parameters in ``__init__`` and takes the rest as ``**params``; its
    signature and its docstring then show all of them, and so do scikit-learn, ``help`` and
    completion. In `_parameter_constraints` a class names its own parameters too. Parameters of
    the form ``prefix__name``, which skorch passes to the module, the optimizer and so on, are
    stored, listed, set and cloned like any other.
    """

    net_prefixes: ClassVar[tuple[str, ...]] = (
        "module",
        "criterion",
        "optimizer",
        "iterator_train",
        "iterator_valid",
        "callbacks",
        "compile",
    )
    # skorch's components that have a parameter of their own only where the user sets one
    net_components: ClassVar[tuple[str, ...]] = ("iterator_train", "iterator_valid")

    _written_docstring: ClassVar[str | None]
    _parameter_constraints: ClassVar[dict[str, list[Any]]]
    # the constructor's parameters and the constraints that a class names itself
    _written: ClassVar[dict[str, dict[str, Any]]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Complete the signature and the docstring of a subclass by its parents' parameters."""
        super().__init_subclass__(**kwargs)
        parents = [c for c in cls.__mro__[1:-1] if "__init__" in vars(c)]
        if "__init__" not in vars(cls) and len(parents) > 1:
            cls.__init__ = _handing_on(cls)  # type: ignore[method-assign]
        init = vars(cls).get("__init__")
        cls._written = {
            "__init__": {} if init is None else dict(inspect.signature(init).parameters),
            "_parameter_constraints": vars(cls).get("_parameter_constraints", {}),
        }
        own = cls._written["__init__"]
        inherited: dict[str, inspect.Parameter] = {}
        for parent in parents:
            for name, p in _written(parent, "__init__").items():
                if name not in own and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):
                    # **params takes them by name only
                    inherited.setdefault(name, p.replace(kind=p.KEYWORD_ONLY))
        if init is not None:
            named = [p for p in own.values() if p.kind is not p.VAR_KEYWORD]
            # without **params: scikit-learn takes every name in here for a parameter
            init.__signature__ = inspect.Signature([*named, *inherited.values()])
        cls._parameter_constraints = {}
        for c in reversed(cls.__mro__):
            cls._parameter_constraints |= _written(c, "_parameter_constraints")
        if cls.__doc__ and parents:
            cls._written_docstring = cls.__doc__
            cls.__doc__ = complete_docstring(cls)

    def _store_net_params(self, params: dict[str, Any]) -> None:
        unknown = [name for name in params if not self._is_net_param(name)]
        if unknown:
            known = inspect.signature(type(self)).parameters
            raise TypeError(did_you_mean(unknown[0], known, self.net_prefixes))
        vars(self).update(params)

    def _is_net_param(self, name: str) -> bool:
        prefix, delimiter, rest = name.partition("__")
        return bool(prefix in self.net_prefixes and delimiter and rest) or (
            name in self.net_components
        )

    def net_params(self, prefix: str) -> dict[str, Any]:
        """Return the ``prefix__name`` parameters as a dictionary from name to value."""
        start = f"{prefix}__"
        return {k[len(start) :]: v for k, v in vars(self).items() if k.startswith(start)}

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Return the names in the signature, which does not change once the class is made."""
        names: list[str] = super()._get_param_names()  # type: ignore[misc]
        return names

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return all parameters, skorch's double-underscore ones included."""
        params: dict[str, Any] = super().get_params(deep=deep)  # type: ignore[misc]
        return params | {k: v for k, v in vars(self).items() if self._is_net_param(k)}

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also ones like ``module__hidden`` that were not set before.

        Raises
        ------
        ValueError
            If a parameter is unknown; none is set then.
        """
        net_params = {k: v for k, v in params.items() if self._is_net_param(k)}
        known = self.get_params(deep=True)
        for name in params:
            if name not in known and name not in net_params:
                raise ValueError(did_you_mean(name, known, self.net_prefixes))
        super().set_params(**{k: v for k, v in params.items() if k not in net_params})  # type: ignore[misc]
        vars(self).update(net_params)
        return self
