"""Sphinx configuration."""

from calovision import __version__

project = "calovision"
author = "The calovision developers"
release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
myst_enable_extensions = ["dollarmath", "colon_fence"]
html_theme = "furo"
html_title = "calovision"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]
suppress_warnings = ["ref.python"]
napoleon_use_ivar = True
