"""Figures about sets as a whole: correlations, weights of a classifier, energy correlators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from calovision.reports.plots.style import BLACK, canvas, colours, styled

Floats = NDArray[np.float64]
DIFFERENCE = 0.2  #: of correlation coefficients, at which the colour is full
SIGNED = "RdBu_r"  #: colours of numbers of either sign


@styled
def correlation_maps(
    truth: Floats, own: Floats, names: Sequence[str], titles: Sequence[str]
) -> Figure:
    """Correlation coefficients of true events, and how those of others differ from them.

    Args:
        truth: ``(k, k)``; NaN where an observable is constant.
        own: ``(k, k)`` of the other events.
        names: of the ``k`` observables, from above and from the left.
        titles: of the two maps.
    """
    figure = canvas(0.3 * len(names) + 2.4)
    axes = figure.subplots(2, 1, sharex=True)
    for ax, values, most, title in zip(
        axes, (truth, own - truth), (1.0, DIFFERENCE), titles, strict=True
    ):
        image = ax.imshow(values, cmap=SIGNED, vmin=-most, vmax=most, aspect="auto")
        ax.set_title(title, loc="left")
        ax.set_yticks(range(len(names)), names, fontsize=6)
        ax.set_xticks([])
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_locator(NullLocator())
        ax.tick_params(length=0)
        figure.colorbar(image, ax=ax, extend="neither" if most == 1 else "both")
    return figure


@styled
def weights(histograms: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Weights that a classifier gives judged events, a line per model, and true ones, dashed.

    Args:
        histograms: model to ``edges`` ``(k + 1,)`` of log10 of the weight, and shares of the events
            ``made`` and ``truth`` ``(k,)``.
    """
    figure = canvas(4.0)
    ax = figure.subplots()
    colour = colours(list(histograms))
    least = 1.0
    for name, found in histograms.items():
        edges = np.asarray(found["edges"])
        for key, line in (("made", "-"), ("truth", "--")):
            shares = np.asarray(found[key])
            label = f"{name}, {'generated' if key == 'made' else 'simulated'} jets"
            ax.stairs(shares, edges, color=colour[name], linestyle=line, label=label)
            least = min(least, float(shares[shares > 0].min(initial=1.0)))
    for tail in (-1, 1):
        ax.axvline(tail, color="gray", linewidth=1, linestyle=":")
    ax.axvline(0, color="gray", linewidth=1)
    ax.set_yscale("log")
    ax.set_ylim(0.7 * least, None)
    ax.set_xlabel("log10 of the weight")
    ax.set_ylabel("share of jets")
    ax.legend(fontsize=8)
    return figure


@styled
def correlator(
    spectra: Mapping[str, Floats], width: float, label: str, *, step: int = 7, reach: float = 0.5
) -> Figure:
    """Energy correlators of several sets, with a panel of ratios to the first.

    Args:
        spectra: name to ``(n, k)`` what every event adds to bins of distance.
        width: of a bin, rad.
        label: what is correlated.
        step: bins drawn together.
        reach: largest distance drawn, rad.
    """
    figure = canvas(4.4)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    first, *others = spectra
    colour = {first: BLACK} | colours(others)
    bins = round(reach / width) // step
    edges = np.arange(bins + 1) * step * width
    drawn = {}
    for name, table in spectra.items():
        merged = table[:, : bins * step].reshape(len(table), bins, step).sum(axis=2)
        error = merged.std(axis=0, ddof=1) / np.sqrt(len(merged)) if len(merged) > 1 else 0.0
        drawn[name] = merged.mean(axis=0) / (step * width), error / (step * width)
        top.stairs(drawn[name][0], edges, color=colour[name], label=name)
    mean, error = drawn[first]
    safe = np.where(mean > 0, mean, np.nan)
    bottom.fill_between(
        (edges[1:] + edges[:-1]) / 2, 1 - error / safe, 1 + error / safe, color="0.8", linewidth=0
    )
    for name in others:
        bottom.stairs(drawn[name][0] / safe, edges, color=colour[name], baseline=None)
    top.set_ylabel("EEC [1/rad]")
    top.legend()
    bottom.axhline(1, color="gray", linewidth=1)
    bottom.set_ylim(0.7, 1.3)
    bottom.set_ylabel(f"ratio to\n{first}", loc="center")
    bottom.set_xlabel(f"distance of two {label} [rad]")
    return figure
