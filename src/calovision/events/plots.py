"""Figures of detector images: single events, and the mean of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.events.geometry import NS_PER_UNIT, Geometry
from calovision.events.shower_plots import shower_panels
from calovision.events.weighting import COLUMN, scaled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from calovision.events.event_set import EventSet

_SIDE = 2.4  # inch, of a panel
_GROUND = "#0b1020"  # where nothing was measured
_BATCH = 2048  # events made dense at a time


@dataclass(frozen=True, repr=False)
class MeanImage:
    """Mean images of the classes of a set.

    Attributes:
        geometry: of the images.
        images: class to ``(channels, rows, cols)``, GeV a pixel.
        events: events of each class.
    """

    geometry: Geometry
    images: dict[str, NDArray[np.float64]]
    events: dict[str, int]

    def __repr__(self) -> str:
        g = self.geometry
        classes = ", ".join(f"{name} of {self.events[name]} events" for name in self.images)
        return (
            f"MeanImage: {classes}; {', '.join(g.channel_names)}, {g.rows} x {g.cols} pixels\n"
            "  images: by class (channels, rows, cols), GeV a pixel; shown by plot()"
        )

    def plot(self) -> Figure:
        """A row per channel, a column per class; the classes share the colours of a channel."""
        titles = [f"{name}, mean of {self.events[name]}" for name in self.images]
        return panels(self.geometry, titles, list(self.images.values()))


def mean_image(events: EventSet) -> MeanImage:
    """Mean image of each class, or of all events where they have no labels, by their weights.

    Raises:
        InputError: there are no events, or weights that mean nothing.
    """
    if not len(events):
        raise InputError("there are no events to average", "give at least one")
    geometry = events.geometry
    shape = (len(geometry.channels), geometry.rows, geometry.cols)
    label = np.zeros(len(events), np.int64)
    names: Sequence[str] = ("all",)
    if "label" in events.columns:
        label, names = events.column("label").astype(np.int64), geometry.classes
    weights = scaled(events.columns.get(COLUMN), len(events), signed=True)
    weight = np.ones(len(events)) if weights is None else weights
    sums = {k: np.zeros(shape) for k in np.unique(label).tolist()}
    for start in range(0, len(events), _BATCH):
        part = events[start : start + _BATCH]
        classes = label[start : start + _BATCH]
        for k in np.unique(classes).tolist():
            mine = part[classes == k].to_dense()
            of_mine = weight[start : start + _BATCH][classes == k]
            # without a copy of the images in double precision
            sums[k] += np.einsum("n,nijk->ijk", of_mine, mine)
    counts = {k: int((label == k).sum()) for k in sums}
    called = {k: names[k] if 0 <= k < len(names) else f"label {k}" for k in sums}
    return MeanImage(
        geometry,
        {called[k]: total / _summed(weight[label == k], called[k]) for k, total in sums.items()},
        {called[k]: counts[k] for k in sums},
    )


def _summed(weights: NDArray[np.float64], name: str) -> float:
    """Summed weights of a class."""
    total = float(weights.sum())
    if total <= 0:
        raise InputError(
            f"the weights of {name} sum to {total:g}", "a mean needs weights with a sum above 0"
        )
    return total


def plot(events: EventSet, chosen: int | Sequence[int], beside: EventSet | None) -> Figure:
    """Images of the chosen events, a row per channel; see :meth:`EventSet.plot`.

    Raises:
        InputError: no such event, or sets of different geometry.
    """
    if not len(events):
        raise InputError("the set is empty", "show one with events")
    numbers = [chosen] if isinstance(chosen, int | np.integer) else list(np.atleast_1d(chosen))
    if not numbers or not all(isinstance(n, int | np.integer) for n in numbers):
        raise InputError(f"no events are chosen by {chosen!r}", "give a number, or a list of them")
    sets = [events] if beside is None else [events, beside]
    if any(s.geometry != events.geometry for s in sets):
        raise InputError("sets of different geometry stand beside each other", "give one kind")
    titles, images = [], []
    for number in numbers:
        for which, one in enumerate(sets):
            if not -len(one) <= number < len(one):
                raise InputError(f"there is no event {number}", f"choose 0 to {len(one) - 1}")
            event = one[[number]]
            titles.append(_title(event, number) if not which else "beside")
            images.append(event.to_dense()[0].astype(np.float64))
    return panels(events.geometry, titles, images)


def _title(event: Any, number: int) -> str:
    parts = [f"event {number}"]
    names = event.geometry.classes
    if "label" in event.columns and 0 <= int(event.columns["label"][0]) < len(names):
        parts.append(names[int(event.columns["label"][0])])
    if "pt" in event.columns:
        parts.append(f"$p_T$ {float(event.columns['pt'][0]):.0f} GeV")
    return ", ".join(parts)


def panels(
    geometry: Geometry, titles: Sequence[str], images: Sequence[NDArray[np.float64]]
) -> Figure:
    """Images side by side, a row per channel with one colour scale: logarithmic for energies.

    Showers in a cylinder are drawn by :func:`~calovision.events.shower_plots.shower_panels`.

    Args:
        geometry: of the images.
        titles: of the columns.
        images: ``(channels, rows, cols)`` each, GeV a pixel, times in image units.
    """
    if geometry.schema == "showers":
        return shower_panels(geometry, titles, images)
    from matplotlib.colors import LogNorm, Normalize

    from calovision.utils.picture import Picture

    rows, cols = len(geometry.channels), len(images)
    figure = Picture(figsize=(_SIDE * cols + 1.2, _SIDE * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, cols, squeeze=False, sharex=True, sharey=True)
    phi = abs(float(geometry.phi(np.array([0]))[0])) * geometry.cols / (geometry.cols - 1)
    eta = abs(float(geometry.eta(np.array([0]))[0])) * geometry.rows / (geometry.rows - 1)
    for row, channel in enumerate(geometry.channels):
        layers = [image[row] * (NS_PER_UNIT if channel.is_time else 1.0) for image in images]
        seen = np.concatenate([layer[layer != 0] for layer in layers])
        if channel.signed:
            most = float(np.abs(seen).max(initial=0.0)) or 1.0
            norm, colours = Normalize(-most, most), "RdBu_r"
        else:
            seen = seen[seen > 0]
            high = float(seen.max(initial=0.0)) or 1.0
            low = max(float(np.quantile(seen, 0.02)), high / 1e4) if len(seen) else high / 10
            norm, colours = LogNorm(min(low, high / 10), high, clip=True), "viridis"
        for col, layer in enumerate(layers):
            ax = axes[row, col]
            ax.set_facecolor(_GROUND if not channel.signed else "white")
            drawn = ax.imshow(
                np.ma.masked_equal(layer, 0),
                norm=norm,
                cmap=colours,
                origin="lower",
                extent=(-phi, phi, -eta, eta),
                interpolation="nearest",
            )
            if row == 0:
                ax.set_title(titles[col], fontsize="small")
            if row == rows - 1:
                ax.set_xlabel("Δφ [rad]")
        axes[row, 0].set_ylabel(f"{channel.name}\nΔη")
        unit = f"{'t' if channel.is_time else 'E'} [{channel.unit}]"
        figure.colorbar(drawn, ax=list(axes[row]), label=unit, fraction=0.05, pad=0.02)
    return figure
