"""Curves, spectra and maps; every function returns a new matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calovision.errors import InputError
from calovision.metrics.definitions import channel_title
from calovision.reports.plots.style import (
    BLACK,
    COLOUR_MAP,
    OF_CLASS,
    canvas,
    colours,
    quantity,
    styled,
)
from calovision.utils import streams

Row = Mapping[str, float]
Floats = NDArray[np.float64]
Density = tuple[Floats, Floats]  #: normalised histogram and its Poisson error
BINS = 30
MAX_POINTS = 4000  #: points of a scatter plot; more only hide each other
FEW_POINTS = 40  #: points of a curve up to which each is marked


def _curve(ax: Axes, rows: Sequence[Row], key: str, colour: str, label: str, line: str) -> None:
    """One quantity of a training log against training time, where it was written."""
    points = [(r["wall_s"], r[key]) for r in rows if r.get(key) is not None]
    if points:
        mark = "o" if len(points) < FEW_POINTS else None
        x, y = np.array(points).T
        ax.plot(x, y, line, color=colour, label=label, marker=mark, markersize=3)


@styled
def loss_curves(curves: Mapping[str, Sequence[Row]]) -> Figure:
    """Training and validation loss against training time, one panel per model.

    Losses of different models are different functions, so each panel has its own scale.

    Args:
        curves: model to rows of its training log, each with ``wall_s`` (s) and any of
            ``train_loss`` and ``val_loss``.
    """
    figure = canvas(2.6 * len(curves) + 0.5)
    axes = figure.subplots(len(curves), 1, squeeze=False)[:, 0]
    for ax, (model, rows) in zip(axes, curves.items(), strict=True):
        _curve(ax, rows, "train_loss", OF_CLASS[0], "training", "--")
        _curve(ax, rows, "val_loss", OF_CLASS[1], "validation", "-")
        ax.set_title(model, loc="left")
        ax.set_ylabel("loss")
        ax.legend()
    axes[-1].set_xlabel("training time [s]")
    return figure


@styled
def auc_curves(curves: Mapping[str, Sequence[Row]]) -> Figure:
    """Validation AUC against training time, all models in one panel.

    Args:
        curves: model to rows of its training log, each with ``wall_s`` (s) and ``val_auc``.
    """
    colour = colours(list(curves))
    figure = canvas(4.0)
    ax = figure.subplots()
    for model, rows in curves.items():
        _curve(ax, rows, "val_auc", colour[model], model, "-")
    ax.set_xlabel("training time [s]")
    ax.set_ylabel("validation AUC")
    ax.legend()
    return figure


@styled
def latent_map(
    coordinates: NDArray[Any],
    values: NDArray[Any],
    *,
    title: str,
    unit: str = "",
    classes: Sequence[str] = (),
) -> Figure:
    """Two principal components of the latent code, coloured by one quantity.

    Args:
        coordinates: ``(n, 2)``, pure numbers.
        values: ``(n,)`` what colours the points.
        title: name of that quantity.
        unit: its unit.
        classes: names of the values 0, 1, ... where these are classes.

    Raises:
        InputError: the arrays do not match.
    """
    if coordinates.shape != (len(values), 2):
        raise InputError(
            f"latent coordinates of shape {coordinates.shape} for {len(values)} values",
            "give (n, 2) and (n,)",
        )
    shown = streams.rng(streams.Stream.SHOWN, 0).permutation(len(coordinates))[:MAX_POINTS]
    (x, y), colour = coordinates[shown].T, values[shown]
    figure = canvas(4.8)
    ax = figure.subplots()
    if classes:
        # one call for all points, or the last class would hide the others
        ax.scatter(x, y, s=7, linewidths=0, c=[to_rgba(OF_CLASS[int(v)], 0.6) for v in colour])
        for value, name in enumerate(classes):
            ax.scatter([], [], s=30, color=OF_CLASS[value], label=name)
        ax.legend(title=title, loc="upper right", frameon=True)
    else:
        low, high = np.quantile(values, [0.02, 0.98])
        points = ax.scatter(
            x, y, s=7, linewidths=0, c=colour, cmap=COLOUR_MAP, vmin=low, vmax=high, alpha=0.8
        )
        figure.colorbar(points, ax=ax, label=quantity(title, unit), extend="both")
    low, high = np.quantile(coordinates, [0.002, 0.998], axis=0)
    margin = 0.08 * (high - low) + 1e-9
    ax.set_xlim(low[0] - margin[0], high[0] + margin[0])
    ax.set_ylim(low[1] - margin[1], high[1] + margin[1])
    ax.set_xlabel("1st principal component")
    ax.set_ylabel("2nd principal component")
    return figure


@styled
def distribution(
    samples: Mapping[str, NDArray[Any]],
    *,
    label: str,
    unit: str = "",
    log: bool = False,
    headroom: float = 1.6,
    ratios: tuple[float, float] = (0.4, 1.6),
) -> Figure:
    """Histogram of one observable for several samples, with a panel of ratios to the first.

    Args:
        samples: name to ``(n,)`` values; the first is the reference.
        label: the observable.
        unit: its unit.
        log: logarithmic event axis.
        headroom: height of the event axis in units of the reference's maximum.
        ratios: range of the ratios shown.
    """
    first, *others = samples
    edges = _edges(list(samples.values()))
    figure = canvas(4.4)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    reference = _density(samples[first], edges)
    _shaded(top, reference, edges, BLACK, first)
    _ratios(bottom, reference, reference, edges, BLACK, ratios)
    for name, colour in colours(others).items():
        density = _density(samples[name], edges)
        top.stairs(density[0], edges, color=colour, label=name)
        _ratios(bottom, density, reference, edges, colour, ratios)
    bottom.set_ylabel(f"ratio to\n{first}", loc="center")
    _finish(top, bottom, edges, label, unit, headroom * reference[0].max(), log)
    top.legend()
    return figure


@styled
def class_distribution(
    reference: tuple[NDArray[Any], NDArray[Any]],
    sample: tuple[NDArray[Any], NDArray[Any]],
    *,
    names: tuple[str, str],
    classes: Sequence[str],
    label: str,
    unit: str = "",
    log: bool = False,
) -> Figure:
    """Histogram of one observable for both classes of two samples, with ratios class by class.

    Args:
        reference: values and labels, each ``(n,)``, of the sample that is drawn shaded.
        sample: the same of the one that is drawn as points.
        names: of the two samples.
        classes: names of labels 0 and 1.
        label: the observable.
        unit: its unit.
        log: logarithmic event axis.
    """
    edges = _edges([reference[0], sample[0]])
    middle = (edges[1:] + edges[:-1]) / 2
    figure = canvas(5.2)
    top, *below = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 1))
    highest = 0.0
    for k, (name, colour, mark) in enumerate(zip(classes, OF_CLASS, "os", strict=False)):
        true, own = (_density(v[of == k], edges) for v, of in (reference, sample))
        highest = max(highest, float(true[0].max()))
        _shaded(top, true, edges, colour, f"{name}, {names[0]}")
        lit = own[0] > 0
        style = {"fmt": mark, "color": colour, "markersize": 3.5, "linewidth": 1}
        top.errorbar(middle[lit], own[0][lit], own[1][lit], label=f"{name}, {names[1]}", **style)
        for density in (true, own):
            _ratios(below[k], density, true, edges, colour, (0.4, 1.6))
        below[k].set_ylabel(f"{name}\nratio", loc="center")
    _finish(top, below[-1], edges, label, unit, 1.6 * highest, log)
    top.legend(ncols=2, fontsize=9)
    return figure


def _edges(samples: Sequence[NDArray[Any]]) -> Floats:
    """Bin edges; counts get bins of whole width around the integers."""
    # The reference sets the axis: a sample that is far off must not squeeze it into a corner.
    low, high = np.quantile(np.asarray(samples[0], float), [0.001, 0.999])
    margin = 0.15 * (high - low)
    low, high = max(low - margin, min(low, 0.0)), high + margin
    if all(np.all(s == np.round(s)) for s in samples):
        step = max(1, round((high - low) / BINS))
        return np.arange(np.floor(low) - 0.5, high + step + 0.5, step)
    if high <= low:
        low, high = low - 0.5, low + 0.5
    return np.linspace(low, high, BINS + 1)


def _density(values: NDArray[Any], edges: Floats) -> Density:
    """Normalised histogram and its Poisson error; what lies outside the edges still counts."""
    counts = np.histogram(values, edges)[0]
    scale = max(len(values), 1) * np.diff(edges)
    return counts / scale, np.sqrt(counts) / scale


def _shaded(ax: Axes, density: Density, edges: Floats, colour: str, label: str) -> None:
    """A histogram as a filled area with its outline."""
    ax.stairs(density[0], edges, color=colour, label=label, fill=True, alpha=0.25)
    ax.stairs(density[0], edges, color=colour)


def _ratios(
    ax: Axes,
    sample: Density,
    reference: Density,
    edges: Floats,
    colour: str,
    limits: tuple[float, float],
) -> None:
    """Points of the ratio to the reference; the reference's own error as a band around 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, error = (np.where(reference[0] > 0, v / reference[0], np.nan) for v in sample)
    if sample is reference:
        ax.stairs(1 + error, edges, baseline=1 - error, fill=True, color=colour, alpha=0.2)
        ax.axhline(1, color="gray", linewidth=0.8)
        ax.set_ylim(*limits)
    else:
        middle = (edges[1:] + edges[:-1]) / 2
        ax.errorbar(middle, ratio, error, fmt="o", color=colour, markersize=3, linewidth=1)


