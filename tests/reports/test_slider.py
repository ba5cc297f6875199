from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import image

from calovision.reports.slider import SIZE, slider, strip

if TYPE_CHECKING:
    from playwright.sync_api import Page


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


def test_moving_the_slider_moves_the_images(show_page: Callable[[str], Page]) -> None:
    text = slider("flow", "Time", {"row": frames()}, [f"step {i}" for i in range(5)])
    page = show_page(f"<!DOCTYPE html><html><body>{text}</body></html>")
    knob = page.get_by_label("Time")

    def stands_at(step: int) -> None:
        assert page.locator("output").text_content() == f"step {step}"
        moved = page.locator("[data-frames]").evaluate_all(
            "cells => cells.map(cell => parseFloat(getComputedStyle(cell).backgroundPositionX))"
        )
        assert moved == [-step * SIZE] * 2

    stands_at(0)
    for _ in range(3):
        knob.press("ArrowRight")
    stands_at(3)
    box = knob.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] + 20, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    stands_at(4)
