"""The public names, their signatures and defaults, held as text in `public_api.txt`.

A change that is meant is written down by

    python -m tests.test_public_api > tests/public_api.txt

and named in the changelog.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

PACKAGES = (
    "skda",
    "skda.base",
    "skda.datasets",
    "skda.distributed",
    "skda.inspection",
    "skda.io",
    "skda.losses",
    "skda.model_selection",
    "skda.nn",
    "skda.pipeline",
    "skda.preprocessing",
    "skda.priors",
    "skda.subspace",
    "skda.training",
)
# the names for authors of methods (CONTRIBUTING); the rest of the engine is internal
OF_THE_ENGINE = ("AdaptationTerm", "Discrepancy", "DomainOutput", "TargetTerm", "features_of_both")
HELD = Path(__file__).with_name("public_api.txt")


def signature(function: Any) -> str:
    """Names, kinds and defaults of the parameters; keyword-only parameters are sorted."""
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):
        return "(...)"
    parameters = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    by_name = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    others = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    last = [p for p in others if p.kind is p.VAR_KEYWORD]
    first = [p for p in others if p.kind is not p.VAR_KEYWORD]
    ordered = [*first, *sorted(by_name, key=lambda p: p.name), *last]
    text = str(inspect.Signature(ordered))
    # remove the module of a class or function, which may change, and the address, which does
    return re.sub(r"<(?:class|function) '?(?:\w+\.)*(\w+)'?(?: at 0x\w+)?>", r"\1", text)


def members(cls: type) -> Iterator[str]:
    """Public methods and properties that a class of ours defines or inherits from one."""
    ours = [c for c in cls.__mro__ if c.__module__.split(".")[0] == "skda"]
    for name in sorted({name for c in ours for name in vars(c) if not name.startswith("_")}):
        value = inspect.getattr_static(cls, name)
        value = getattr(value, "fn", value)  # what scikit-learn's available_if guards
        if isinstance(value, property):
            yield f"    {name} (property)"
        elif callable(value) or isinstance(value, (classmethod, staticmethod)):
            yield f"    {name}{signature(value if callable(value) else getattr(cls, name))}"
        elif hasattr(value, "__get__"):
            yield f"    {name} (descriptor)"
        else:
            yield f"    {name}"


def described() -> list[str]:
    lines = []
    for package in PACKAGES:
        module = importlib.import_module(package)
        lines.append(f"[{package}]")
        for name in OF_THE_ENGINE if package == "skda.training" else sorted(module.__all__):
            value = getattr(module, name)
            if inspect.isclass(value):
                lines += [f"class {name}{signature(value)}", *members(value)]
            elif callable(value):
                lines.append(f"{name}{signature(value)}")
            else:
                lines.append(f"{name}: {type(value).__name__}")
    return lines


def test_the_public_names_signatures_and_defaults_are_those_held_as_text() -> None:
    held = HELD.read_text().splitlines()
    difference = "\n".join(unified_diff(held, described(), "held", "found", lineterm="", n=0))
    assert not difference, f"the public interface changed:\n{difference}"


if __name__ == "__main__":
    import sys

    sys.stdout.write("\n".join(described()) + "\n")
