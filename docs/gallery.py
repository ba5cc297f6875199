"""Figures in the gallery: those at the end of a cell, as a notebook shows them."""

from __future__ import annotations

from typing import Any

from sphinx_gallery.scrapers import figure_rst

LAST = "___"  #: where Sphinx-Gallery keeps the value of a cell's last line


def shown_last(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """The figure that is a cell's last line, once, as a line of reST."""
    last = block_vars["example_globals"].get(LAST)
    if not hasattr(last, "_repr_png_") or getattr(last, "is_in_gallery", False):
        return ""
    last.is_in_gallery = True
    path = next(block_vars["image_path_iterator"])
    last.savefig(path)
    return str(figure_rst([path], gallery_conf["src_dir"]))
