"""The public names of skda and the page of their reference. Needs no Sphinx."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

PACKAGES = {
    "skda": "Estimators, transformers, Pipeline",
    "skda.model_selection": "Model selection without target labels",
    "skda.inspection": "Inspection",
    "skda.priors": "Class shares, functions of arrays",
    "skda.datasets": "Data sets",
    "skda.pipeline": "Pipeline",
    "skda.preprocessing": "Scaling by domain",
    "skda.subspace": "Shallow methods",
    "skda.io": "Model files",
    "skda.distributed": "Training in several processes",
    "skda.losses": "Losses",
    "skda.nn": "Networks and layers",
    "skda.base": "Base classes",
    "skda.training": "For authors of new methods",
}
# the rest of the training engine is internal
OF_THE_ENGINE = ("AdaptationTerm", "Discrepancy", "DomainOutput", "TargetTerm", "features_of_both")


def public_names(package: str) -> tuple[str, ...]:
    """Return the public names of a package."""
    if package == "skda.training":
        return OF_THE_ENGINE
    return tuple(importlib.import_module(package).__all__)


def pages() -> dict[str, list[str]]:
    """Return the names of each package that have a page: those that no package before it has."""
    seen: list[Any] = []
    names: dict[str, list[str]] = {}
    for package in PACKAGES:
        module = importlib.import_module(package)
        names[package] = []
        for name in public_names(package):
            value = getattr(module, name)
            if not any(value is other for other in seen):
                seen.append(value)
                names[package].append(name)
    return names


def write_reference(folder: Path) -> None:
    """Write the page of all names, from which autosummary makes a page for each."""
    folder.mkdir(exist_ok=True)
    lines = ["API reference", "=============", ""]
    for package, names in pages().items():
        if names:
            title = f"{PACKAGES[package]}: {package}"
            lines += [title, "-" * len(title), "", f".. currentmodule:: {package}", ""]
            lines += [".. autosummary::", "   :toctree: .", ""]
            lines += [f"   {name}" for name in names] + [""]
    text = "\n".join(lines)
    index = folder / "index.rst"
    if not index.exists() or index.read_text(encoding="utf-8") != text:
        index.write_text(text, encoding="utf-8")


def link_targets() -> dict[str, str]:
    """Return the full name of the page for each way of naming it."""
    found: dict[str, str] = {}
    for package, names in pages().items():
        for name in names:
            found[f"{package}.{name}"] = f"{package}.{name}"
            found.setdefault(name, f"{package}.{name}")
    for package in PACKAGES:  # a name that a second package has, too
        for name in public_names(package):
            found.setdefault(f"{package}.{name}", found[name])
    return found
