"""Figures of the symmetry study."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calovision.reports.plots.style import OTHERS, canvas, colours, styled
from calovision.reports.sources import Arrays

SHOWN = 13  #: frames in a row


@styled
def rows(parts: Mapping[str, Arrays], digit: int, model: str) -> Figure:
    """Flowed images above the true rotations nearest to them.

    Args:
        parts: latent space to arrays ``flowed`` and ``true`` ``(m, frames, p)`` and ``degrees``.
        digit: which.
        model: whose flow.
    """
    lines: list[tuple[str, NDArray[np.uint8]]] = []
    for space, part in parts.items():
        chosen = np.linspace(0, part["flowed"].shape[1] - 1, SHOWN).round().astype(int)
        for i in range(min(2, len(part["flowed"]))):
            lines.append((f"{space}\nflow", part["flowed"][i][chosen]))
            lines.append(("truth", part["true"][i][chosen]))
    figure = canvas(0.56 * len(lines) + 0.4)
    axes = figure.subplots(len(lines), SHOWN, squeeze=False)
    for line, (title, images) in zip(axes, lines, strict=True):
        side = round(images.shape[1] ** 0.5)
        for axis, one in zip(line, images, strict=True):
            axis.imshow(one.reshape(side, side), cmap="gray", vmin=0, vmax=255)
            axis.set_xticks([])
            axis.set_yticks([])
        line[0].set_ylabel(title, rotation=0, ha="right", va="center", y=0.5, fontsize=8)
    figure.suptitle(f"{digit}, {model}", fontsize=11)
    return figure


@styled
def angles(parts: Mapping[str, Mapping[int, Arrays]]) -> Figure:
    """The angle of every image along the flow, in turns of time, with the period as a line.

    Args:
        parts: model to digit to arrays ``times (t,)``, ``angle (n, t)``, ``covered``, ``period``.
    """
    digits = sorted({d for of in parts.values() for d in of})
    figure = canvas(2.9 * len(digits))
    axes = figure.subplots(len(digits), 1, squeeze=False)[:, 0]
    look = colours(list(parts))
    for axis, digit in zip(axes, digits, strict=True):
        for model, of in parts.items():
            if digit not in of:
                continue
            part = of[digit]
            share = part["times"] / part["times"][-1]
            for i, angle in enumerate(part["angle"]):
                axis.plot(
                    share, angle, color=look[model], alpha=0.35, lw=1, label="" if i else model
                )
        period = max(float(of[digit]["period"]) for of in parts.values() if digit in of)
        axis.axhline(period, color="0.5", ls="--", lw=1)
        axis.set_xlim(0, 1)
        axis.set_ylim(-0.25 * period, 2.2 * period)
        axis.set_ylabel(f"angle of a {digit} [deg]")
        axis.legend(loc="upper left")
    axes[-1].set_xlabel("share of the time followed")
    return figure


@styled
def flow_field(part: Arrays, dimension: int) -> Figure:
    """Latent points of turned digits by class, with the flow's velocity as arrows."""
    figure = canvas(5)
    axis = figure.subplots()
    points, velocity, label = (part[f"latent/{k}"] for k in ("points", "velocity", "label"))
    for digit, colour in zip(np.unique(label), OTHERS, strict=False):
        mine = label == digit
        axis.scatter(
            points[mine, 0], points[mine, 1], s=4, color=colour, alpha=0.4, label=str(digit)
        )
    some = slice(None, None, max(1, len(points) // 250))
    length = np.linalg.norm(velocity[some], axis=1).mean() + 1e-9
    axis.quiver(
        points[some, 0],
        points[some, 1],
        velocity[some, 0] / length,
        velocity[some, 1] / length,
        scale=28,
        width=0.003,
        color="0.15",
    )
    names = ("z1", "z2") if dimension == 2 else ("first component", "second component")
    axis.set_xlabel(names[0])
    axis.set_ylabel(names[1])
    axis.set_aspect("equal")
    axis.legend(title="digit", markerscale=3)
    return figure


@styled
def spectrum(frequencies: list[float], fundamental: float) -> Figure:
    """Frequencies of the linear action, in units of the fundamental one."""
    figure = canvas(3)
    axis = figure.subplots()
    values = np.sort(np.array(frequencies)) / fundamental
    axis.stem(np.arange(len(values)), values, basefmt=" ")
    for multiple in range(int(values.max()) + 2):
        axis.axhline(multiple, color="0.85", lw=0.8, zorder=0)
    axis.set_xlabel("plane that turns")
    axis.set_ylabel("frequency / fundamental")
    return figure
