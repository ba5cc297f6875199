"""One self-contained HTML page: text, tables and figures without any external resource."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from matplotlib.figure import Figure

from calovision.reports.plots.style import figure_style
from calovision.reports.tables import Table
from calovision.utils.files import write_bytes

UNFOLDED = 2  #: parts of a page that are open at first; the others are a line each
DPI = 150  #: sharp on a phone's screen, and legible in print


@dataclass
class Headline:
    """One of the few numbers that matter.

    Attributes:
        label: what it is, in a few words.
        value: the number, formatted.
        note: what to compare it with.
    """

    label: str
    value: str
    note: str = ""


@dataclass
class Section:
    """A part of the page.

    Attributes:
        title: heading; also its anchor.
        text: plain text, paragraphs separated by an empty line.
        figures: figures and their captions.
        tables: tables.
        paired: whether two figures may stand side by side where there is room.
        terms: words and what they mean, after everything else.
        widget: trusted HTML of our own, such as a slider, after the text.
    """

    title: str
    text: str = ""
    figures: list[tuple[Figure, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    paired: bool = True
    terms: dict[str, str] = field(default_factory=dict)
    widget: str = ""

    @property
    def anchor(self) -> str:
        """Identifier of the heading, for links."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    @property
    def paragraphs(self) -> list[str]:
        """The text, split at empty lines."""
        return [p.strip() for p in self.text.split("\n\n") if p.strip()]


def embedded(figure: Figure) -> str:
    """A figure as a data URI; the same figure always gives the same bytes."""
    buffer = io.BytesIO()
    with figure_style():
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def template(name: str) -> Template:
    """One of our HTML templates; what is put in is escaped, and nothing may be left out."""
    environment = Environment(
        loader=PackageLoader("calovision.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def write_report(
    path: Path,
    *,
    title: str,
    summary: str,
    headline: Sequence[Headline],
    facts: dict[str, str],
    sections: Sequence[Section],
) -> Path:
    """Write one self-contained HTML page, complete or not at all.

    Args:
        path: the file.
        title: heading of the page.
        summary: one or two sentences under it.
        headline: the numbers that matter, three at most.
        facts: what was done with which data, seed, time and versions.
        sections: the parts, in order.

    Returns:
        ``path``.

    Raises:
        InputError: the file cannot be written.
    """
    page = template("report.html.j2").render(
        title=title,
        summary=summary,
        headline=headline,
        facts=facts,
        unfolded=UNFOLDED,
        sections=[
            {"section": s, "figures": [(embedded(f), caption) for f, caption in s.figures]}
            for s in sections
        ],
    )
    write_bytes(path, page.encode())
    return path
