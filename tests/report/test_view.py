"""The event display: what is in its file, and what a browser makes of it."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calovision.errors import InputError
from calovision.events.events import Events
from calovision.report.html import Section, render
from calovision.report.view import Shown, frame, in_turn, page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None
)


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


def test_rows_that_do_not_fit_are_refused(toy_jets: Events, toy_crops: Events) -> None:
    with pytest.raises(InputError, match="no event"):
        page("x", [Shown("a", toy_jets[:0])])
    with pytest.raises(InputError, match="different kinds"):
        page("x", [Shown("a", toy_jets[:2]), Shown("b", toy_crops[:2])])
    with pytest.raises(InputError, match="b has 3 events, a 2"):
        page("x", [Shown("a", toy_jets[:2]), Shown("b", toy_jets[:3])])


SCRIPT = """
<script>
const key = (name, more) => document.dispatchEvent(
  new KeyboardEvent("keydown", { key: name, bubbles: true, ...more }));
const seen = [];
const captions = () => panels.map((p) => p.caption.textContent);
const note = () => seen.push([byId("number").value, byId("told").textContent, captions()]);
note();
key("ArrowRight"); note();
key("End"); note();
key("ArrowRight"); note();
key("ArrowLeft", { shiftKey: true }); note();
key("Home"); note();
byId("next").click(); note();
const ticks = () => bars.map((bar) => [...bar.children].map((t) => t.textContent));
const own = ticks();
key("c");
const common = ticks();
key("c");
const canvas = panels[PANEL].canvas, box = canvas.getBoundingClientRect();
const at = (row, col) => canvas.dispatchEvent(new MouseEvent("mousemove", {
  clientX: box.left + (col + 0.5) / data.cols * box.width,
  clientY: box.top + (data.rows - row - 0.5) / data.rows * box.height }));
