"""Files that the event display makes: a picture, and events for Phoenix."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib import image

from calovision.reports.view import Shown, page

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    Open = Callable[..., Page]

DESK = {"width": 1280, "height": 800}


def download(shown: Page, button: str) -> tuple[str, bytes]:
    with shown.expect_download() as found:
        shown.get_by_role("button", name=button).click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


def test_the_picture_holds_what_the_page_shows(display_rows: list[Shown], show_page: Open) -> None:
    shown = show_page(
        page("jets: calovision", display_rows[:1]), viewport={"width": 900, "height": 500}
    )
    shown.keyboard.press("ArrowRight")
    name, content = download(shown, "PNG")
    assert name == "jets-1.png"
    picture = image.imread(io.BytesIO(content))[..., :3]
    box = shown.locator("#display").bounding_box()
    assert box is not None
    assert picture.shape[1] == pytest.approx(3 * (box["width"] + 24), abs=3)
    canvas = shown.locator("canvas.view").nth(2).bounding_box()
    assert canvas is not None
    left, top = (3 * (canvas[k] - box[k] + 12) for k in "xy")
    part = picture[int(top) + 78 :, int(left) :][
        : int(3 * canvas["height"]), : int(3 * canvas["width"])
    ]
    # The hottest HCAL tower has the last colour; the axes are there, and the texts above.
    assert (np.abs(part - np.array([252, 255, 164]) / 255).max(-1) < 0.01).sum() > 100
    assert len(np.unique(picture[: int(top)].reshape(-1, 3), axis=0)) > 20


def test_phoenix_gets_tracks_cells_and_jets(
    display_rows: list[Shown], display_text: str, show_page: Open
) -> None:
    shown = show_page(display_text, viewport=DESK)
    name, written = download(shown, "Phoenix JSON")
    assert name == "jets-0.json"
    found = json.loads(written)
    assert len(found) == 30
    events = display_rows[0].events
    for i in range(10):
        event = found[f"{i}, original"]
        assert event["event number"] == events.columns["event_id"][i]
        (tracks,), (ecal, hcal) = event["Tracks"].values(), event["CaloCells"].values()
        sums = [sum(t["pT"] for t in tracks), *(sum(c["energy"] for c in x) for x in (ecal, hcal))]
        assert sums == pytest.approx(1000 * events.sums()[i], rel=1e-3)
        ends = np.array([t["pos"][-1] for t in tracks])
        rho = np.hypot(ends[:, 0], ends[:, 1])
        assert np.maximum(rho / 1290, np.abs(ends[:, 2]) / 3154) == pytest.approx(1, abs=1e-3)
        told = [[t["eta"], np.cos(t["phi"]), np.sin(t["phi"])] for t in tracks]
        seen = np.stack([np.arcsinh(ends[:, 2] / rho), ends[:, 0] / rho, ends[:, 1] / rho], 1)
        np.testing.assert_allclose(seen, told, atol=2e-3)
        (jet,) = event["Jets"]["Jets"]
        for key in ("eta", "phi"):
            assert jet[key] == pytest.approx(events.columns[key][i], abs=1e-3)
        pt = float(events.columns["pt"][i])
        assert jet["energy"] == pytest.approx(1000 * pt * np.cosh(jet["eta"]), rel=1e-3)
        # The cells lie about the jet: their mean direction within the cone is its own.
        cells = [(c["eta"], c["phi"], c["energy"]) for c in (*ecal, *hcal)]
        eta, phi, energy = np.array(cells).T
        near = np.hypot(eta - jet["eta"], phi - jet["phi"]) < jet["coneR"]
        assert np.average(eta[near], weights=energy[near]) == pytest.approx(jet["eta"], abs=0.02)
        assert np.average(phi[near], weights=energy[near]) == pytest.approx(jet["phi"], abs=0.02)
        for cell in (*ecal, *hcal):
            if "z" in cell and abs(cell["eta"]) < 1.4:
                assert np.arcsinh(cell["z"] / cell["radius"]) == pytest.approx(
                    abs(cell["eta"]), abs=3e-3
                )
