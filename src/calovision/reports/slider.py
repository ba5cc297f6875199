"""Images along a flow under a slider: plain HTML and script, without anything from outside."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import image
from numpy.typing import NDArray

from calovision.reports.html import template

SIZE = 72  #: pixels on the screen of an image's edge


def slider(
    name: str, label: str, rows: Mapping[str, NDArray[np.uint8]], words: Sequence[str]
) -> str:
    """Rows of images that move together.

    Args:
        name: identifier in the page, letters and hyphens.
        label: of the slider.
        rows: title of a row to its images ``(m, frames, p)``, ``p`` a square number.
        words: what stands beside the slider at each frame.
    """
    strips = {title: [(len(one), strip(one)) for one in images] for title, images in rows.items()}
    return template("slider.html.j2").render(
        name=name, label=label, rows=strips, words=list(words), size=SIZE
    )


def strip(frames: NDArray[np.uint8]) -> str:
    """Frames ``(f, p)`` side by side as a data URI, ink white on black."""
    side = round(frames.shape[1] ** 0.5)
    wide = frames.reshape(-1, side, side).transpose(1, 0, 2).reshape(side, -1)
    buffer = io.BytesIO()
    image.imsave(buffer, wide, cmap="gray", vmin=0, vmax=255)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