at(ROW, COL);
const tip = byId("tip").hidden ? "" : byId("tip").textContent;
const pixel = [...canvas.getContext("2d").getImageData(COL, data.rows - 1 - ROW, 1, 1).data];
const out = document.createElement("pre");
out.id = "result";
const fits = document.body.scrollWidth <= innerWidth;
out.textContent = JSON.stringify({ seen, own, common, tip, pixel, fits });
document.body.append(out);
</script>
"""


def in_browser(folder: Path, text: str) -> dict:
    """What the page tells after its script ran in Chromium."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    file = folder / "page.html"
    file.write_text(text)
    words = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    command = [CHROMIUM, *words.split(), f"--user-data-dir={folder / 'profile'}"]
    command += ["--window-size=1200,900", "--virtual-time-budget=2000", "--dump-dom", file.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    found = re.search(r'<pre id="result">(.*?)</pre>', shown.stdout, re.S)
    assert found is not None, shown.stderr[-2000:]
    return json.loads(html.unescape(found.group(1)))


def test_a_browser_shows_the_events_and_obeys_the_keys(tmp_path: Path, toy_jets: Events) -> None:
    jets = toy_jets[:15]
    other = replace(jets, value=jets.value * 2)
    event = 1  # where the steps of the script end
    hits = jets[event]
    tower = int(np.flatnonzero(hits.channel == 2)[0])
    row, col = divmod(int(hits.cell[tower]), 125)
    # Two pixels off its middle, it is still the same tower.
    script = SCRIPT.replace("PANEL", "2").replace("ROW", str(row + 2)).replace("COL", str(col - 2))
    text = page("jets", [Shown("original", jets), Shown("model", other)], first=100)
    found = in_browser(tmp_path, text.replace("</body>", script + "</body>"))
    numbers = [int(n) for n, _, _ in found["seen"]]
    assert numbers == [100, 101, 114, 114, 104, 100, 101]
    for number, told, captions in found["seen"]:
        i = int(number) - 100
        assert ("gluon", "quark")[jets.label[i]] in told
        counts = [int(c.split()[0]) for c in captions]
        assert counts == jets.counts()[i].tolist() * 2
        sums = [float(c.split("sum ")[1].split()[0]) for c in captions]
        assert sums == pytest.approx([*jets.sums()[i], *(2 * jets.sums()[i])], rel=6e-3)
    title, original, model, place = found["tip"].split("\n")
    energy = float(hits.energy[tower])
    assert title == "HCAL E"
    assert float(original.split(": ")[1].removesuffix(" GeV")) == pytest.approx(energy, rel=6e-3)
    assert float(model.split(": ")[1].removesuffix(" GeV")) == pytest.approx(2 * energy, rel=6e-3)
    eta = float(hits.geometry.eta(np.array([hits.cell[tower] + 2 * 125]))[0])
    assert f"eta {eta:.3f}" in place
    assert found["pixel"][3] == 255
    assert found["own"] != found["common"]
    largest = [float(t[-1]) for t in found["common"]]
    every = [float(other.energy[other.channel == c].max()) for c in range(3)]
    assert largest == pytest.approx(every, rel=6e-3)
    assert found["fits"]


FRAME = """
<script>
addEventListener("load", () => setTimeout(() => {
  const frame = document.querySelector("iframe.display"), inner = frame.contentDocument;
  const told = () => [inner.getElementById("told").textContent,
    ...[...inner.querySelectorAll("figcaption")].map((x) => x.textContent)];
  const first = told();
  inner.getElementById("next").click();
  const out = document.createElement("pre");
  out.id = "result";
  const fits = inner.documentElement.scrollHeight <= frame.clientHeight;
  const heading = inner.querySelector("h1").getClientRects().length;
  out.textContent = JSON.stringify({ first, second: told(), fits, heading, at: location.hash });
  document.body.append(out);
}, 300));
</script>
"""


def test_the_display_inside_a_report(tmp_path: Path, toy_jets: Events) -> None:
    sets = {"original": toy_jets[:4], "ours": toy_jets[8:12]}
    section = Section("Jets", widget=frame("Jets, one by one", sets))
    text = render(title="x", summary="", headline=[], facts={}, sections=[section])
    found = in_browser(tmp_path, text.replace("</body>", FRAME + "</body>"))
    for event, (told, *captions) in enumerate((found["first"], found["second"])):
        assert f"event {event}" in told
        counts = [*toy_jets.counts()[event], *toy_jets.counts()[8 + event]]
        assert [int(c.split()[0]) for c in captions] == counts
    assert found["fits"]
    assert found["heading"] == 0
    assert found["at"] == ""


def test_sets_that_are_not_paired_show_their_classes_in_turn(toy_jets: Events) -> None:
    one, other = toy_jets[:20], toy_jets[20:50]
    text = frame("jets", {"a": one, "b": other}, paired=False)
    (inside,) = re.findall(r'srcdoc="(.*?)"', text, re.S)
    rows = content(html.unescape(inside))["sets"]
    assert [r["paired"] for r in rows] == [True, False]
    labels = [{c["name"]: c["values"] for c in r["columns"]}["label"] for r in rows]
    assert labels == [["gluon", "quark"] * 6] * 2
    no_quark = one[one.label == 0]
    assert in_turn(no_quark, 5).tolist() == list(range(5))
    nameless = replace(one, columns={})
    assert in_turn(nameless, 5).tolist() == list(range(5))


def test_crops_with_negative_times_are_drawn(tmp_path: Path, toy_crops: Events) -> None:
    script = SCRIPT.replace("PANEL", "1").replace("ROW", "16").replace("COL", "16")
    text = page("crops", [Shown("crops", toy_crops[:12])])
    found = in_browser(tmp_path, text.replace("</body>", script + "</body>"))
    low, middle, high = (float(t) for t in found["own"][1])
    assert low == -high < 0 == middle
    assert "image units" in found["tip"]
