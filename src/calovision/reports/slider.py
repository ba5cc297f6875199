"""Images along a flow under a slider: plain HTML and script, without anything from outside."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from matplotlib import image
from numpy.typing import NDArray

SIZE = 72  #: pixels on the screen of an image's edge

_PAGE = """<div class="flow-slider" id="{name}">
<p><label>{label} <input type="range" min="0" max="{last}" value="0" step="1"></label>
<output>{first}</output></p>
<div class="scroll">{rows}</div>
</div>
<script>
(function () {{
  var box = document.getElementById({name_json}), words = {words};
  var slider = box.querySelector("input"), output = box.querySelector("output");
  slider.addEventListener("input", function () {{
    var frame = Number(slider.value);
    output.textContent = words[frame];
    box.querySelectorAll("[data-frames]").forEach(function (cell) {{
      cell.style.backgroundPositionX = -frame * {size} + "px";
    }});
  }});
}})();
</script>"""


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
    lines = []
    for title, images in rows.items():
        cells = "".join(_cell(one, f"{title}, image {i + 1}") for i, one in enumerate(images))
        lines.append(f"<p>{escape(title)}</p><div>{cells}</div>")
    return _PAGE.format(
        name=escape(name),
        name_json=json.dumps(name),
        label=escape(label),
        last=len(words) - 1,
        first=escape(words[0]),
        rows="\n".join(lines),
        words=json.dumps(list(words)),
        size=SIZE,
    )


def _cell(frames: NDArray[np.uint8], title: str) -> str:
    """One image; all its frames lie side by side in its background."""
    count = len(frames)
    style = (
        f"display:inline-block;margin:2px;width:{SIZE}px;height:{SIZE}px;"
        f"background-image:url({strip(frames)});background-size:{count * SIZE}px {SIZE}px;"
        "image-rendering:pixelated"
    )
    text = escape(title)
    return f'<span role="img" aria-label="{text}" data-frames="{count}" style="{style}"></span>'


def strip(frames: NDArray[np.uint8]) -> str:
    """Frames ``(f, p)`` side by side as a data URI, ink white on black."""
    side = round(frames.shape[1] ** 0.5)
    wide = frames.reshape(-1, side, side).transpose(1, 0, 2).reshape(side, -1)
    buffer = io.BytesIO()
    image.imsave(buffer, wide, cmap="gray", vmin=0, vmax=255)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
