"""Parts of docstrings that are written once, in a parent class or for several functions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from textwrap import indent
from typing import TypeVar

__all__ = ["complete_docstring", "shared_docs"]

_ENTRY = re.compile(r"^(\*{0,2}\w[\w, ]*?)(?: :.*)?$")


def complete_docstring(cls: type) -> str:
    """Return the numpydoc docstring of `cls`, completed from the docstrings of its parents.

    The parameters stand in the order of the signature, with the defaults of `cls`. The entry of a
    parameter, the Attributes and the References are those of `cls`, or else of the nearest parent.
    """
    doc = inspect.cleandoc(cls.__doc__ or "")
    before, own, after = _section(doc, "Parameters")
    if not own:
        return doc
    found = dict(own)
    known = inspect.signature(cls).parameters
    parents = {parent: _own_docstring(parent) for parent in cls.__mro__[1:]}
    for parent, text in parents.items():
        entries = _section(text, "Parameters")[1]
        theirs = inspect.signature(parent).parameters if entries else {}
        for name, lines in entries.items():
            if name in known and name in theirs and known[name].default != theirs[name].default:
                lines = [_with_default(lines[0], known[name].default), *lines[1:]]
            found.setdefault(name, lines)
    order = [name for name in known if name in found]
    order += [name for name in found if name.startswith("**")][:1]
    lines = [line for name in order for line in found[name]]
    after = _inherited(after, "Attributes", parents.values(), 0)
    at = after.index("Examples") if "Examples" in after else len(after)
    after = _inherited(after, "References", parents.values(), at)
    return "\n".join([*before, *lines, "", *after]).rstrip()


def _own_docstring(cls: type) -> str:
    """Return the docstring that a class was written with."""
    return inspect.cleandoc(vars(cls).get("_written_docstring") or cls.__doc__ or "")


def _with_default(line: str, default: object) -> str:
    """Put the default of a subclass into the first line of a parent's entry."""
    text = f'"{default}"' if isinstance(default, str) else repr(default)
    return re.sub(r"(, default=).*$", lambda match: match[1] + text, line)


def _inherited(lines: list[str], title: str, docs: Iterable[str], at: int) -> list[str]:
    """Put the first section of this title in `docs` into `lines`, unless they have one."""
    for doc in docs:
        section = doc.splitlines()
        start, end = _bounds(section, title)
        if start < end and title not in lines:
            while not section[end - 1]:
                end -= 1
            space = [""] if at and lines[at - 1] else []
            lines = [*lines[:at], *space, *section[start:end], "", *lines[at:]]
    return lines


def _bounds(lines: list[str], title: str) -> tuple[int, int]:
    """Return where a section starts and ends, twice the end of the lines if there is none."""
    start = lines.index(title) if title in lines else len(lines)
    rules = (i for i in range(start + 2, len(lines)) if re.fullmatch(r"-{3,}", lines[i]))
    return start, min(next(rules, len(lines) + 1) - 1, len(lines))


def _section(doc: str, title: str) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Return the lines before a section of a clean docstring, its entries, and the lines after."""
    lines = doc.splitlines()
    start, end = _bounds(lines, title)
    start += 2  # after the heading
    entries: dict[str, list[str]] = {}
    for line in lines[start:end]:
        match = _ENTRY.match(line)
        if match:
            entries[match[1].strip()] = current = [line]
        elif line.strip():
            current.append(line)
    return lines[:start], entries, lines[end:]


Documented = TypeVar("Documented", bound=Callable[..., object])

_MARKER = re.compile(r"^( *)<(\w+)>$", re.MULTILINE)


def shared_docs(parts: Mapping[str, str]) -> Callable[[Documented], Documented]:
    """Return a decorator that replaces each line ``<name>`` of a docstring by its part.

    A part takes the indentation of the line that it replaces.

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
