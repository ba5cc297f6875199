"""Figures about electrons and photons: crops of either class, quality among parts of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from calovision.reports.plots.images import colour_bar, colour_range, draw, label_panels, panels
from calovision.reports.plots.style import (
    NARROW,
    canvas,
    legend_above,
    looks,
    name_rows,
    points,
    styled,
)

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
            drawn = draw(ax, image, norm, events.geometry)
        colour_bar(figure, drawn, bars[label], "E [GeV]")
    label_panels(axes, events.geometry.classes, REACH)
    return figure


@styled
def auc_of_parts(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """AUC of every model among parts of the events, with errors.

    Args:
        rows: each with ``part``, ``model`` and ``auc`` (value and error).
    """
    parts = list(dict.fromkeys(str(r["part"]) for r in rows))
    look = looks(list(dict.fromkeys(str(r["model"]) for r in rows)))
    figure = canvas(0.5 * len(parts) + 1.4, NARROW)
    ax = figure.subplots()
    for k, (model, style) in enumerate(look.items()):
        aside = 0.2 * (k - (len(look) - 1) / 2)
        mine = [r for r in rows if r["model"] == model and r["auc"].get("value") is not None]
        y = [parts.index(str(r["part"])) + aside for r in mine]
        aucs = [r["auc"] for r in mine]
        errors = [auc.get("error") or 0 for auc in aucs]
        points(ax, [auc["value"] for auc in aucs], y, style, model, x_error=errors, size=5)
    name_rows(ax, [p.replace("|eta|", "|η|") for p in parts])
    ax.set_xlabel("AUC")
    legend_above(figure, len(look))
    return figure
