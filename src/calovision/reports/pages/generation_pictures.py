"""Parts of the report of jet generation that show images: jets and means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calovision.events.events import Events
from calovision.reports.html import Section
from calovision.reports.plots import generation as drawings
from calovision.reports.plots.images import channel_grid, colour_range, colours_in_words
from calovision.reports.view import frame

SIMULATED = "simulated"


def jets(samples: Mapping[str, Events]) -> Section | None:
    """Jets of every set, all channels together and channel by channel."""
    truth = samples.get(SIMULATED)
    if truth is None or len(samples) < 2:
        return None
    ranges = pixel_ranges(truth)
    overview = (
        f"The first jets of every set, none chosen. {colours_in_words(truth.geometry)}; "
        "brightness is the logarithm of the energy. Only the middle of the window is shown."
    )
    drawn = [(drawings.gallery(samples, ranges), overview)]
    for label, name in enumerate(truth.geometry.classes):
        caption = f"A {name} jet of each set; where a set has no classes, any of its jets."
        drawn.append((jet_of_class(samples, label, ranges), caption))
    text = (
        "Every image is another jet: they should look alike, not be equal. All columns share a "
        "row's logarithmic scale in GeV per pixel; the energy of a cell of several pixels, such as "
        "an HCAL tower, is spread over them, and black pixels are exactly empty."
    )
    widget = frame("Generated beside simulated jets, one by one", samples, paired=False)
    return Section("Generated beside simulated jets", text, drawn, paired=False, widget=widget)


def jet_of_class(
    samples: Mapping[str, Events], label: int, ranges: Sequence[tuple[float, float]]
) -> Figure:
    """The first jet of one class of every set, channel by channel, a column per set.

    Args:
        samples: name to events; sets without labels show the jet numbered like the class, and
            sets without a jet of the class are left out.
        label: the class.
        ranges: per channel the energies (GeV) of the first and last colour.
    """
    images = {}
    for name, events in samples.items():
        labels = events.columns.get("label")
        mine = np.arange(len(events))[label:] if labels is None else np.flatnonzero(labels == label)
        if len(mine):
            images[name] = events[int(mine[0])].to_dense()[0]
    geometry = next(iter(samples.values())).geometry
    return channel_grid(images, ranges, geometry, combined=True)


def means(samples: Mapping[str, Events]) -> Section | None:
    """Mean images of every set, channel by channel."""
    if SIMULATED not in samples or len(samples) < 2:
        return None
    images = {name: mean_image(events) for name, events in samples.items()}
    ranges = [colour_range(layer) for layer in images[SIMULATED]]
    geometry = samples[SIMULATED].geometry
    numbers = ", ".join(f"{len(events):,} {name}" for name, events in samples.items())
    caption = f"Mean energy per pixel of {numbers} jets; the colours are those of the simulated."
    figure = channel_grid(images, ranges, geometry, of="mean")
    return Section("Mean images", figures=[(figure, caption)])


def mean_image(events: Events, batch: int = 200) -> NDArray[np.float64]:
    """``(channels, rows, cols)`` mean energy per pixel, GeV; in batches, for little memory."""
    total = sum(
        events[i : i + batch].to_dense().sum(axis=0, dtype=np.float64)
        for i in range(0, len(events), batch)
    )
    mean: NDArray[np.float64] = np.asarray(total) / len(events)
    return mean


def pixel_ranges(events: Events) -> list[tuple[float, float]]:
    """Per channel the energies (GeV per pixel) below and above which there is hardly a hit."""
    energy, channel = events.energy / events.area, events.channel
    channels = range(len(events.geometry.channels))
    return [colour_range(energy[channel == c], 0.999) for c in channels]
