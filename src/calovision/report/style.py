"""The look of all figures: mplhep's base, colour-blind-safe colours, sizes for small screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from matplotlib import rc_context, style

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
REFERENCE = {"original": BLACK, "baseline": ORANGE, "ours": BLUE}  #: colours with a fixed meaning
OTHERS = (BLUE, GREEN, PINK, SKY, AMBER)
COLOUR_MAP = "viridis"  #: perceptually uniform and colour-blind safe
EMPTY = "#101018"  #: colour of pixels without energy

WIDTH = 6.4  #: inch; at this width 11 pt text is still readable on a phone
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
    import mplhep

    with rc_context(), style.context([mplhep.style.ROOT, SETTINGS]):
        yield


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Run a plotting function with the settings of this package (decorator)."""

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        with figure_style():
            return function(*args, **kwargs)

    return inner


def colours(names: list[str]) -> dict[str, str]:
    """One colour per name: fixed for originals and baseline, then in order of appearance."""
    free = iter(c for c in OTHERS * (1 + len(names)) if "ours" not in names or c != BLUE)
    return {n: REFERENCE[n] if n in REFERENCE else next(free) for n in names}
