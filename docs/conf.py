"""How the documentation is built; nothing in it reaches for the network."""

import importlib.metadata
import os
import pathlib

from optkit.ad import coverage
from optkit.ad.executors import support

os.environ.setdefault("MPLBACKEND", "Agg")

project = "optkit"
author = "the optkit developers"
copyright = f"2026, {author}"
release = importlib.metadata.version("optkit")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery/*.md"]
default_role = "py:obj"
show_warning_types = True

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say it, with shapes
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
}

html_theme = "furo"
html_title = f"optkit {release}"
html_show_sourcelink = False

# The pages of what is differentiated and what is compiled are made from the declarations themselves.
for name, text in (("coverage.md", coverage.page()), ("native.md", support.page())):
    pathlib.Path(__file__).with_name(name).write_text(text, encoding="utf-8")
