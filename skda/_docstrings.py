"""Docstrings that show inherited parameters and attributes, written once in the parent."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

__all__ = ["complete_docstring"]

_ENTRY = re.compile(r"^(\*{0,2}\w[\w, ]*?)(?: :.*)?$")


def complete_docstring(cls: type) -> str:
    """Return the numpydoc docstring of `cls` with what its parents say of the rest.

    Parameters
    ----------
    cls : type
        Its own entries come first where both describe a parameter; the order is the signature's.

    Returns
    -------
    str
        With entries for all parameters of the signature that a parent describes, and with the
        nearest parent's Attributes section if it has none of its own.
    """
    doc = inspect.cleandoc(cls.__doc__ or "")
    before, own, after = _section(doc, "Parameters")
    if not own:
        return doc
    found = dict(own)
    parents = [inspect.cleandoc(parent.__doc__ or "") for parent in cls.__mro__[1:]]
    for parent in parents:
        for name, lines in _section(parent, "Parameters")[1].items():
            found.setdefault(name, lines)
    known = list(inspect.signature(cls).parameters)
    order = [name for name in known if name in found]
    order += [name for name in found if name.startswith("**")][:1]
    lines = [line for name in order for line in found[name]]
    if not _section(doc, "Attributes")[1]:
        after = _first_attributes(parents) + after
    return "\n".join([*before, *lines, "", *after])


def _first_attributes(docs: Iterable[str]) -> list[str]:
    for doc in docs:
        _, entries, _ = _section(doc, "Attributes")
        if entries:
            lines = [line for entry in entries.values() for line in entry]
            return ["Attributes", "----------", *lines, ""]
    return []


def _section(doc: str, title: str) -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Split a clean docstring around a section, and the section by its entries."""
    lines = doc.splitlines()
    if title not in lines:
        return lines, {}, []
    start = lines.index(title) + 2
    rules = (i for i in range(start + 1, len(lines)) if re.fullmatch(r"-{3,}", lines[i]))
    end = next(rules, len(lines) + 1) - 1
    entries: dict[str, list[str]] = {}
    for line in lines[start:end]:
        match = _ENTRY.match(line)
        if match:
            entries[match[1].strip()] = current = [line]
        elif line.strip():
            current.append(line)
    return lines[:start], entries, lines[end:]
