"""Matplotlib figures that a notebook shows, whether or not it uses pyplot."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class Picture(Figure):
    """A figure of matplotlib that shows itself at the end of a notebook's cell.

    Plain figures do so only after pyplot has drawn one.
    """

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()
