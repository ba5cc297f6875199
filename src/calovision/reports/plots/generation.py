"""Figures about generated events: galleries, distances, responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from calovision.metrics.definitions import channel_title
from calovision.reports.plots.images import (
    frame,
    label_panels,
    overlay,
    panels,
)
from calovision.reports.plots.style import (
    AMBER,
    BLUE,
    GREEN,
    ORANGE,
    PINK,
    SKY,
    Look,
    canvas,
    legend_above,
    looks,
    name_rows,
    points,
    styled,
)

if TYPE_CHECKING:
    from calovision.events.events import Events

Row = Mapping[str, Any]
Ranges = Sequence[tuple[float, float]]
CORE = 0.6  #: rad; what the gallery shows around the middle of the window
EXAMPLES = 4  #: jets of each set in the gallery
#: looks of the channels, in their order, in figures of numbers
OF_CHANNEL = tuple(
    Look(colour, "-", marker)
    for colour, marker in zip((ORANGE, BLUE, GREEN, PINK, SKY, AMBER), "osDPXv", strict=True)
)
KINDS = {"n_hit": "hits", "sum_e": "energy"}  #: observables whose response is drawn


@styled
def gallery(samples: Mapping[str, Events], ranges: Ranges) -> Figure:
    """The middle of some events of every set, all channels of an event in one image.

    Args:
        samples: name to events, of which the first are drawn, a row per set.
        ranges: per channel the energies (GeV) of least and full brightness.
    """
    columns = min(EXAMPLES, *(len(s) for s in samples.values()))
    figure, axes, _ = panels(len(samples), columns)
    for row, events in zip(axes, samples.values(), strict=True):
        for image, ax in zip(events[:columns].to_dense(), row, strict=True):
            ax.imshow(overlay(image, ranges, events.geometry), **frame(events.geometry))
            ax.set_xlim(-CORE, CORE)
            ax.set_ylim(-CORE, CORE)
    label_panels(axes, list(samples), 0.4)
    return figure


@styled
def floors(rows: Sequence[Row], names: Mapping[str, str]) -> Figure:
    """Distances in units of their floors on a logarithmic axis, a line per observable.

    Args:
        rows: each with ``name``, ``model``, ``ratio`` and ``error``.
        names: observable to the label shown.
    """
    shown = list(dict.fromkeys(r["name"] for r in rows))
    look = looks(list(dict.fromkeys(r["model"] for r in rows)))
    figure = canvas(0.26 * len(shown) + 1.3)
    ax = figure.subplots()
    for k, (model, style) in enumerate(look.items()):
        aside = 0.2 * (k - (len(look) - 1) / 2)
        mine = [r for r in rows if r["model"] == model]
        y = [shown.index(r["name"]) + aside for r in mine]
        _ratios(ax, mine, y, style, model)
    ax.axvline(1, color="gray", linewidth=1)
    ax.set_xscale("log")
    name_rows(ax, [names[n] for n in shown], fontsize=9)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(axis="both", alpha=0.3)
    ax.set_xlabel("W1 to simulated jets / floor")
    legend_above(figure, len(look))
    return figure


def _ratios(ax: Axes, rows: Sequence[Row], y: Sequence[float], look: Look, label: str) -> None:
    """Ratios with their errors at the heights ``y``."""
    ratios, errors = ([r[key] for r in rows] for key in ("ratio", "error"))
    points(ax, ratios, y, look, label, x_error=errors)


@styled
def responses(rows: Sequence[Row], names: Mapping[str, str], channels: Sequence[str]) -> Figure:
    """Generated over simulated mean under every condition: hits at the left, energies at the right.

    Args:
        rows: each with ``condition``, ``observable`` (``n_hit_ecal``), ``ratio``, ``error``.
        names: condition to the label shown.
        channels: of the images.
    """
    conditions = list(dict.fromkeys(r["condition"] for r in rows))
    figure = canvas(0.4 * len(conditions) + 1.4)
    panels = figure.subplots(1, len(KINDS), sharey=True, sharex=True)
    for ax, (kind, title) in zip(panels, KINDS.items(), strict=True):
        for k, (channel, look) in enumerate(zip(channels, OF_CHANNEL, strict=False)):
            mine = [r for r in rows if r["observable"] == f"{kind}_{channel}"]
            y = [conditions.index(r["condition"]) + 0.25 * (k - 1) for r in mine]
            _ratios(ax, mine, y, look, channel_title(channel))
        ax.axvline(1, color="gray", linewidth=1)
        ax.set_title(title, loc="left")
        name_rows(ax, [names[c] for c in conditions], fontsize=9)
        ax.set_xlabel("generated / simulated")
    legend_above(figure, len(channels))
    return figure
