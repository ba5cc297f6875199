"""Figures about what a jet tagger depends on: detector conditions, momentum, hits, observables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calovision.metrics.definitions import channel_title
from calovision.reports.plots.images import colour_range, frame, overlay
from calovision.reports.plots.style import (
    BLUE,
    COLOUR_MAP,
    EMPTY,
    GREEN,
    NARROW,
    ORANGE,
    canvas,
    legend_above,
    looks,
    name_rows,
    points,
    quantity,
    styled,
)

if TYPE_CHECKING:
    from calovision.events.events import Events

Row = Mapping[str, Any]
BAR = 0.8  #: share of a group's height that its bars fill
LEADING = 14  #: observables shown
COLUMNS = 3  #: example jets side by side


def number(entry: Any, key: str = "value") -> float:
    """A number of a metric, NaN where there is none."""
    found = entry.get(key) if isinstance(entry, Mapping) else None
    return float("nan") if found is None else float(found)


@styled
def condition_bars(rows: Sequence[Row]) -> Figure:
    """Change of the AUC under other conditions, and the share of jets that are flagged.

    Args:
        rows: each with ``condition``, ``model``, ``change`` (value and error) and ``flagged``
            (share of the jets, or none).
    """
    conditions = list(dict.fromkeys(r["condition"] for r in rows))
    models = list(dict.fromkeys(r["model"] for r in rows))
    look = looks(models)
    height = 0.17 * len(models) + 0.3
    figure = canvas(height * len(conditions) + 1.3, NARROW)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    thickness = BAR / len(models)
    for k, model in enumerate(models):
        of = {r["condition"]: r for r in rows if r["model"] == model}
        y = np.arange(len(conditions)) + (k - (len(models) - 1) / 2) * thickness
        found = [of.get(c, {}) for c in conditions]
        change = [number(r.get("change")) for r in found]
        error = [number(r.get("change"), "error") for r in found]
        style = {"height": 0.9 * thickness, "color": look[model].colour}
        left.barh(y, change, xerr=error, error_kw={"elinewidth": 1}, label=model, **style)
        flagged = [100 * number({"value": r.get("flagged")}) for r in found]
        right.barh(y, flagged, **style)
    for ax in (left, right):
        name_rows(ax, conditions)
    left.axvline(0, color="gray", linewidth=1)
    left.set_xlabel("change\nof the AUC")
    right.set_xlim(0, 100)
    right.set_xlabel("out of\ndomain [%]")
    legend_above(figure, len(models))
    return figure


@styled
def auc_against(rows: Sequence[Row], *, label: str, unit: str) -> Figure:
    """AUC in bins of a quantity; horizontal bars are the bins.

    Args:
        rows: each with ``model``, ``lo``, ``hi`` and ``auc`` (value and error).
        label: the quantity.
        unit: its unit.
    """
    look = looks(list(dict.fromkeys(r["model"] for r in rows)))
    figure = canvas(4.2, NARROW)
    ax = figure.subplots()
    width = max(r["hi"] for r in rows) - min(r["lo"] for r in rows)
    for k, (model, style) in enumerate(look.items()):
        mine = [r for r in rows if r["model"] == model]
        low, high = np.array([(r["lo"], r["hi"]) for r in mine], float).T
        # points side by side, or their error bars would hide each other
        x = (low + high) / 2 + (k - (len(look) - 1) / 2) * 0.008 * width
        auc, error = ([number(r["auc"], key) for r in mine] for key in ("value", "error"))
        points(ax, x, auc, style, model, x_error=[x - low, high - x], y_error=error, size=5)
    ax.grid(axis="y", alpha=0.3)
    ax.set_xlabel(quantity(label, unit))
    ax.set_ylabel("AUC")
    ax.legend(ncols=2, fontsize=9)
    ax.margins(y=0.25)
    return figure


@styled
def occlusion_map(
    channels: Sequence[str],
    edges: Sequence[float],
    change: NDArray[Any],
    signed: NDArray[Any] | None,
    signal: str,
) -> Figure:
    """How much the score changes when hits of one layer and one ring are taken away.

    Args:
        channels: ``c`` names of the layers.
        edges: ``r + 1`` distances to the window centre, rad.
        change: ``(c, r)`` mean absolute change of the logit.
        signed: ``(c, r)`` mean of the logit with the hits minus the logit without them.
        signal: class whose logit it is.
    """
    maps: list[tuple[NDArray[Any], str, str, TwoSlopeNorm | None]] = [
        (change, f"mean |change|\nof the {signal} logit", COLOUR_MAP, None)
    ]
    if signed is not None:
        reach = max(float(np.nanmax(np.abs(signed))), 1e-9)
        norm = TwoSlopeNorm(0, -reach, reach)
        maps.append((signed, f"mean contribution\nto the {signal} logit", "RdBu", norm))
    figure = canvas(2.3 * len(maps) + 0.5, NARROW)
    axes = figure.subplots(len(maps), 1, sharex=True, squeeze=False)[:, 0]
    rings = [f"{a:g}-{b:g}" for a, b in pairwise(edges)]
    for ax, (values, label, palette, scale) in zip(axes, maps, strict=True):
        drawn = ax.imshow(values, aspect="auto", cmap=palette, norm=scale)
        for (y, x), value in np.ndenumerate(values):
            r, g, b, _ = drawn.cmap(drawn.norm(value))
            dark = 0.3 * r + 0.6 * g + 0.1 * b < 0.5
            sign = "+" if scale is not None else ""
            text = f"{value:{sign}.2f}"
            ax.text(x, y, text, ha="center", va="center", color="white" if dark else "black")
        figure.colorbar(drawn, ax=ax).set_label(label, loc="center", fontsize=10)
        ax.set_yticks(range(len(channels)), [channel_title(c) for c in channels])
        ax.set_xticks(range(len(rings)), rings)
        ax.minorticks_off()
        ax.tick_params(length=0)  # the axes name fields, not points
    axes[-1].set_xlabel("distance to the window centre [rad]")
    return figure


@styled
def observable_ranking(rows: Sequence[Row], names: Mapping[str, str]) -> Figure:
    """Observables by how much the score's trees rest on them, and their correlation with it.

    Args:
        rows: each with ``name``, ``spearman`` (value and error) and ``importance``.
        names: observable to the label shown.
    """
    ranked = sorted(rows, key=lambda r: r["importance"], reverse=True)[:LEADING]
    figure = canvas(0.32 * len(ranked) + 1.2, NARROW)
    left, right = figure.subplots(1, 2, sharey=True)
    y = np.arange(len(ranked))
    rho = np.array([number(r["spearman"]) for r in ranked])
    error = [number(r["spearman"], "error") for r in ranked]
    colour = [BLUE if value > 0 else ORANGE for value in rho]
    left.barh(y, rho, xerr=error, color=colour, height=BAR, error_kw={"elinewidth": 1})
    left.axvline(0, color="gray", linewidth=1)
    left.set_xlim(-1, 1)
    left.set_xlabel("rank correlation\nwith the score", fontsize=11)
    right.barh(y, [r["importance"] for r in ranked], color=GREEN, height=BAR)
    right.set_xlabel("importance:\nloss of R² if shuffled", fontsize=11)
    for ax in (left, right):
        name_rows(ax, [names.get(r["name"], r["name"]) for r in ranked], fontsize=9)
    return figure


@styled
def scored_examples(events: Events, scores: Sequence[float]) -> Figure:
    """Jets with their true class and the probability that the tagger gives them.

    Args:
        events: ``n`` jet images with labels.
        scores: ``(n,)`` probability of class 1.
    """
    geometry = events.geometry
    rows = -(-len(events) // COLUMNS)
    side = (NARROW - 0.8) / COLUMNS  # what the labels of the outer axes leave
    figure = canvas(rows * (side + 0.3) + 0.5, NARROW)
    axes = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    for index, ax in enumerate(axes.ravel()):
        if index >= len(events):
            ax.remove()
            continue
        image = events[index].to_dense()[0]
        ranges = [colour_range(layer) for layer in image]
        ax.imshow(overlay(image, ranges, geometry), **frame(geometry))
        ax.set_facecolor(EMPTY)
        label, score = int(events.label[index]), float(scores[index])
        right = (score >= 0.5) == (label == 1)
        ax.set_title(
            f"{geometry.classes[label]}: {score:.2f} {'✓' if right else '✗'}",
            color=GREEN if right else ORANGE,
            fontweight="bold",
            fontsize=10,
        )
        ax.set_xticks([-0.5, 0, 0.5])
        ax.set_yticks([-0.5, 0, 0.5])
        ax.minorticks_off()
        ax.tick_params(direction="out", top=False, right=False)
    for ax in axes[:, 0]:
        ax.set_ylabel("Δη", loc="center")
    for ax in axes[-1]:
        ax.set_xlabel("Δφ [rad]", loc="center")
    return figure
