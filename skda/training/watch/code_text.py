"""What a function or a class does as plain values: its code, and the values that the code reads."""

from __future__ import annotations

import dis
import sys
import sysconfig
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from skorch.callbacks import Callback
from torch import Tensor

__all__ = ["parts_of_class", "parts_of_function"]

_NUMBERS = (bool, int, float, complex, str, bytes, type(None))
_DATA = (*_NUMBERS, np.generic, np.ndarray, Tensor, list, tuple, dict, set, frozenset)
_INSTALLED = ("<frozen", sysconfig.get_path("stdlib"), str(Path(__file__).parents[2]))


def parts_of_function(function: FunctionType) -> list[Any]:
    """Return the code of a function, its defaults, and the values that the code reads.

    These are the values of its closure and, where the user wrote the function, those global data
    and functions of its module that it names. A change of the docstring or of the file changes
    nothing.
    """
    code = function.__code__
    cells = function.__closure__ or ()
    return [
        function.__qualname__,
        _parts_of_code(code, function.__doc__),
        function.__defaults__,
        function.__kwdefaults__,
        [_content(cell) for cell in cells],
        _globals_of(function) if _is_of_user(code.co_filename) else {},
    ]


def parts_of_class(cls: type) -> list[Any]:
    """Return the name of a class and, where the user wrote the class, its methods and numbers.

    The code of a callback is left out: it may be mended before a training goes on.
    """
    parts: list[Any] = [f"{cls.__module__}.{cls.__qualname__}"]
    if issubclass(cls, Callback):
        return parts
    for base in filter(_is_class_of_user, cls.__mro__):
        own = vars(base)
        methods = {name: list(_functions(value)) for name, value in own.items()}
        numbers = {
            name: value
            for name, value in own.items()
            if isinstance(value, _NUMBERS) and not name.startswith("__")
        }
        parts += [{name: found for name, found in methods.items() if found}, numbers]
    return parts


def _functions(value: Any) -> Iterator[FunctionType]:
    """Yield the functions of a method, of a property, or of a static or class method."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    of_property = (value.fget, value.fset) if isinstance(value, property) else (value,)
    yield from (item for item in of_property if isinstance(item, FunctionType))


def _parts_of_code(code: CodeType, docstring: str | None = None) -> list[Any]:
    constants = [value for value in code.co_consts if docstring is None or value != docstring]
    nested = [
        _parts_of_code(value) if isinstance(value, CodeType) else value for value in constants
    ]
    return [code.co_code, code.co_names, nested]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that is not set yet
        return "empty"


def _is_of_user(file: str) -> bool:
    """Say whether a file is not one of Python, of an installed package, or of skda."""
    return not (file.startswith(_INSTALLED) or "site-packages" in file or "dist-packages" in file)


def _is_class_of_user(cls: type) -> bool:
    if cls.__module__ in sys.builtin_module_names:
        return False
    # a notebook has no file
    return _is_of_user(getattr(sys.modules.get(cls.__module__), "__file__", None) or "")


def _globals_of(function: FunctionType) -> dict[str, Any]:
    """Return the global data and functions that a function reads, and does not set itself."""
    read, written = set(), set()
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        codes += [value for value in code.co_consts if isinstance(value, CodeType)]
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                read.add(step.argval)
            elif step.opname == "STORE_GLOBAL":
                written.add(step.argval)
    names = (read - written) & function.__globals__.keys()
    values = {name: function.__globals__[name] for name in names}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, (*_DATA, FunctionType, partial))
    }
