"""Sphinx extension: the reference of skda's public names, and links to it.

A name in backticks, in a docstring or on a page, becomes a link if it is public: `DANNClassifier`,
`skda.nn.MLP`. Everything else in backticks stays code.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

PACKAGES = {
    "skda": "Estimators, transformers, Pipeline",
    "skda.model_selection": "Choosing without target labels",
    "skda.inspection": "Inspection",
    "skda.priors": "Class shares, on arrays",
    "skda.datasets": "Data sets",
    "skda.pipeline": "Pipeline",
    "skda.preprocessing": "Scaling by domain",
    "skda.subspace": "Shallow methods",
    "skda.io": "Model files",
    "skda.losses": "Losses",
    "skda.nn": "Networks and layers",
    "skda.base": "Base classes",
    "skda.training": "For authors of methods",
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


class LinkPublicNames(SphinxTransform):
    """Turn the public names among the literals into references."""

    default_priority = 5

    def apply(self, **_: Any) -> None:
        """Wrap each literal that is a public name, outside of headings and links."""
        targets = self.app.skda_targets  # type: ignore[attr-defined]
        for literal in list(self.document.findall(nodes.literal)):
            target = targets.get(literal.astext())
            if target and not any(isinstance(node, _NO_LINK) for node in _ancestors(literal)):
                reference = addnodes.pending_xref(
                    "", literal.deepcopy(), refdomain="py", reftype="obj", reftarget=target
                )
                literal.replace_self(reference)


_NO_LINK = (nodes.title, nodes.reference, addnodes.pending_xref)


def _ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    while (node := node.parent) is not None:
        yield node


def quote_fitted_sizes(_app: Sphinx, *args: Any) -> None:
    """Put `n_features_in_` of "shape (n_features_in_,)" in backticks: bare, it would be a link."""
    lines: list[str] = args[-1]
    for i, line in enumerate(lines):
        if "shape (" in line:
            lines[i] = re.sub(r"(?<=[(, ])(\w+_)(?=[,) ])", r"`\1`", line)


def shorten_defaults(
    _app: Sphinx, _what: str, _name: str, _obj: Any, _options: Any, signature: str, returned: str
) -> tuple[str, str]:
    """Show a class as the default of a parameter by its name."""
    return re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", signature or ""), returned


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    write_reference(Path(app.srcdir) / "api")
    app.skda_targets = link_targets()  # type: ignore[attr-defined]
    app.add_transform(LinkPublicNames)
    app.connect("autodoc-process-signature", shorten_defaults)
    app.connect("autodoc-process-docstring", quote_fitted_sizes, priority=400)  # before numpydoc
    return {"parallel_read_safe": True}
