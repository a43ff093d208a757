"""The reference has a page for each public name, and the pages of the methods tell the truth."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import skda
from tests.snippets import ROOT
from tests.test_public_api import OF_THE_ENGINE, PACKAGES

DOCS = ROOT / "docs"
METHODS = sorted(page for page in (DOCS / "methods").glob("*.md") if page.stem != "index")


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    yield importlib.import_module("reference")
    del sys.modules["reference"]


def test_every_public_name_is_in_the_reference(reference: Any, tmp_path: Path) -> None:
    assert set(reference.PACKAGES) == set(PACKAGES)
    assert reference.OF_THE_ENGINE == OF_THE_ENGINE
    reference.write_reference(tmp_path)
    text = (tmp_path / "index.rst").read_text(encoding="utf-8")
    listed = set(re.findall(r"^   (\w+)$", text, flags=re.MULTILINE))
    targets = reference.link_targets()
    for package in PACKAGES:
        names = OF_THE_ENGINE if package == "skda.training" else _all(package)
        for name in names:
            assert name in listed
            assert f"{package}.{name}" in targets


def _all(package: str) -> tuple[str, ...]:
    return tuple(importlib.import_module(package).__all__)


def test_every_method_has_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in METHODS)
    transformers = {"CORAL", "GFK", "MSDA", "TCA", "SubspaceAlignment", "DomainScaler"}
    for name in skda.__all__:
        if name.endswith(("Classifier", "Regressor")) or name in transformers:
            assert f"`{name}`" in text, name


@pytest.mark.parametrize("page", METHODS, ids=lambda page: page.stem)
def test_the_page_of_a_method_shows_its_defaults(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for heading in ("Assumption", "Equation", "When it fails", "Defaults", "Cost", "Reference"):
        assert f"\n## {heading}\n" in text
    cls = getattr(skda, re.search(r"`(\w+)`", text)[1])
    defaults = text.split("\n## Defaults\n")[1].split("\n## ")[0]
    shown = re.findall(r"`(\w+)=([^`]+)`", defaults.split("The paper has")[0])
    assert shown
    known = inspect.signature(cls).parameters
    for name, value in shown:
        if name in known:
            assert eval(value) == known[name].default, name
        else:
            assert "__" in name, name


def test_the_costs_are_the_same_on_all_pages() -> None:
    index, readme = (
        (ROOT / file).read_text(encoding="utf-8") for file in ("docs/methods/index.md", "README.md")
    )
    row = re.compile(r"^\| `(\w+Classifier)` .*\| ([\d.]+) \|", flags=re.MULTILINE)
    costs = dict(row.findall(index))
    assert len(costs) == sum(name.endswith("Classifier") for name in skda.__all__)
    assert (
        dict(re.findall(r"^\| `(\w+Classifier)` .*\| ([\d.]+) \|$", readme, re.MULTILINE)) == costs
    )
    for page in METHODS:
        text = page.read_text(encoding="utf-8")
        told = re.search(r"A fit takes\s+([\d.]+)\s+times", text)
        if told:
            assert told[1] == costs[re.search(r"`(\w+)`", text)[1]], page


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    built = {DOCS / folder for folder in ("_build", "benchmarks", "api", "auto_examples")}
    if built & set(page.parents):
        return
    for link in re.findall(r"\]\(((?!http)[^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).is_file(), link
