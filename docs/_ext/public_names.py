"""Sphinx extension: the reference of skda's public names, and links to it.

A name in backticks, in a docstring or on a page, becomes a link if it is public: `DANNClassifier`,
`skda.nn.MLP`. Everything else in backticks stays code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from reference import link_targets, write_reference
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


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
    _app: Sphinx,
    _what: str,
    _name: str,
    _obj: Any,
    _options: Any,
    signature: str | None,
    returned: str,
) -> tuple[str, str] | None:
    """Show a class as the default of a parameter by its name."""
    if signature is None:
        return None
    return re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", signature), returned


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    write_reference(Path(app.srcdir) / "api")
    app.skda_targets = link_targets()  # type: ignore[attr-defined]
    app.add_transform(LinkPublicNames)
    app.connect("autodoc-process-signature", shorten_defaults)
    app.connect("autodoc-process-docstring", quote_fitted_sizes, priority=400)  # before numpydoc
    return {"parallel_read_safe": True}
