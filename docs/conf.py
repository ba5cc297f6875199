"""Sphinx configuration."""

import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import roles

from calovision import __version__

sys.path.insert(0, str(Path(__file__).parent))  # for gallery.py

roles.register_generic_role("mpltype", nodes.literal)  # in help that matplotlib's figures hand on

project = "calovision"
author = "The calovision developers"
release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "calovision"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
templates_path = ["templates"]
exclude_patterns = ["_build", "templates", "tutorials"]
suppress_warnings = ["ref.python"]
napoleon_use_ivar = True
# The scripts run when the pages are built; unchanged ones are not run again.
sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "../examples"],
    "gallery_dirs": ["auto_tutorials", "auto_examples"],
    "filename_pattern": r"\.py$",
    "ignore_pattern": "tag_with_onnxruntime",
    "abort_on_example_error": True,
    "image_scrapers": ("matplotlib", "gallery.shown_last"),
    "ignore_repr_types": "Picture",
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "parallel": 2,
}
