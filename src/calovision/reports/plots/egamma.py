"""Figures about electrons and photons: crops of either class, quality among parts of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from calovision.reports.plots.images import colour_range, draw, label_panels, panels
from calovision.reports.plots.style import NARROW, looks, styled

if TYPE_CHECKING:
    from calovision.events.events import Events

COLUMNS = 4  #: crops of either class side by side
REACH = 0.2  #: rad; where the axes have their labels


@styled
def crop_examples(events: Events) -> Figure:
    """The first crops of either class, energies on one logarithmic scale (GeV).

    Args:
        events: labelled crops.
    """
    energy = events.to_dense("gev")[:, 0]
    norm = LogNorm(*colour_range(energy), clip=True)
    figure, axes, bars = panels(2, COLUMNS, 2)
    for label in range(2):
        mine = energy[events.label == label][:COLUMNS]
        for ax in axes[label][len(mine) :]:
            ax.set_axis_off()
        for ax, image in zip(axes[label], mine, strict=False):
            bar = figure.colorbar(draw(ax, image, norm, events.geometry), cax=bars[label])
        bar.set_label("E [GeV]", loc="center")
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
        bar.ax.tick_params(which="both", direction="out", left=False)
    label_panels(axes, events.geometry.classes, REACH)
    return figure


@styled
def auc_of_parts(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """AUC of every model among parts of the events, with errors.

    Args:
        rows: each with ``part``, ``model`` and ``auc`` (value and error).
    """
    parts = list(dict.fromkeys(str(r["part"]) for r in rows))[::-1]
    look = looks(list(dict.fromkeys(str(r["model"]) for r in rows)))
    figure = Figure(figsize=(NARROW, 0.5 * len(parts) + 1.4), layout="constrained")
    ax = figure.subplots()
    for k, (model, style) in enumerate(look.items()):
        mine = {str(r["part"]): r["auc"] for r in rows if r["model"] == model}
        known = [p for p in parts if mine.get(p, {}).get("value") is not None]
        y = np.array([parts.index(p) for p in known]) + 0.2 * ((len(look) - 1) / 2 - k)
        ax.errorbar(
            [mine[p]["value"] for p in known],
            y,
            xerr=[mine[p].get("error") or 0 for p in known],
            color=style.colour,
            marker=style.marker,
            markersize=5,
            linestyle="none",
            label=model,
        )
    ax.set_yticks(range(len(parts)), [p.replace("|eta|", "|η|") for p in parts])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", alpha=0.3)
    ax.set_xlabel("AUC")
    figure.legend(loc="outside upper right", ncols=len(look))
    return figure
