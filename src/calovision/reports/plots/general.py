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
from calovision.events.geometry import JET_IMAGES
from calovision.reports.plots.style import (
    BLUE,
    COLOUR_MAP,
    GREEN,
    ORANGE,
    PINK,
    WIDTH,
    colours,
    styled,
)
from calovision.utils import streams

Row = Mapping[str, float]
BINS = 30
OF_CLASS = (ORANGE, BLUE, GREEN, PINK)  #: colours of classes 0, 1, ...
MAX_POINTS = 4000  #: points of a scatter plot; more only hide each other


@styled
def loss_curves(curves: Mapping[str, Sequence[Row]]) -> Figure:
    """Training and validation loss against training time, one panel per model.

    Losses of different models are different functions, so each panel has its own scale.

    Args:
        curves: model to rows of its training log, each with ``wall_s`` (s) and any of
            ``train_loss`` and ``val_loss``.
    """
    colour = colours(list(curves))
    figure = Figure(figsize=(WIDTH, 2.6 * len(curves) + 0.5), layout="constrained")
    axes = figure.subplots(len(curves), 1, squeeze=False)[:, 0]
    for ax, (model, rows) in zip(axes, curves.items(), strict=True):
        for key, line, label in (("train_loss", "--", "training"), ("val_loss", "-", "validation")):
            points = [(r["wall_s"], r[key]) for r in rows if r.get(key) is not None]
            if points:
                mark = "o" if len(points) < 40 else None
                x, y = np.array(points).T
                ax.plot(x, y, line, color=colour[model], label=label, marker=mark, markersize=3)
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
    figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
    ax = figure.subplots()
    for model, rows in curves.items():
        points = [(r["wall_s"], r["val_auc"]) for r in rows if r.get("val_auc") is not None]
        if points:
            x, y = np.array(points).T
            mark = "o" if len(points) < 60 else None
            ax.plot(x, y, color=colour[model], label=model, marker=mark, markersize=3)
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
    figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
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
        figure.colorbar(points, ax=ax, label=f"{title} [{unit}]" if unit else title, extend="both")
    limits = np.quantile(coordinates, [0.002, 0.998], axis=0)
    margin = 0.08 * (limits[1] - limits[0]) + 1e-9
    ax.set_xlim(limits[0, 0] - margin[0], limits[1, 0] + margin[0])
    ax.set_ylim(limits[0, 1] - margin[1], limits[1, 1] + margin[1])
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
    names = list(samples)
    colour = colours(names)
    edges = _edges(list(samples.values()))
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    reference, reference_error = _density(samples[names[0]], edges)
    for name in names:
        height, error = _density(samples[name], edges)
        first = name == names[0]
        top.stairs(
            height, edges, color=colour[name], label=name, fill=first, alpha=0.25 if first else 1
        )
        if first:
            top.stairs(height, edges, color=colour[name])
        _ratio(bottom, edges, (height, error), (reference, reference_error), colour[name], first)
    if log:
        top.set_yscale("log")
    else:
        top.set_ylim(0, headroom * max(reference.max(), 1e-12))
    top.set_ylabel(f"density [1/{unit}]" if unit else "density")
    top.legend()
    bottom.axhline(1, color="gray", linewidth=0.8)
    bottom.set_ylim(*ratios)
    bottom.set_ylabel(f"ratio to\n{names[0]}", loc="center")
    bottom.set_xlabel(f"{label} [{unit}]" if unit else label)
    bottom.set_xlim(edges[0], edges[-1])
    return figure


