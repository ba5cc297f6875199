"""Figures about generated events: galleries, strips of the cascade, distances, responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from calovision.metrics.definitions import channel_title
from calovision.reports.plots.images import (
    Image,
    channel_grid,
    colour_range,
    frame,
    label_panels,
    overlay,
    panels,
)
from calovision.reports.plots.style import (
    AMBER,
    BLUE,
    GREEN,
    NARROW,
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
    from calovision.events.geometry import Geometry

Row = Mapping[str, Any]
Ranges = Sequence[tuple[float, float]]
CORE = 0.6  #: rad; what the gallery shows around the middle of the window
COLUMNS = 6  #: stages of a strip
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


def strip(levels: Mapping[int, Image], geometry: Geometry, arrow: str) -> Figure:
    """One event from one cell to all of them: a row per channel, a column per number of cuts.

    Args:
        levels: number of cuts to ``(channels, rows, cols)`` GeV per pixel, each cell's energy
            spread evenly over its pixels.
        geometry: of the image.
        arrow: how to read the columns, written above them.
    """
    order = sorted(levels)
    places = np.linspace(0, len(order) - 1, min(COLUMNS, len(order)))
    chosen = [order[round(i + 0.3)] for i in places]  # rather late levels, where jets take shape
    ranges = []
    for c in range(len(geometry.channels)):
        finest = colour_range(levels[chosen[-1]][c])
        lit = np.concatenate([levels[k][c][levels[k][c] > 0] for k in chosen])
        # spread over the whole window, the energy of a pixel is far below that of any hit
        ranges.append((min(finest[0], float(lit.min())) if len(lit) else finest[0], finest[1]))
    images = {f"{k} cut{'s' * (k != 1)}": levels[k] for k in chosen}
    return channel_grid(images, ranges, geometry, arrow=arrow)


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


@styled
def auc_of_steps(rows: Sequence[Row]) -> Figure:
    """AUC of trees against the number of steps of the solver.

    Args:
        rows: each with ``steps``, ``auc`` (value and error) and ``model``, the name of a line.
    """
    figure = canvas(3.6, NARROW)
    ax = figure.subplots()
    highest, ticks = 0.6, sorted({r["steps"] for r in rows})
    for name, colour in zip(dict.fromkeys(r["model"] for r in rows), (BLUE, ORANGE), strict=False):
        mine = [r for r in rows if r["model"] == name]
        found = [(r["steps"], r["auc"]["value"], r["auc"].get("error") or 0.0) for r in mine]
        steps, value, error = np.array(found).T
        ax.plot(steps, value, color=colour, linewidth=1.2)
        points(ax, steps, value, Look(colour), name, y_error=error, size=5)
        highest = max(highest, float((value + error).max()) + 0.02)
    ax.axhline(0.5, color="gray", linewidth=1, linestyle=":")
    ax.text(ticks[-1], 0.5, "cannot be told apart", color="gray", ha="right", va="bottom")
    ax.set_xscale("log", base=2)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(ticks, [f"{n:.0f}" for n in ticks])
    ax.set_ylim(0.48, highest)
    ax.legend()
    ax.set_xlabel("steps of the solver")
    ax.set_ylabel("AUC, true or generated totals")
    ax.grid(axis="y", alpha=0.3)
    return figure
