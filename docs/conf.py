"""Sphinx: how the site is built. `make docs` writes it to docs/_build/html, without a network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from sphinx.application import Sphinx

import skda

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS / "_ext"))

project = "skda"
author = "The skda developers"
copyright = author
version = release = skda.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",  # MathJax itself, so that no page needs a network
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "public_names",
]
exclude_patterns = ["_build", "auto_examples/**/*.ipynb"]
templates_path = ["_templates"]
default_role = "literal"  # public_names makes links of the names among them
root_doc = "index"

# -- the text ----------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
mathjax_path = "mathjax/tex-chtml.js"


def copy_benchmarks() -> None:
    """Copy the committed benchmark pages and their figures beside the guide."""
    pages = DOCS / "benchmarks"
    shutil.rmtree(pages, ignore_errors=True)
    for kind in ("*.md", "*.png"):
        for file in (ROOT / "benchmarks").rglob(kind):
            if "_quick" not in file.name:
                copy = pages / file.relative_to(ROOT / "benchmarks")
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
    with (pages / "README.md").open("a", encoding="utf-8") as index:
        index.write("\n```{toctree}\n:hidden:\n:glob:\n\n*/*\n```\n")


copy_benchmarks()

# -- the reference -----------------------------------------------------------------------------

autosummary_generate = True
# two names that differ in the case of a letter, which some file systems do not tell apart
autosummary_filename_map = {"skda.DaNNClassifier": "skda.DaNNClassifier-shallow"}
autodoc_typehints = "none"  # the docstrings describe the types
numpydoc_class_members_toctree = False
# what other packages define: their sites are not read, so that the build needs no network
nitpick_ignore_regex = [(r"py:.*", r"(sklearn|torch|skorch|numpy|pandas|matplotlib)\..*")]
numpydoc_show_class_members = False  # the template lists them

# -- the gallery -------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "ignore_pattern": r"^(?!.*plot_).*\.py$",
    "image_scrapers": ("matplotlib",),
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "plot_gallery": "True",
    "abort_on_example_error": True,
}

# -- the look ----------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "skda"
html_static_path = ["_static"]
html_css_files = ["skda.css"]
html_js_files = ["skda.js"]
toc_object_entries_show_parents = "hide"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def link_copied_pages(_app: Sphinx, page: str, source: list[str]) -> None:
    """Let links to benchmark pages, which work in the repository, lead to the copies."""
    up = "../" * page.count("/")
    source[0] = source[0].replace(f"](../{up}benchmarks/", f"]({up}benchmarks/")


def setup(app: Sphinx) -> None:
    """Sphinx calls it."""
    app.connect("source-read", link_copied_pages)
