"""The event display under a finger: panels that a tap enlarges, swipes, two fingers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

DESK = {"width": 1280, "height": 800}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
FITS = "document.documentElement.scrollWidth <= innerWidth"
Open = Callable[..., "Page"]


def middle(shown: Locator) -> tuple[float, float]:
    box = shown.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_panel_is_enlarged_by_keys_mouse_and_tap(display_text: str, show_page: Open) -> None:
    desk = show_page(display_text, viewport=DESK)
    assert desk.locator("canvas.view:visible").count() == 15
    desk.keyboard.press("2")
    assert desk.locator("figcaption:visible").count() == 3
    desk.keyboard.press("Escape")
    desk.locator("canvas.view").first.dblclick()
    assert desk.locator("canvas.view:visible").count() == 3
    desk.get_by_role("button", name="all").click()
    assert desk.locator("canvas.view:visible").count() == 15
    phone = show_page(display_text, **PHONE)
    assert phone.evaluate(FITS)
    small = phone.locator("canvas.view").first.bounding_box()
    phone.locator("canvas.view").first.tap()
    large = phone.locator("canvas.view").first.bounding_box()
    assert small is not None
    assert large is not None
    assert small["width"] < 130
    assert large["width"] > 340
    assert phone.locator("canvas.view:visible").count() == 3
    assert phone.evaluate(FITS)
    phone.locator("canvas.view").first.tap()
    assert phone.evaluate("selected") >= 0
    phone.get_by_role("button", name="all").tap()
    assert phone.locator("canvas.view:visible").count() == 15
    assert not phone.locator("#more").is_visible()
    phone.get_by_role("button", name="More").tap()
    assert phone.get_by_role("button", name="Phoenix JSON").is_visible()
    assert phone.evaluate(FITS)


def test_swipes_lead_on_and_two_fingers_zoom(display_text: str, show_page: Open) -> None:
    shown = show_page(display_text, **PHONE)
    session = shown.context.new_cdp_session(shown)

    def touch(kind: str, *fingers: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = middle(shown.locator("canvas.view").nth(1))
    for way, event in ((-1, 1), (-1, 2), (1, 1)):
        touch("touchStart", (x - 50 * way, y))
        for part in (-0.4, 0.2, 1):
            touch("touchMove", (x + 50 * way * part, y + 3))
        touch("touchEnd")
        assert shown.locator("#number").input_value() == str(event)
    for kind, reach in (("touchStart", 10), ("touchMove", 20), ("touchMove", 30)):
        touch(kind, (x - reach, y), (x + reach, y))
    touch("touchEnd")
    assert shown.evaluate("view.wide") == pytest.approx(125 / 3, rel=0.05)
    assert shown.locator("#number").input_value() == "1"
