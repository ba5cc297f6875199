"""The event display in a browser, with mouse and keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from calovision.events.events import Events
from calovision.reports.view import Shown, page
from calovision.simulation.detector import CMS_BARREL

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

DESK = {"width": 1280, "height": 800}
FITS = "document.documentElement.scrollWidth <= innerWidth"
Open = Callable[..., "Page"]


def facts(shown: Page) -> list[str]:
    return shown.locator(".facts").all_inner_texts()


def middle(shown: Locator) -> tuple[float, float]:
    box = shown.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def events_in_order(shown: Page) -> list[int]:
    """Numbers of the events that the keys lead through; the first one is shown."""
    found: list[int] = shown.evaluate("order")
    assert int(shown.locator("#number").input_value()) == found[0]
    return found


def test_facts_stand_above_every_row(
    display_rows: list[Shown], display_text: str, show_page: Open
) -> None:
    shown = show_page(display_text, viewport=DESK)
    for event in (0, 3):
        shown.locator("#number").fill(str(event))
        shown.locator("#number").press("Enter")
        original, model, other = facts(shown)
        columns = display_rows[0].events.columns
        named = ("gluon", "quark")[columns["label"][event]]
        right = (columns["probability"][event] > 0.5) == columns["label"][event]
        for told, row in (
            (original, display_rows[0]),
            (model, display_rows[1]),
            (other, display_rows[2]),
        ):
            assert told.startswith(row.name)
            assert named in told
            pt = float(f"{row.events.columns['pt'][event]:.3g}")
            assert f"pT {pt:g} GeV" in told
        assert f"P(quark) {columns['probability'][event]:.2f} {'✗✓'[int(right)]}" in original
        assert ("out of domain" in original) == ("out of domain" in model) == (event == 3)
        assert "from original (EMD)" in model
        assert "from original" not in original + other
        assert "another event, matched in class and pT" in other
        first = shown.locator(".facts").first
        above, below = first.bounding_box(), shown.locator(".panels").first.bounding_box()
        assert above is not None
        assert below is not None
        assert above["y"] + above["height"] <= below["y"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_all_rows_fit_one_screen(display_rows: list[Shown], number: int, show_page: Open) -> None:
    shown = show_page(page("jets", display_rows[:number]), viewport=DESK)
    assert shown.evaluate(FITS)
    canvases = shown.locator("canvas.view").all()
    assert len(canvases) == 5 * number
    for canvas in canvases:
        box = canvas.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= DESK["height"]
        assert box["width"] >= 95
        # Nothing is as good as empty: hits, axes or frames are drawn in every view.
        colours = canvas.evaluate("""canvas => new Set(new Uint32Array(canvas.getContext('2d')
            .getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size""")
        assert colours > 10


def test_the_events_are_filtered_and_ordered(
    display_rows: list[Shown], display_text: str, show_page: Open
) -> None:
    columns = display_rows[0].events.columns
    label, score = columns["label"], columns["probability"]
    shown = show_page(display_text, viewport=DESK)
    order, kind = shown.get_by_label("Order", exact=True), shown.get_by_label("Class")
    assert events_in_order(shown) == list(range(10))
    order.select_option(label="by score for quark")
    assert events_in_order(shown) == np.argsort(-score).tolist()
    shown.keyboard.press("ArrowRight")
    assert shown.locator("#number").input_value() == str(np.argsort(-score)[1])
    shown.keyboard.press("End")
    assert shown.locator("#number").input_value() == str(np.argmin(score))
    shown.get_by_label("Reverse").click()
    assert events_in_order(shown) == np.argsort(score).tolist()
    shown.get_by_label("Reverse").click()
    order.select_option(label="by most wrong score")
    assert events_in_order(shown) == np.argsort(-np.abs(score - label)).tolist()
    order.select_option(label="by worst reconstructed (model)")
    # The model made every hit larger by the same factor: what it added is the distance.
    added = display_rows[1].events.sums().sum(1) - display_rows[0].events.sums().sum(1)
    assert events_in_order(shown) == np.argsort(-added).tolist()
    order.select_option(label="as stored")
    kind.select_option(label="quark")
    assert events_in_order(shown) == np.flatnonzero(label == 1).tolist()
    verdict = shown.get_by_label("Scores")
    verdict.select_option(label="wrong")
    wrong = (label == 1) & (score <= 0.5)
    assert wrong.any()
    assert events_in_order(shown) == np.flatnonzero(wrong).tolist()
    kind.select_option(label="all classes")
    verdict.select_option(label="out of domain")
    assert events_in_order(shown) == [3]
    verdict.select_option(label="all scores")
    for name, limit in (("Lowest score", "0.2"), ("Highest score", "0.6")):
        shown.get_by_label(name).fill(limit)
        shown.get_by_label(name).press("Tab")
    assert events_in_order(shown) == np.flatnonzero((score >= 0.2) & (score <= 0.6)).tolist()
    shown.get_by_label("Highest score").fill("0.2")
    shown.get_by_label("Highest score").press("Tab")
    assert "no event passes" in (shown.locator("#of").text_content() or "")


def test_zoom_holds_for_all_maps_and_keeps_the_place(display_text: str, show_page: Open) -> None:
    shown = show_page(display_text, viewport=DESK)
    maps = "halves[0].rows.flatMap((row) => row.panels).filter((p) => p.isMap)"
    at = f"([x, y]) => {maps}.map((p) => p.drawn.fromScreen(x, y))"
    canvas = shown.locator("figure.map canvas.view").nth(4)
    box = canvas.bounding_box()
    assert box is not None
    # The wheel's place is told in whole pixels.
    x, y = round(box["x"] + 0.7 * box["width"]), round(box["y"] + 0.3 * box["height"])
    place = [x - box["x"], y - box["y"]]
    before = shown.evaluate(at, place)
    shown.mouse.move(x, y)
    shown.mouse.wheel(0, -600)
    shown.wait_for_function("isZoomed()")
    zoomed = np.array(shown.evaluate(at, place))
    np.testing.assert_allclose(zoomed, before, atol=1e-6)
    wide = shown.evaluate("view.wide")
    assert wide == pytest.approx(125 * np.exp(-0.0016 * 600))
    shown.mouse.down()
    shown.mouse.move(x - 30, y + 20, steps=3)
    shown.mouse.up()
    # The place under the mouse has gone with it.
    held = shown.evaluate(at, [place[0] - 30, place[1] + 20])
    np.testing.assert_allclose(held, zoomed, atol=1e-6)
    shown.keyboard.press("+")
    assert shown.evaluate("view.wide") < wide
    shown.get_by_role("button", name="Whole window").click()
    assert shown.evaluate("[view.col, view.row, view.wide, view.high]") == [0, 0, 125, 125]


def test_the_cone_lies_about_the_axis_of_the_energy(
    display_rows: list[Shown], display_text: str, show_page: Open
) -> None:
    shown = show_page(display_text)
    events = display_rows[0].events
    for event in range(3):
        jet = events[event]
        towers = jet.channel > 0
        eta, phi = (f(jet.cell[towers]).astype(float) for f in (jet.geometry.eta, jet.geometry.phi))
        energy = jet.energy[towers].astype(float)
        found = shown.evaluate(f"axis(data.sets[0], {event})")
        inside = np.hypot(eta - found["eta"], phi - found["phi"]) < CMS_BARREL.jet_radius
        assert np.average(eta[inside], weights=energy[inside]) == pytest.approx(
            found["eta"], abs=0.02
        )
        assert np.average(phi[inside], weights=energy[inside]) == pytest.approx(
            found["phi"], abs=0.02
        )


def test_a_cell_is_selected_in_all_views(
    display_rows: list[Shown], display_text: str, show_page: Open
) -> None:
    shown = show_page(display_text, viewport=DESK)
    cell = shown.locator("#cell")
    assert "Click on a cell" in (cell.text_content() or "")
    shown.keyboard.press("s")
    jets = display_rows[0].events[0], display_rows[1].events[0]
    hottest = np.argmax(np.where(jets[0].channel > 0, jets[0].energy, 0))
    pixel = int(jets[0].cell[hottest])
    assert shown.evaluate("selected") == pixel
    for jet, row in zip(jets, ("original", "model"), strict=True):
        energy = float(f"{jet.energy[hottest]:.3g}")
        layer = ("Track", "ECAL", "HCAL")[jet.channel[hottest]]
        told = (cell.text_content() or "").split(row)[1].split("GeV")
        assert f"{layer} {energy:g} " in "GeV".join(told)
    shown.keyboard.press("i")
    shown.keyboard.press("l")
    assert shown.evaluate("selected") == pixel + 125 + 1
    shown.keyboard.press("Escape")
    assert shown.evaluate("selected") == -1


def test_a_click_on_a_solid_view_selects_what_is_there(
    display_rows: list[Shown], show_page: Open
) -> None:
    events = display_rows[0].events[:1]
    events = events.keep(events.channel > 0)  # no needle stands before the towers
    shown = show_page(page("jets", [Shown("jets", events)]), viewport=DESK)
    towers = np.zeros((25, 25))
    row, col = np.divmod(events.cell.astype(int), 125)
    np.add.at(towers, (row // 5, col // 5), events.energy)
    highest = divmod(int(np.argmax(towers)), 25)
    x, y, _ = shown.evaluate(
        """([row, col, energy]) => {
            const lego = halves[0].rows[0].panels.find((p) => p.kind === "lego").drawn;
            return lego.camera.project(lego.at(col, row, energy));
        }""",
        [highest[0] * 5 + 2.5, highest[1] * 5 + 2.5, towers[highest]],
    )
    shown.locator("figure.solid canvas.view").first.click(position={"x": x, "y": y})
    selected = divmod(shown.evaluate("selected"), 125)
    assert (selected[0] // 5, selected[1] // 5) == highest
    # In space, the nearest face of all.
    x, y, pixel = shown.evaluate("""() => {
        const face = halves[0].rows[0].panels.at(-1).drawn.shapes.filter((s) => s.fill).at(-1);
        return [0, 1].map((k) => face.points.reduce((sum, p) => sum + p[k], 0) / 4)
            .concat(face.pixel);
    }""")
    assert pixel in events.cell
    shown.locator("figure.solid canvas.view").last.click(position={"x": x, "y": y})
    assert shown.evaluate("selected") == pixel


def test_the_nearer_tower_hides_the_one_behind(toy_jets: Events, show_page: Open) -> None:
    # Two equal towers of the HCAL, one behind the other along eta, seen from the side of low eta.
    pixels = [row * 125 + 62 for row in (42, 82)]
    two = Events(
        toy_jets.geometry,
        np.array([0, 2]),
        np.array(pixels, np.uint16),
        np.full(2, 2, np.uint8),
        np.full(2, 0.01, np.float32),
    )
    shown = show_page(page("two", [Shown("two", two)]), viewport=DESK)
    x, y = shown.evaluate("""() => {
        Object.assign(legoCamera, { azimuth: 0, elevation: 5 });
        draw();
        const lego = halves[0].rows[0].panels.find((p) => p.kind === "lego").drawn;
        return lego.camera.project(lego.at(62.5, 40, 12.5)).slice(0, 2);
    }""")
    shown.locator("figure.solid canvas.view").first.click(position={"x": x, "y": y})
    assert shown.evaluate("selected") == pixels[0]


def test_a_solid_view_turns_under_the_mouse(display_text: str, show_page: Open) -> None:
    shown = show_page(display_text, viewport=DESK)
    for place, camera in enumerate(("legoCamera", "detectorCamera")):
        before = shown.evaluate(f"[{camera}.azimuth, {camera}.elevation]")
        x, y = middle(shown.locator("figure.solid canvas.view").nth(place))
        shown.mouse.move(x, y)
        shown.mouse.down()
        shown.mouse.move(x + 40, y + 20, steps=4)
        shown.mouse.up()
        after = shown.evaluate(f"[{camera}.azimuth, {camera}.elevation]")
        assert after == pytest.approx([before[0] - 20, before[1] + 10])


def test_two_events_stand_side_by_side(
    display_rows: list[Shown], display_text: str, show_page: Open
) -> None:
    shown = show_page(display_text, viewport=DESK)
    shown.keyboard.press("b")
    left, right = shown.locator(".half").all()
    boxes = [half.bounding_box() for half in (left, right)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    shown.get_by_label("Next second event").click()
    shown.keyboard.press("ArrowRight")
    counts = display_rows[0].events.counts()
    for half, event in ((left, 0), (right, 3)):
        told = half.locator(".row").first.locator("figcaption").all_text_contents()
        assert [int(t.split()[0]) for t in told] == counts[event].tolist()
    assert shown.url.endswith("#0,3")
    assert shown.evaluate(FITS)
    shown.get_by_label("two events").uncheck()
    assert not right.is_visible()


def test_the_page_is_dark_or_light(display_text: str, show_page: Open) -> None:
    shown = show_page(display_text, color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    corner = "canvas => [...canvas.getContext('2d').getImageData(1, 1, 1, 1).data].slice(0, 3)"
    canvas = shown.locator("canvas.view").last
    assert shown.evaluate(paper) == "rgb(255, 255, 255)"
    assert canvas.evaluate(corner) == [255, 255, 255]
    shown.keyboard.press("t")
    assert shown.evaluate(paper) == "rgb(18, 22, 27)"
    assert canvas.evaluate(corner) == [0, 0, 0]
