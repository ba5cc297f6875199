"""The event display: what is in its file, and its maps in a browser."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.reports.html import Section, write_report
from calovision.reports.view import Shown, frame, in_turn, page

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

FITS = "document.documentElement.scrollWidth <= innerWidth"
PHONE = {"width": 390, "height": 844}


def content(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="content">(.*?)</script>', text, re.S)
    assert found is not None
    return json.loads(found.group(1))


def unpacked(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def test_the_page_holds_every_hit(toy_jets: Events) -> None:
    jets = toy_jets[:5]
    data = content(page("jets", [Shown("original", jets)], first=40))
    (row,) = data["sets"]
    assert data["first"] == 40
    assert np.array_equal(unpacked(row["offsets"], "<u4"), jets.offsets)
    assert np.array_equal(unpacked(row["cell"], "<u2"), jets.cell)
    assert np.array_equal(unpacked(row["energy"], "<f4"), jets.energy)
    assert np.array_equal(unpacked(row["block"], "<u1"), np.where(jets.channel == 2, 5, 1))
    columns = {c["name"]: c for c in row["columns"]}
    assert columns["pt"]["unit"] == "GeV"
    assert columns["label"]["values"] == [("gluon", "quark")[i] for i in jets.label]
    assert data["eta"][0] == -data["eta"][-1] < 0


def test_the_page_needs_nothing_else(toy_jets: Events) -> None:
    text = page("jets", [Shown("original", toy_jets[:2])])
    assert not re.search(r"https?://|src=|@import|url\(", text)


def test_names_cannot_break_out_of_the_page(toy_jets: Events) -> None:
    wicked = "</script><script>alert(1)</script>"
    text = page(wicked, [Shown(wicked, toy_jets[:1])])
    assert "<script>alert" not in text
    assert content(text)["sets"][0]["name"] == wicked


def test_a_row_made_from_another_knows_its_distance(toy_jets: Events) -> None:
    jets = toy_jets[:2]
    other = replace(jets, value=jets.value * 2)
    one, two, three = content(
        page("x", [Shown("a", jets), Shown("b", other), Shown("c", other, paired=False)])
    )["sets"]
    (found,) = [c for c in two["columns"] if c["name"] == "emd"]
    # All energy that the one has and the other has not is at the same place, R = 1 from its own.
    assert found["values"] == pytest.approx(jets.sums().sum(1), rel=1e-3)
    assert found["unit"] == "GeV"
    assert not [c for row in (one, three) for c in row["columns"] if c["name"] == "emd"]


def test_rows_that_do_not_fit_are_refused(toy_jets: Events, toy_crops: Events) -> None:
    with pytest.raises(InputError, match="no event"):
        page("x", [Shown("a", toy_jets[:0])])
    with pytest.raises(InputError, match="different kinds"):
        page("x", [Shown("a", toy_jets[:2]), Shown("b", toy_crops[:2])])
    with pytest.raises(InputError, match="b has 3 events, a 2"):
        page("x", [Shown("a", toy_jets[:2]), Shown("b", toy_jets[:3])])


def told(page: Page | Frame) -> tuple[str, list[str]]:
    """What the page says of its event, and of every panel."""
    text = page.locator("#told").text_content()
    assert text
    return text, page.locator("figcaption").all_text_contents()


def screen(page: Page, panel: int, pixel: tuple[int, int]) -> list[float]:
    """Where the middle of a pixel (row, column) lies on the canvas of a map, in CSS pixels."""
    script = """([n, row, col]) => halves.flatMap((half) => half.rows)
        .flatMap((row) => row.panels).filter((panel) => panel.isMap)[n]
        .drawn.toScreen(col + 0.5, row + 0.5)"""
    found: list[float] = page.evaluate(script, [panel, *pixel])
    return found


def ticks(page: Page) -> list[list[float]]:
    """Numbers along the colour bar of every channel."""
    bars = page.locator(".row").first.locator(".ticks").all()
    return [[float(x) for x in bar.locator("span").all_text_contents()] for bar in bars]


def hover(page: Page, panel: int, pixel: tuple[int, int]) -> list[str]:
    """Lines of the tooltip with the mouse over a pixel of a map."""
    canvas = page.locator("figure.map canvas.view").nth(panel)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    x, y = screen(page, panel, pixel)
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.locator("#tip").wait_for()
    return (page.locator("#tip").text_content() or "").split("\n")


def colour(page: Page, panel: int, pixel: tuple[int, int]) -> list[int]:
    """Red, green, blue and opacity of a pixel of a map, off the lines over its middle."""
    x, y = screen(page, panel, pixel)
    script = f"canvas => [...canvas.getContext('2d').getImageData({x}, {y}, 1, 1).data]"
    found: list[int] = page.locator("figure.map canvas.view").nth(panel).evaluate(script)
    return found


def gev(line: str) -> float:
    return float(line.split(": ")[1].removesuffix(" GeV"))


@pytest.fixture(scope="module")
def pair(toy_jets: Events) -> tuple[Events, Events]:
    """Jets, and the same with twice the energy."""
    jets = toy_jets[:15]
    return jets, replace(jets, value=jets.value * 2)


@pytest.fixture
def display(pair: tuple[Events, Events], show_page: Callable[[str], Page]) -> Page:
    """The page of both, where the first event is number 100."""
    jets, other = pair
    return show_page(page("jets", [Shown("original", jets), Shown("model", other)], first=100))


def test_keys_and_buttons_lead_through_the_events(
    pair: tuple[Events, Events], display: Page
) -> None:
    jets, _ = pair
    number = display.get_by_label("Event", exact=True)

    def type_number() -> None:
        number.fill("107")
        number.press("ArrowLeft")  # moves within the number, not to another event
        number.press("Enter")

    steps: list[tuple[Callable[[], object], int]] = [
        (lambda: None, 100),
        (lambda: display.keyboard.press("ArrowRight"), 101),
        (lambda: display.keyboard.press("End"), 114),
        (lambda: display.keyboard.press("ArrowRight"), 114),
        (lambda: display.keyboard.press("Shift+ArrowLeft"), 104),
        (lambda: display.keyboard.press("Home"), 100),
        (lambda: display.get_by_label("Next event").click(), 101),
        (lambda: display.get_by_label("Event before").click(), 100),
        (type_number, 107),
    ]
    for act, expected in steps:
        act()
        assert number.input_value() == str(expected)
        assert display.url.endswith(f"#{expected}")
        i = expected - 100
        text, captions = told(display)
        assert f"event {expected}" in text
        assert ("gluon", "quark")[jets.label[i]] in text
        assert [int(c.split()[0]) for c in captions] == jets.counts()[i].tolist() * 2
        sums = [float(c.split("sum ")[1].split()[0]) for c in captions]
        assert sums == pytest.approx([*jets.sums()[i], *(2 * jets.sums()[i])], rel=6e-3)


def test_the_mouse_tells_what_a_cell_holds(pair: tuple[Events, Events], display: Page) -> None:
    hits = pair[0][0]
    towers = np.flatnonzero(hits.channel == 2)
    largest = towers[np.argmax(hits.energy[towers])]
    row, col = divmod(int(hits.cell[largest]), 125)
    near = row + 2, col - 2  # two pixels off its middle, it is still the same tower
    title, original, model, place = hover(display, 2, near)
    assert title == "HCAL E"
    energy = float(hits.energy[largest])
    assert [gev(original), gev(model)] == pytest.approx([energy, 2 * energy], rel=6e-3)
    eta = float(hits.geometry.eta(np.array([hits.cell[largest] + 2 * 125]))[0])
    phi = float(hits.geometry.phi(np.array([hits.cell[largest] - 2]))[0])
    assert f"eta {eta:.3f}, phi {phi:.3f} rad" in place
    assert colour(display, 2, near) == [252, 255, 164, 255]
    covered = {(c // 125 // 5, c % 125 // 5) for c in hits.cell[towers].tolist()}
    empty = next(n * 5 + 2 for n in range(3, 22) if (n, n) not in covered)
    _, original, model, _ = hover(display, 2, (empty, empty))
    assert [original, model] == ["original: no hit", "model: no hit"]
    display.mouse.move(2, 2)
    display.locator("#tip").wait_for(state="hidden")
    display.get_by_label("jet cone").uncheck()
    assert colour(display, 2, (empty, empty)) == [0, 0, 0, 255]


def test_the_colours_are_of_one_event_or_of_all(pair: tuple[Events, Events], display: Page) -> None:
    jets, other = pair
    own = ticks(display)
    first = [float(jets[0].energy[jets[0].channel == c].max()) for c in range(3)]
    assert [t[-1] for t in own] == pytest.approx(first, rel=6e-3)
    display.keyboard.press("c")
    every = [float(other.energy[other.channel == c].max()) for c in range(3)]
    assert [t[-1] for t in ticks(display)] == pytest.approx(every, rel=6e-3)
    display.get_by_label("same colours").click()
    assert ticks(display) == own


def test_the_display_inside_a_report(
    toy_jets: Events, show_page: Callable[[str], Page], tmp_path: Path
) -> None:
    sets = {"original": toy_jets[:4], "ours": toy_jets[8:12]}
    section = Section("Jets", widget=frame("Jets, one by one", sets))
    parts: dict[str, Any] = {"summary": "", "headline": [], "facts": {}, "sections": [section]}
    outer = show_page(write_report(tmp_path / "r.html", title="x", **parts).read_text())
    inner = outer.frames[1]
    acts = (
        lambda: None,
        lambda: inner.get_by_label("Next event").click(),
        lambda: outer.keyboard.press("ArrowRight"),
    )
    for event, act in enumerate(acts):
        act()
        text, captions = told(inner)
        assert f"event {event}" in text
        counts = [*toy_jets.counts()[event], *toy_jets.counts()[8 + event]]
        assert [int(c.split()[0]) for c in captions] == counts
    assert inner.locator("h1").is_hidden()
    assert outer.evaluate("location.hash") == ""
    for width in (1200, PHONE["width"]):
        outer.set_viewport_size({"width": width, "height": 844})
        inner.wait_for_function(
            "document.documentElement.scrollHeight <= frameElement.clientHeight"
        )
        # a display in a frame is laid out anew a moment after its page
        outer.wait_for_function(FITS)
        inner.wait_for_function(FITS)


def test_sets_that_are_not_paired_show_their_classes_in_turn(toy_jets: Events) -> None:
    one, other = toy_jets[:20], toy_jets[20:50]
    text = frame("jets", {"a": one, "b": other}, paired=False)
    (inside,) = re.findall(r'srcdoc="(.*?)"', text, re.S)
    rows = content(html.unescape(inside))["sets"]
    assert [r["paired"] for r in rows] == [True, False]
    assert rows[1]["matched"] == ["label", "pt"]
    labels = [{c["name"]: c["values"] for c in r["columns"]}["label"] for r in rows]
    assert labels == [["gluon", "quark"] * 6] * 2
    no_quark = one[one.label == 0]
    assert in_turn(no_quark, 5).tolist() == list(range(5))
    nameless = replace(one, columns={})
    assert in_turn(nameless, 5).tolist() == list(range(5))


def test_crops_with_negative_times_are_drawn(
    toy_crops: Events, show_page: Callable[[str], Page]
) -> None:
    shown = show_page(page("crops", [Shown("crops", toy_crops[:12])]))
    low, middle, high = ticks(shown)[1]
    assert low == -high < 0 == middle
    times = toy_crops[0].channel == 1
    cell = int(toy_crops[0].cell[times][np.argmin(toy_crops[0].energy[times])])
    value = float(toy_crops[0].measured[times].min())
    _, line, _ = hover(shown, 1, divmod(cell, 32))
    assert value < 0
    assert line.endswith(" ns")
    assert float(line.split()[-2]) == pytest.approx(value, rel=0.01)
    assert float(line.split()[1]) == pytest.approx(value, rel=6e-3)
