"""Parts of docstrings that several functions or classes share, each written once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from textwrap import indent
from typing import TypeVar

Documented = TypeVar("Documented", bound=Callable[..., object])

_MARKER = re.compile(r"^( *)<(\w+)>$", re.MULTILINE)


def shared_docs(parts: Mapping[str, str]) -> Callable[[Documented], Documented]:
    """Replace each line ``<name>`` of a docstring by the part of this name.

    Parameters
    ----------
    parts : mapping of str to str
        The parts by name; each takes the indentation of the line that it replaces.

    Returns
    -------
    decorate : callable
        Decorator of a function or a class.

    Examples
    --------
    >>> @shared_docs({"seed": "seed : int"})
    ... def draw(seed):
    ...     '''
    ...     <seed>
    ...     '''
    >>> draw.__doc__
    'seed : int'
    """

    def decorate(documented: Documented) -> Documented:
        if documented.__doc__:  # python -OO removes docstrings
            documented.__doc__ = _MARKER.sub(
                lambda found: indent(parts[found[2]].strip(), found[1]),
                inspect.cleandoc(documented.__doc__),
            )
        return documented

    return decorate
