from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from calovision.report.slider import SIZE, slider, strip

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 5, 784), dtype=np.uint8)


def test_frames_lie_side_by_side() -> None:
    one = frames()[0]
    payload = base64.b64decode(strip(one).removeprefix("data:image/png;base64,"))
    pixels = image.imread(io.BytesIO(payload))[..., 0]
    assert pixels.shape == (28, 5 * 28)
    np.testing.assert_allclose(pixels[:, 28:56] * 255, one[1].reshape(28, 28), atol=1)


def test_the_page_needs_nothing_from_outside() -> None:
    page = slider("flow-d5", "Time <now>", {"1 & 2": frames()}, [f"{i}" for i in range(5)])
    assert "http" not in page
    assert "Time &lt;now&gt;" in page
    assert "1 &amp; 2" in page
    assert 'max="4"' in page
    assert page.count("data-frames=") == 2


@pytest.mark.skipif(BROWSER is None, reason="no browser")
def test_moving_the_slider_moves_the_images(tmp_path: Path) -> None:
    assert BROWSER is not None
    page = slider("flow", "Time", {"row": frames()}, [f"step {i}" for i in range(5)])
    move = (
        '<script>var s = document.querySelector("input"); s.value = 3;'
        's.dispatchEvent(new Event("input"));</script>'
    )
    file = tmp_path / "page.html"
    file.write_text(f"<!DOCTYPE html><html><body>{page}{move}</body></html>")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'p'}"]
    done = subprocess.run(
        [BROWSER, *flags, "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    assert "<output>step 3</output>" in done.stdout
    moved = re.findall(r"background-position-x: (-?\d+)px", done.stdout)
    assert moved == [str(-3 * SIZE)] * 2