@styled
def class_distribution(
    reference: tuple[NDArray[Any], NDArray[Any]],
    sample: tuple[NDArray[Any], NDArray[Any]],
    *,
    names: tuple[str, str],
    label: str,
    unit: str = "",
    log: bool = False,
    ratios: tuple[float, float] = (0.4, 1.6),
) -> Figure:
    """Histogram of one observable for both classes of two samples, with ratios class by class.

    Args:
        reference: values and labels, each ``(n,)``, of the sample that is drawn shaded.
        sample: the same of the one that is drawn as points.
        names: of the two samples.
        label: the observable.
        unit: its unit.
        log: logarithmic event axis.
        ratios: range of the ratios shown.
    """
    edges = _edges([reference[0], sample[0]])
    middle = (edges[1:] + edges[:-1]) / 2
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    top, *below = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 1))
    highest = 1e-12
    for k, name in enumerate(JET_IMAGES.classes):
        colour, mark = OF_CLASS[k], "os"[k]
        true, own = (_density(v[of == k], edges) for v, of in (reference, sample))
        highest = max(highest, float(true[0].max()))
        text = f"{name}, {names[0]}"
        top.stairs(true[0], edges, color=colour, fill=True, alpha=0.2, label=text)
        top.stairs(true[0], edges, color=colour)
        text = f"{name}, {names[1]}"
        lit = own[0] > 0
        points = middle[lit], own[0][lit], own[1][lit]
        top.errorbar(*points, fmt=mark, color=colour, markersize=3.5, linewidth=1, label=text)
        _ratio(below[k], edges, true, true, colour, True)
        _ratio(below[k], edges, own, true, colour, False)
        below[k].axhline(1, color="gray", linewidth=0.8)
        below[k].set_ylim(*ratios)
        below[k].set_ylabel(f"{name}\nratio", loc="center")
    if log:
        top.set_yscale("log")
        top.set_ylim(top=10 * highest)
    else:
        top.set_ylim(0, 1.6 * highest)
    top.set_ylabel(f"density [1/{unit}]" if unit else "density")
    top.legend(ncols=2, fontsize=9)
    below[-1].set_xlabel(f"{label} [{unit}]" if unit else label)
    below[-1].set_xlim(edges[0], edges[-1])
    return figure


def _edges(samples: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
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


def _density(
    values: NDArray[Any], edges: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normalised histogram and its Poisson error; what lies outside the edges still counts."""
    counts = np.histogram(values, edges)[0]
    scale = max(len(values), 1) * np.diff(edges)
    return counts / scale, np.sqrt(counts) / scale


def _ratio(
    ax: Axes,
    edges: NDArray[np.float64],
    sample: tuple[NDArray[np.float64], NDArray[np.float64]],
    reference: tuple[NDArray[np.float64], NDArray[np.float64]],
    colour: str,
    is_reference: bool,
) -> None:
    """Points of the ratio to the reference; the reference's own error as a band around 1."""
    known = reference[0] > 0
    middle = ((edges[1:] + edges[:-1]) / 2)[known]
    relative = reference[1][known] / reference[0][known]
    if is_reference:
        ax.fill_between(
            middle, 1 - relative, 1 + relative, step="mid", color=colour, alpha=0.2, linewidth=0
        )
        return
    ratio = sample[0][known] / reference[0][known]
    error = sample[1][known] / reference[0][known]
    ax.errorbar(middle, ratio, error, fmt="o", color=colour, markersize=3, linewidth=1)


@styled
def response_histogram(
    responses: Mapping[str, Mapping[str, NDArray[Any]]], *, limits: tuple[float, float] = (0.5, 1.5)
) -> Figure:
    """Reconstructed over true summed energy per channel, one panel each.

    Args:
        responses: channel to model to ratios ``(n,)``.
        limits: range shown; events outside are counted in the first and last bin.
    """
    figure = Figure(figsize=(WIDTH, 2.3 * len(responses) + 0.4), layout="constrained")
    axes = figure.subplots(len(responses), 1, sharex=True, squeeze=False)[:, 0]
    edges = np.linspace(*limits, 61)
    for ax, (channel, models) in zip(axes, responses.items(), strict=True):
        colour = colours(list(models))
        for model, ratio in models.items():
            height = np.histogram(np.clip(ratio, *limits), edges)[0] / max(len(ratio), 1)
            text = f"{model}: {np.mean(ratio):.3f} ± {np.std(ratio):.3f}"
            ax.stairs(height, edges, color=colour[model], label=text, linewidth=1.8)
        ax.axvline(1, color="gray", linewidth=0.8, linestyle=":")
        ax.set_title(channel.upper() if channel != "track" else "Track", loc="left")
        ax.set_ylabel("fraction")
        ax.legend(title="mean ± deviation", fontsize=9, title_fontsize=9)
    axes[-1].set_xlabel("reconstructed / true summed energy")
    axes[-1].set_xlim(*limits)
    return figure
