"""The event display: one HTML page with the hits of some events, drawn by the browser itself.

It is a file of its own, or a frame inside a report.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.geometry import COLUMN_UNITS
from calovision.metrics.definitions import channel_title
from calovision.metrics.emd import emd_per_event
from calovision.reports.html import template
from calovision.reports.likeness import most_like
from calovision.reports.plots.images import channel_colours, measured_by
from calovision.reports.truth import truth
from calovision.simulation.detector import CMS_BARREL

if TYPE_CHECKING:
    from calovision.events.events import Events

EMD = "emd"  #: column of a row that is made from the first: how far it lies from it, GeV
#: unit of columns that have one; others are shown as they are
UNITS = COLUMN_UNITS | {"gen_girth": "rad", EMD: "GeV"}
#: of the page's script, in the order in which they build on each other
SCRIPTS = (
    *("data", "events", "map", "solid", "lego", "detector"),
    *("panels", "facts", "layout", "drawing", "gestures", "hands", "exports", "page"),
)
#: front faces of the calorimeters and ends of their barrels (mm), from the beam outwards, where the
#: view in space draws them; those of CMS (JINST 3 S08004), whatever the set's own detector is
FACES = ((CMS_BARREL.ecal_radius, 3154.0), (CMS_BARREL.hcal_radius, 3900.0), (2950.0, 5500.0))
EVENTS_IN_A_REPORT = 12  #: a few hundred hits each: some kilobytes an event and row


@dataclass(frozen=True)
class Shown:
    """Events of one row of the display.

    Attributes:
        name: of the row, such as ``original``.
        events: ``n`` events, the same number in every row.
        paired: whether event ``i`` is made from event ``i`` of the first row; otherwise it is
            another one.
        matched: in what it is like event ``i`` of the first row, such as ``("label", "pt")``.
    """

    name: str
    events: Events
    paired: bool = True
    matched: tuple[str, ...] = ()


def page(title: str, rows: Sequence[Shown], first: int = 0) -> str:
    """The display as one HTML page that needs nothing else.

    Args:
        title: of the page.
        rows: what is drawn, one below the other.
        first: number, in its set, of the first event.

    Raises:
        InputError: nothing to draw, or rows of different geometry or length.
    """
    if not rows or not len(rows[0].events):
        raise InputError("there is no event to draw", "give a set with events")
    for row in rows[1:]:
        if row.events.geometry != rows[0].events.geometry:
            raise InputError(
                f"{row.name} and {rows[0].name} are images of different kinds", "view them apart"
            )
        if len(row.events) != len(rows[0].events):
            raise InputError(
                f"{row.name} has {len(row.events)} events, {rows[0].name} {len(rows[0].events)}",
                "give sets of the same events",
            )
    geometry = rows[0].events.geometry
    if geometry.schema == "showers":
        raise InputError(
            "showers in a cylinder have no map in eta and phi", "draw them by plot() of the events"
        )
    colours = channel_colours(geometry).values()
    content = {
        "title": title,
        "first": first,
        "events": len(rows[0].events),
        "rows": geometry.rows,
        "cols": geometry.cols,
        "eta": [float(x) for x in geometry.eta(np.arange(geometry.rows) * geometry.cols)],
        "phi": [float(x) for x in geometry.phi(np.arange(geometry.cols))],
        "classes": geometry.classes,
        "cone": CMS_BARREL.jet_radius if geometry.schema == "jets" else None,
        "faces": FACES,
        "channels": [
            {
                "name": channel_title(c.name),
                "kind": c.kind,
                "colour": [round(255 * x) for x in rgb],
                "block": c.block,
                "signed": c.signed,
                "quantity": measured_by(c),
                "unit": c.unit,
            }
            for c, (_, rgb) in zip(geometry.channels, colours, strict=True)
        ],
        "sets": [
            {
                "name": row.name,
                "paired": row.paired,
                "matched": row.matched,
                **_hits(row.events),
                "truth": _particles(row.events),
                "columns": _columns(_measured(row, rows[0])),
            }
            for row in rows
        ],
    }
    files = resources.files("calovision.reports") / "templates"
    scripts = [(files / "display" / f"{name}.js").read_text() for name in SCRIPTS]
    return template("view.html.j2").render(
        title=title,
        # "</script>" inside a name must not end the script.
        content=json.dumps(content, allow_nan=False).replace("<", "\\u003c"),
        style=(files / "view.css").read_text(),
        script="\n".join(scripts),
    )


def frame(title: str, sets: Mapping[str, Events], *, paired: bool = True) -> str:
    """The display of a few events as HTML to put into a report; its style stays inside.

    Args:
        title: what the frame is, for those who cannot see it.
        sets: name of a row to its events; of sets of different length the first ones are shown.
        paired: whether the events of all rows belong together, one by one. If not, those of the
            first row show both classes in turn, and beside each stands one that is like it.

    Raises:
        InputError: nothing to draw, or sets of different geometry.
    """
    number = min([EVENTS_IN_A_REPORT, *(len(events) for events in sets.values())])
    rows: list[Shown] = []
    for name, events in sets.items():
        if paired or not rows:
            chosen = events[:number] if paired else events[in_turn(events, number)]
            rows.append(Shown(name, chosen))
        else:
            rows.append(beside(name, events, rows[0].events))
    text = escape(page(title, rows))
    return f'<iframe class="display" title="{escape(title)}" srcdoc="{text}"></iframe>'


def beside(name: str, pool: Events, first: Events) -> Shown:
    """A row of other events, each the most like one of the first row that the pool has.

    Args:
        name: of the row.
        pool: events to choose from, no fewer than ``first`` has.
        first: ``n`` events of the first row.
    """
    chosen, like = most_like(first, pool)
    return Shown(name, pool[chosen], paired=False, matched=like)


def in_turn(events: Events, number: int = EVENTS_IN_A_REPORT) -> NDArray[np.int64]:
    """Places of ``number`` events: the first of each class, the second of each, and so on."""
    label = events.columns.get("label", np.zeros(len(events), np.int8))
    rank = np.zeros(len(events), np.int64)
    for c in np.unique(label):
        mine = label == c
        rank[mine] = np.arange(mine.sum())
    return np.lexsort((label, rank))[:number]


def _measured(row: Shown, first: Shown) -> Events:
    """The row's events; if they are made from the first row's, with their distance from these."""
    if row is first or not row.paired:
        return row.events
    calorimetry = [
        c for c, channel in enumerate(row.events.geometry.channels) if not channel.is_time
    ]
    distance = emd_per_event(first.events, row.events)[:, calorimetry].sum(1)
    return replace(row.events, columns={**row.events.columns, EMD: distance})


def _hits(events: Events) -> dict[str, Any]:
    """Hits as little-endian arrays in base 64."""
    # One cell of a channel with large cells may be a lone pixel; its area tells.
    block = np.sqrt(events.area).astype("<u1")
    return {
        "offsets": _packed(events.offsets, "<u4"),
        "cell": _packed(events.cell, "<u2"),
        "channel": _packed(events.channel, "<u1"),
        "block": _packed(block, "<u1"),
        "energy": _packed(events.measured, "<f4"),
    }


def _particles(events: Events) -> dict[str, Any] | None:
    """Particles before the detector as little-endian arrays in base 64."""
    found = truth(events)
    if found is None:
        return None
    kinds = {"offsets": "<u4", "kind": "<u1"}
    return {k: _packed(v, kinds.get(k, "<f4")) for k, v in found._asdict().items()}


def _packed(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode()


def _columns(events: Events) -> list[dict[str, Any]]:
    """Numbers of every event, with their units; classes by name."""
    classes = events.geometry.classes
    found = []
    for name, values in sorted(events.columns.items()):
        if values.ndim != 1:
            continue
        if name == "label" and set(np.unique(values)) <= set(range(len(classes))):
            told: list[Any] = [classes[int(v)] for v in values]
        else:
            told = [_plain(v) for v in values]
        found.append({"name": name, "unit": UNITS.get(name, ""), "values": told})
    return found


def _plain(value: Any) -> Any:
    number = value.item()
    if isinstance(number, float):
        return float(f"{number:.5g}") if math.isfinite(number) else str(number)
    return number