def _finish(
    top: Axes, bottom: Axes, edges: Floats, label: str, unit: str, highest: float, log: bool
) -> None:
    """Axes of histograms above panels of ratios, with room for the legend."""
    top.set_ylabel(f"density [1/{unit}]" if unit else "density")
    if log:
        top.set_yscale("log")
    top.set_ylim(None if log else 0, max(highest, 1e-12) * (6 if log else 1))
    bottom.set_xlabel(quantity(label, unit))
    bottom.set_xlim(edges[0], edges[-1])


@styled
def response_histogram(
    responses: Mapping[str, Mapping[str, NDArray[Any]]], *, limits: tuple[float, float] = (0.5, 1.5)
) -> Figure:
    """Reconstructed over true summed energy per channel, one panel each.

    Args:
        responses: channel to model to ratios ``(n,)``.
        limits: range shown; events outside are counted in the first and last bin.
    """
    figure = canvas(2.3 * len(responses) + 0.4)
    axes = figure.subplots(len(responses), 1, sharex=True, squeeze=False)[:, 0]
    edges = np.linspace(*limits, 61)
    for ax, (channel, models) in zip(axes, responses.items(), strict=True):
        for (model, ratio), colour in zip(
            models.items(), colours(list(models)).values(), strict=True
        ):
            height = np.histogram(np.clip(ratio, *limits), edges)[0] / max(len(ratio), 1)
            text = f"{model}: {np.mean(ratio):.3f} ± {np.std(ratio):.3f}"
            ax.stairs(height, edges, color=colour, label=text, linewidth=1.8)
        ax.axvline(1, color="gray", linewidth=0.8, linestyle=":")
        ax.set_title(channel_title(channel), loc="left")
        ax.set_ylabel("fraction")
        ax.legend(title="mean ± deviation", fontsize=9, title_fontsize=9)
    axes[-1].set_xlabel("reconstructed / true summed energy")
    axes[-1].set_xlim(*limits)
    return figure
