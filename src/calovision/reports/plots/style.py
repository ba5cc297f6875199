"""The look of all figures: mplhep's base, colour-blind-safe colours, sizes for small screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from matplotlib import rc_context, rcParams, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

P = ParamSpec("P")
R = TypeVar("R")

# Okabe and Ito's palette, distinguishable with any colour vision
BLACK, BLUE, ORANGE, GREEN, PINK, SKY, AMBER = (
    "#000000",
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
)
#: colours with a fixed meaning
REFERENCE = {"original": BLACK, "simulated": BLACK, "baseline": ORANGE, "ours": BLUE}
OTHERS = (BLUE, GREEN, PINK, SKY, AMBER)
OF_CLASS = (ORANGE, BLUE, GREEN, PINK)  #: colours of classes 0, 1, ...
COLOUR_MAP = "viridis"  #: perceptually uniform and colour-blind safe
EMPTY = "#101018"  #: colour of pixels without energy

WIDTH = 6.4  #: inch; at this width 11 pt text is still readable on a phone
NARROW = 5.2  #: inch; the same for figures with legends of 9 pt
SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "font.size": 11,
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "axes.linewidth": 1.0,
    "figure.figsize": (WIDTH, 4.0),
    "figure.dpi": 100,
    "savefig.bbox": "standard",
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "xtick.major.size": 6,
    "xtick.minor.size": 3,
    "ytick.major.size": 6,
    "ytick.minor.size": 3,
    "xaxis.labellocation": "right",
    "yaxis.labellocation": "top",
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Matplotlib settings of this package, for the duration of a ``with`` block."""
    backend = dict.get(rcParams, "backend")  # asking rcParams itself would choose one
    with rc_context():
        import mplhep  # which changes settings, among them the user's backend

        rcParams["backend"] = backend
        with style.context([mplhep.style.ROOT, SETTINGS]):
            yield


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Run a plotting function with the settings of this package (decorator)."""

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with figure_style():
            return function(*args, **kwargs)

    return inner


def canvas(height: float, width: float = WIDTH) -> Figure:
    """An empty figure of some height and width (inch), whose axes find their places themselves."""
    return Figure(figsize=(width, height), layout="constrained")


def colours(names: Sequence[str]) -> dict[str, str]:
    """One colour per name: fixed for originals and baseline, then in order of appearance."""
    free = iter(c for c in OTHERS * (1 + len(names)) if "ours" not in names or c != BLUE)
    return {n: REFERENCE[n] if n in REFERENCE else next(free) for n in names}


@dataclass(frozen=True)
class Look:
    """How one model is drawn in every figure."""

    colour: str
    line: str = "-"
    marker: str = "o"


#: looks of known models, the same in every figure; variants share a colour and differ in the line
MODELS = {
    "ours": Look(BLUE),
    "baseline": Look(ORANGE),
    "baseline-k4": Look(ORANGE, "--", "v"),
    "baseline-k2": Look(ORANGE, ":", "^"),
    "graphsage-xy": Look(AMBER, "-", "P"),
    "particlenet": Look(GREEN, "-", "s"),
    "particlenet-lite": Look(GREEN, "--", "D"),
    "resnet15": Look(PINK, "-", "X"),
    "trees": Look(BLACK, "-.", "d"),
    "particles-small": Look(SKY, "--", "p"),
    "hits": Look(GREEN, "-", "^"),
}


def looks(names: Sequence[str]) -> dict[str, Look]:
    """A look for every model: its own, or for unknown names one of those that are left."""
    free = iter([Look(SKY, "-", "h"), Look(BLUE, "--", "p"), *[Look("#777777", ":", "x")] * 99])
    if len(names) == 1:
        return {names[0]: Look(BLUE)}
    return {name: MODELS[name] if name in MODELS else next(free) for name in names}


def points(
    ax: Axes,
    x: Sequence[float],
    y: Sequence[float],
    look: Look,
    label: str,
    *,
    x_error: Sequence[float] | None = None,
    y_error: Sequence[float] | None = None,
    size: float = 4,
) -> None:
    """Measured points of one model with their errors."""
    ax.errorbar(
        x,
        y,
        y_error,
        x_error,
        fmt=look.marker,
        color=look.colour,
        markersize=size,
        linewidth=1.2,
        label=label,
    )


def name_rows(ax: Axes, names: Sequence[str], fontsize: float | None = None) -> None:
    """A vertical axis that names rows, the first at the top, instead of counting."""
    ax.set_yticks(range(len(names)), names, fontsize=fontsize)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.yaxis.set_minor_locator(NullLocator())
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", alpha=0.3)


def legend_above(figure: Figure, models: int) -> None:
    """One legend for all axes, above them."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    columns = min(3, models)
    figure.legend(handles, labels, loc="outside upper right", ncols=columns, fontsize=9)


def quantity(label: str, unit: str) -> str:
    """A quantity with its unit, as it stands at an axis."""
    return f"{label} [{unit}]" if unit else label
