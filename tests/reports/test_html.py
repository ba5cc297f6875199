from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from calovision.errors import InputError
from calovision.reports.html import Headline, Section, embedded, write_report
from calovision.reports.tables import Cell, Table

VOID = {"meta", "img", "link", "br", "hr", "input"}


class Balanced(HTMLParser):
    """Fails on tags that are not closed in order; collects what was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def figure() -> Figure:
    drawn = Figure(figsize=(2, 2))
    drawn.subplots().plot([1, 2])
    return drawn


@pytest.fixture
def page(tmp_path):
    table = Table(("metric", "ours"), ((Cell("F1 <exact>", note="why"), Cell("0.6", best=True)),))
    path = write_report(
        tmp_path / "report.html",
        title="Study & more",
        summary="Short.",
        headline=[Headline("F1", "0.6", "baseline 0.2")],
        facts={"Seed": "7"},
        sections=[
            Section("Which cells", "One.\n\nTwo.", [(figure(), "A curve.")], [table]),
            Section("Energy: how much?"),
        ],
    )
    return path.read_text(encoding="utf-8")


def test_page_is_well_formed_and_escaped(page):
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "Study &amp; more" in page
    assert "F1 &lt;exact&gt;" in page
    assert page.count("<p>") == 2


def test_page_needs_nothing_else(page):
    parser = Balanced()
    parser.feed(page)
    for tag, attributes in parser.seen:
        assert tag not in ("script", "link")
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))
    assert "url(" not in page
    assert "@import" not in page


def test_contents_lead_to_the_sections(page):
    targets = re.findall(r'href="#([^"]+)"', page)
    assert targets == ["which-cells", "energy-how-much", "how-it-was-made"]
    assert all(f'id="{t}"' in page for t in targets)


def test_page_fits_phones_and_dark_screens(page):
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page
    assert 'class="scroll"' in page
    assert 'alt="A curve."' in page


def test_figures_are_png_and_reproducible():
    first = embedded(figure())
    assert base64.b64decode(first.partition(",")[2]).startswith(b"\x89PNG")
    assert first == embedded(figure())


def test_a_page_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError):
        write_report(
            tmp_path / "file" / "report.html",
            title="x",
            summary="",
            headline=[],
            facts={},
            sections=[],
        )
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
