"""Originals beside their reconstructions, channel by channel and all channels together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.metrics.definitions import channel_title
from calovision.metrics.pairs import check_pair
from calovision.reports.plots.style import COLOUR_MAP, EMPTY, styled

if TYPE_CHECKING:
    from calovision.events.events import Events
    from calovision.events.geometry import Channel, Geometry

Rgb = tuple[float, float, float]
#: colour of the usual channels in the combined image; overlaps add up
OVERLAY: dict[str, tuple[str, Rgb]] = {
    "track": ("orange", (1.0, 0.62, 0.0)),
    "ecal": ("blue", (0.2, 0.65, 1.0)),
    "hcal": ("purple", (0.75, 0.25, 0.55)),
}
#: colours of other channels, in their order
MORE_COLOURS: tuple[tuple[str, Rgb], ...] = (
    ("green", (0.2, 0.8, 0.3)),
    ("red", (0.95, 0.25, 0.2)),
    ("yellow", (0.9, 0.85, 0.2)),
    ("grey", (0.7, 0.7, 0.7)),
)
IMAGE_WIDTH = 7.6  #: inch; wider than curves, because a pixel should stay visible
Image = NDArray[np.floating[Any]]


@styled
def originals_vs_reconstructions(
    original: Events, others: Mapping[str, Events], index: int
) -> Figure:
    """One event: a row per channel and one of all together, a column per model.

    All columns share the row's logarithmic colour scale (GeV per pixel; an HCAL tower's energy is
    spread over its 25 pixels), set by the original. Pixels without energy are black.

    Args:
        original: original events.
        others: model to its reconstructions, in the order of the originals.
        index: which event.

    Raises:
        InputError: sets that do not match, or no such event.
    """
    for other in others.values():
        check_pair(original, other)
    if not 0 <= index < len(original):
        raise InputError(f"there is no event {index}", f"choose 0 to {len(original) - 1}")
    dense = {n: s[index].to_dense()[0] for n, s in {"original": original, **others}.items()}
    ranges = [colour_range(image) for image in dense["original"]]
    return channel_grid(dense, ranges, original.geometry, combined=True)


@styled
def channel_grid(
    images: Mapping[str, Image],
    ranges: Sequence[tuple[float, float]],
    geometry: Geometry,
    *,
    combined: bool = False,
    of: str = "",
    arrow: str = "",
) -> Figure:
    """Images side by side, a row per channel; all columns share the row's logarithmic colours.

    Args:
        images: title of the column to ``(channels, rows, cols)`` GeV per pixel.
        ranges: per channel the energies (GeV) of the first and last colour.
        geometry: of the images.
        combined: add a row of all channels together.
        of: what stands before the energy on the colour bars, such as ``mean``.
        arrow: how to read the columns, written above them.
    """
    names = [channel_title(c) for c in geometry.channel_names]
    figure, axes, bars = panels(len(names) + combined, len(images), len(names), bool(arrow))
    for c, channel in enumerate(geometry.channels):
        norm = LogNorm(*ranges[c], clip=True)
        for ax, image in zip(axes[c], images.values(), strict=True):
            drawn = draw(ax, image[c], norm, geometry)
        colour_bar(figure, drawn, bars[c], f"{of} {measured_by(channel)} [{channel.unit}]".strip())
    if combined:
        for ax, image in zip(axes[-1], images.values(), strict=True):
            ax.imshow(overlay(image, ranges, geometry), **frame(geometry))
    for ax, name in zip(axes[0], images, strict=True):
        ax.set_title(name, fontweight="bold")
    reach = 0.2 if geometry.rows <= 64 else 0.5
    # farther apart on narrow panels, or the numbers would touch
    label_panels(axes, [*names, "combined"][: len(axes)], 1.6 * reach if len(images) > 3 else reach)
    if arrow:
        middle = (axes[0, 0].get_position().x0 + axes[0, -1].get_position().x1) / 2
        figure.text(middle, 1 - 0.06 / figure.get_figheight(), arrow, ha="center", va="top")
    return figure


def measured_by(channel: Channel) -> str:
    """What the hits of a channel are: a time, a transverse momentum or an energy."""
    return "time" if channel.is_time else "E" if channel.is_calorimeter else "pT"


def colour_bar(figure: Figure, drawn: Any, ax: Axes, label: str) -> None:
    """The colour scale of a row of images."""
    bar = figure.colorbar(drawn, cax=ax)
    bar.set_label(label, loc="center")
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.ax.tick_params(which="both", direction="out", left=False)


def panels(
    rows: int, cols: int, bars: int = 0, headline: bool = False
) -> tuple[Figure, NDArray[Any], list[Axes]]:
    """Square panels close together, and a narrow axis for the colour bar of each of ``bars`` rows.

    Args:
        rows: of panels.
        cols: of panels.
        bars: rows, from the top, that have a colour bar.
        headline: leave room for a line of text above.
    """
    left, right, top, bottom, gap, bar = 1.0, 0.75, 0.3, 0.55, 0.08, 0.14  # inch
    top += 0.25 * headline
    side = (IMAGE_WIDTH - left - right - cols * gap - bar) / cols
    height = top + bottom + rows * side + (rows - 1) * gap
    figure = Figure(figsize=(IMAGE_WIDTH, height))
    grid = GridSpec(
        rows,
        cols + 1,
        figure,
        left=left / IMAGE_WIDTH,
        right=1 - right / IMAGE_WIDTH,
        top=1 - top / height,
        bottom=bottom / height,
        wspace=gap * (cols + 1) / (cols * side + bar),
        hspace=gap / side,
        width_ratios=[side] * cols + [bar],
    )
    axes = np.array([[figure.add_subplot(grid[r, c]) for c in range(cols)] for r in range(rows)])
    return figure, axes, [figure.add_subplot(grid[r, cols]) for r in range(bars)]


def label_panels(axes: NDArray[Any], names: Sequence[str], reach: float) -> None:
    """Names of the rows, and the angles 0 and plus or minus ``reach`` on the outer axes only."""
    for (r, c), ax in np.ndenumerate(axes):
        outer = {"bottom": r == len(axes) - 1, "left": c == 0}
        ax.set_xticks([-reach, 0.0, reach])
        ax.set_yticks([-reach, 0.0, reach])
        ax.minorticks_off()
        ax.tick_params(
            direction="out",
            top=False,
            right=False,
            **outer,
            labelbottom=outer["bottom"],
            labelleft=outer["left"],
        )
        if outer["bottom"]:
            ax.set_xlabel("Δφ [rad]", loc="center")
        if outer["left"]:
            # a hyphen would become a minus sign in mathematics
            bold = "-".join(f"$\\bf{{{part}}}$" for part in names[r].split("-"))
            ax.set_ylabel(f"{bold}\nΔη", loc="center")


def overlay(image: Image, ranges: Sequence[tuple[float, float]], geometry: Geometry) -> Image:
    """All channels in one colour image: hue tells the channel, brightness the logarithm of energy.

    Args:
        image: ``(channels, rows, cols)`` GeV.
        ranges: per channel the energies (GeV) of least and full brightness.
        geometry: names the channels.

    Returns:
        ``(rows, cols, 3)`` red, green, blue in [0, 1].
    """
    shown = np.zeros((*image.shape[1:], 3))
    colours = channel_colours(geometry).values()
    for layer, (low, high), (_, rgb) in zip(image, ranges, colours, strict=True):
        lit = layer > 0
        brightness = np.zeros(layer.shape)
        brightness[lit] = np.log(layer[lit] / low) / np.log(high / low)
        brightness[lit] = 0.25 + 0.75 * np.clip(brightness[lit], 0, 1)
        shown += brightness[..., None] * np.array(rgb)
    return np.clip(shown, 0, 1)


def channel_colours(geometry: Geometry) -> dict[str, tuple[str, Rgb]]:
    """Name and red, green, blue of the colour of every channel in the combined image."""
    free = iter(MORE_COLOURS)
    last = MORE_COLOURS[-1]
    return {c: OVERLAY.get(c) or next(free, last) for c in geometry.channel_names}


def colours_in_words(geometry: Geometry) -> str:
    """Which channel has which colour: ``Track is orange, ECAL blue, HCAL purple``."""
    found = channel_colours(geometry).items()
    words = ", ".join(f"{channel_title(name)} {colour}" for name, (colour, _) in found)
    return words.replace(" ", " is ", 1)


def colour_range(energy: Image, top: float = 1.0) -> tuple[float, float]:
    """Range of colours of pixels: from the 2 % quantile of those that are lit to another one."""
    lit = energy[energy > 0]
    if not len(lit):
        return 0.1, 10.0
    low, high = (float(x) for x in np.quantile(lit, [0.02, top]))
    return min(low, high / 10), high


def frame(geometry: Geometry) -> dict[str, Any]:
    """How an image of this geometry lies in the (phi, eta) plane."""
    last = np.array([geometry.cells - 1])
    phi, eta = (
        float(angle(last)[0]) * size / (size - 1)
        for angle, size in ((geometry.phi, geometry.cols), (geometry.eta, geometry.rows))
    )
    return {"origin": "lower", "extent": (-phi, phi, -eta, eta), "interpolation": "nearest"}


def draw(ax: Axes, image: Image, norm: LogNorm, geometry: Geometry) -> Any:
    """One channel ``(rows, cols)`` of one event on a logarithmic colour scale."""
    # the darkest quarter of the map would vanish on the dark ground
    visible = colormaps[COLOUR_MAP](np.linspace(0.25, 1, 256))
    palette = ListedColormap(visible).with_extremes(bad=EMPTY)
    masked = np.ma.masked_less_equal(image, 0)
    return ax.imshow(masked, norm=norm, cmap=palette, **frame(geometry))
